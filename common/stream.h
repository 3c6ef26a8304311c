/* SPDX-License-Identifier: ISC */
/*
 * stream - full-loop, buffered reading and writing on a blocking TCP socket, each message until a
 * deadline.
 *
 * A service reads a message, writes its reply, and reads the next; the stream does the rest:
 *
 *   - A message has one absolute deadline from its first byte, a reply one from the moment it does
 *     not go at once, and the pause between messages is bounded too.  SO_RCVTIMEO alone bounds one
 *     call: a peer that sends a byte a period would hold the thread for ever.
 *   - What one recv(2) brought is answered by one sendmsg(2): replies gather in a buffer and leave
 *     before the thread blocks, or when the buffer is full.
 *   - Small messages live in a buffer inside struct stream.  A connection that moves more gets a
 *     larger one from mmap(2), never larger than its longest message needs, and gives it back when
 *     it rests.
 *   - When its owner drains, the stream answers what had arrived, then reports the end, like any
 *     other end.
 *   - Any end is told to the peer as it should be: see enum stream_end.
 *
 * Nothing here says anything to an operator; the owner reads the fields marked [result] and the
 * counts in the status.
 *
 * Threads:  a stream belongs to one thread.  Only its status is shared.
 * Errors:   reads and writes return false when the conversation is over, and go on doing so;
 *           stream.end says why.
 */
#ifndef BOBBIN_COMMON_STREAM_H
#define BOBBIN_COMMON_STREAM_H

#include "buffer.h"
#include "socket.h"
#include "spin.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/*
 * Messages and replies up to this size cost no allocation.  With two of them a waiting thread of 64
 * KiB stack touches two pages; with two of 1280 it touches three (measured: glibc 2.36, x86_64).
 */
#define STREAM_INLINE_BYTES 1024

/* The larger buffer of a connection that moves more than that at a time. */
#define STREAM_BULK_BYTES 65536

/* The largest of one without messages, that fills even that: each call moves more. */
#define STREAM_FLOOD_BYTES 262144

/* The prefix of every error reply. */
#define STREAM_ERROR_PREFIX "error: "

enum stream_framing {
	STREAM_LINE,  /* bytes up to '\n'; a last line may lack it */
	STREAM_FRAME, /* a 4-byte big-endian length, then that many bytes */
	STREAM_RAW,   /* no messages */
};

/* What the peer may do.  [const] while any stream uses it.  Durations in ns, greater than 0. */
struct stream_terms {
	enum stream_framing framing;
	int64_t idle_ns;        /* between messages */
	int64_t message_ns;     /* from a message's first byte to its last */
	int64_t reply_ns;       /* for the peer to take a reply, once it does not go at once */
	int64_t lifetime_ns;    /* of the connection, looked at between reads; 0: no bound */
	int64_t linger_time_ns; /* how long what still comes after the last reply is read */
	int64_t linger_bytes;   /* and dropped, and how much */
	int64_t max_line;       /* bytes, '\n' not counted */
	int64_t max_frame;      /* bytes, the length not counted */
	int64_t spin_ns;        /* ask so long for the next message before sleeping; 0: do not */
};

/*
 * Why a conversation ended, and so how: with or without an error reply, by lingering, by RST, by
 * plain close.
 */
enum stream_end {
	STREAM_OPEN,            /* it has not ended */
	STREAM_EOF,             /* the peer's end of stream, all answered */
	STREAM_SERVED,          /* the service returned of its own accord */
	STREAM_REFUSED,         /* the service called stream_refuse() */
	STREAM_TOO_LONG,        /* a line or frame above its bound */
	STREAM_MESSAGE_TIMEOUT, /* message_ns passed */
	STREAM_IDLE,            /* idle_ns passed */
	STREAM_LIFETIME,        /* lifetime_ns passed */
	STREAM_DRAINED,         /* the owner drains */
	STREAM_REPLY_TIMEOUT,   /* reply_ns passed */
	STREAM_FORCED,          /* the owner cut it; RST only if something was unanswered */
	STREAM_TRUNCATED,       /* the peer's end of stream inside a frame */
	STREAM_RESET,           /* ECONNRESET, EPIPE */
	STREAM_UNREACHABLE,     /* the network gave up on the peer (ETIMEDOUT and its kin) */
	STREAM_NO_MEMORY,       /* mmap(2) failed for a message above STREAM_INLINE_BYTES */
	STREAM_FAILED,          /* any other errno; see stream.error */
	STREAM_ENDS,            /* how many there are */
};

/* The word for each, for logs and counters: "eof", "message_timeout". */
const char *stream_end_name(enum stream_end end);

/*
 * Where the owner of many streams and the thread of one meet, without a lock.  The thread stores
 * its state and then loads *draining; the owner stores *draining and then swaps the state; all
 * sequentially consistent, so one of them always sees the other.
 *
 * To drain, the owner swaps STATUS_IDLE (or STATUS_NEW, when it has waited long enough for a first
 * word) for STATUS_WOKEN, and interrupts the thread with a signal whose handler does nothing, again
 * and again until the state is another one: a signal that comes just before recv(2) is lost.  It
 * does not shut the reading side down, because then, once our FIN is out too, the kernel answers
 * what the peer still sends with RST.  To cut, it stores STATUS_FORCED and shuts down both sides; one
 * that only waits it may give STATUS_WOKEN instead, for a FIN and no RST.
 */
enum stream_state {
	STATUS_NEW,       /* waiting, and nothing has been received yet */
	STATUS_IDLE,      /* waiting between messages */
	STATUS_BUSY,      /* in a message or its reply */
	STATUS_LINGERING, /* every reply sent; reading and dropping */
	STATUS_WOKEN,     /* was waiting when the owner drained */
	STATUS_FORCED,    /* cut; final */
};

struct stream_status {
	_Atomic int state;            /* [atomic] enum stream_state */
	const atomic_bool *draining;  /* [const] the owner's flag: becomes true once, for good */
	struct spin_permits *permits; /* [const] of all its streams; NULL: none may spin */
	/* Only the stream's thread adds to these, without a lock; any thread may read them. */
	_Atomic uint64_t bytes_in;     /* [atomic] received, dropped ones not counted */
	_Atomic uint64_t bytes_out;    /* [atomic] taken by the kernel */
	_Atomic uint64_t messages_in;  /* [atomic] 0 for RAW */
	_Atomic uint64_t messages_out; /* [atomic] 0 for RAW */
};

/*
 * Make *status that of a connection that has not begun: STATUS_BUSY until its thread publishes
 * STATUS_NEW, all counts 0.
 */
void stream_status_init(
	struct stream_status *status, const atomic_bool *draining, struct spin_permits *permits);

/* What a stream has moved so far. */
struct stream_counts {
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t messages_in;
	uint64_t messages_out;
};

/*
 * The counts of a live or ended stream.  Each only grows until the next stream_status_init(); they
 * are read one after the other, so a message may be counted whose bytes are not yet.
 */
struct stream_counts stream_counts(const struct stream_status *status);

/* One message.  data stays valid, in the stream's buffer, until the next read. */
struct stream_message {
	const char *data;
	size_t len;
	size_t end; /* LINE: 1 if data[len] is its '\n', 0 for a last line without.  Otherwise 0 */
};

struct stream { /* fields belong to stream.c but for [result] */
	int fd;
	const struct stream_terms *terms;
	struct stream_status *status;

	enum stream_end end;    /* [result] */
	int error;              /* [result] the errno behind the end, or 0 */
	uint64_t bytes_dropped; /* [result] read and dropped while lingering */
	bool unanswered;        /* [result] input, or a reply, was lost with the end */

	struct buffer in;
	struct buffer out;
	struct spin spin;
	size_t scanned;      /* LINE: bytes from in.start on known to hold no '\n' */
	bool filled;         /* the last recv filled all that it was given */
	bool progressed;     /* a message was completed since the last recv */
	bool ended;          /* the peer's FIN was read */
	bool draining;       /* drain_end is set */
	bool woken;          /* told that the owner drains, while it waited */
	bool replying_error; /* complaint is the last reply */
	uint64_t drain_end;  /* answer messages that begin before this many bytes_in */
	int64_t lifetime_deadline;
	int64_t message_deadline; /* 0: no message has begun */
	int64_t armed_receive_ms; /* SO_RCVTIMEO as it stands */
	int64_t armed_send_ms;    /* SO_SNDTIMEO as it stands */
	char complaint[128];
	char in_inline[STREAM_INLINE_BYTES];
	char out_inline[STREAM_INLINE_BYTES];
};

/*
 * The options that a socket must have before stream_init(): the stream counts on these timeouts
 * being set, on the listener or on the socket, and touches them only to shorten them.
 */
struct socket_options stream_socket_options(
	const struct stream_terms *terms, bool nodelay, int64_t dead_after_ns);

/*
 * Begin on a connected, blocking socket.  The stream borrows all three; fd is never closed here.
 * The status has been through stream_status_init() for this connection.
 */
void stream_init(
	struct stream *s, int fd, const struct stream_terms *terms, struct stream_status *status);

/*
 * The next line, without its '\n', or frame, without its length.  False at the end.
 * Messages are consumed as they are returned.
 */
bool stream_read_line(struct stream *s, struct stream_message *line);
bool stream_read_frame(struct stream *s, struct stream_message *frame);

/* RAW: whatever has come, at least one byte.  False at the end. */
bool stream_read_some(struct stream *s, struct stream_message *bytes);

/*
 * One reply, from one piece or, up to 7, from several.  It leaves at the latest before the next
 * read blocks.  False if the conversation is over.
 */
bool stream_write(struct stream *s, const void *data, size_t len);
bool stream_write_pieces(struct stream *s, const struct iovec *pieces, size_t count);

/* One reply as a frame: the length and the body.  len fits in 32 bits. */
bool stream_write_frame(struct stream *s, const void *body, size_t len);

/* Send what is buffered now.  Only for a service that works long before it reads again. */
bool stream_flush(struct stream *s);

/*
 * End the conversation with an error reply in the stream's framing: "error: " and the text (up to
 * 120 bytes; one line). Returns false, so that a service can end with it.
 */
bool stream_refuse(struct stream *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * The last words: error reply, flush, half-close, linger, or whatever belongs to s->end;
 * STREAM_OPEN becomes STREAM_SERVED.  Afterwards the owner closes fd, and only the [result] fields
 * may be used.
 */
void stream_finish(struct stream *s);

/* Room for any error reply, in any framing. */
#define STREAM_COMPLAINT_MAX 160

/*
 * Write the error reply of that text (up to 120 bytes) in a framing, for a client who gets no
 * stream: nothing for RAW.  Returns its length.
 */
size_t stream_compose_complaint(
	enum stream_framing framing, const char *text, char reply[STREAM_COMPLAINT_MAX]);

/* The most memory that a stream with these terms can map besides struct stream itself, in bytes. */
size_t stream_memory_max(const struct stream_terms *terms);

#endif
