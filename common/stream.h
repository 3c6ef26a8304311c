/* SPDX-License-Identifier: ISC */
/*
 * stream - a conversation over TCP: messages in, replies out, each until a deadline, and an end that
 * the peer understands.
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
 *   - When its owner drains, the stream answers what had arrived and then reports the end, like any
 *     other end.
 *   - Any end is told to the peer as it should be: see enum stream_end.
 *
 * The stream tells an operator nothing; the owner reads the fields marked [result] and the counts in
 * the status (stream_status.h).
 *
 * Threads:  a stream belongs to one thread.  Only its status is shared.
 * Errors:   reads and writes return false when the conversation is over, and go on doing so;
 *           stream.end says why.
 */
#ifndef BOBBIN_COMMON_STREAM_H
#define BOBBIN_COMMON_STREAM_H

#include "buffer.h"
#include "framing.h"
#include "socket.h"
#include "stream_status.h"
#include "transport.h"

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

/* The largest input buffer of a RAW connection, which may take as much in one call. */
#define STREAM_FLOOD_BYTES 262144

/* What the peer may do.  [const] while any stream uses it.  Durations in ns, greater than 0. */
struct stream_terms {
	enum stream_framing framing;
	int64_t idle_ns;        /* between messages */
	int64_t message_ns;     /* from a message's first byte to its last */
	int64_t reply_ns;       /* for the peer to take a reply, once it does not go at once */
	int64_t lifetime_ns;    /* of the connection, looked at between reads; 0: no bound */
	int64_t linger_time_ns; /* after the last reply: read and drop for so long at most, */
	int64_t linger_bytes;   /* and so much */
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

/* One message.  data stays valid, in the stream's buffer, until the next read. */
struct stream_message {
	const char *data;
	size_t len;
	size_t end; /* LINE: 1 if data[len] is its '\n', 0 for a last line without.  Otherwise 0 */
};

/* How far a drain has come for this stream.  It only goes forward. */
enum stream_drain {
	DRAIN_NONE, /* the stream knows of none */
	DRAIN_TOLD, /* the owner woke the stream while it waited */
	DRAIN_SET,  /* drain_end is set: messages that begin before it are the last ones */
};

struct stream {                 /* fields belong to stream.c but for [result] */
	enum stream_end end;    /* [result] */
	int error;              /* [result] the errno that caused the end, or 0 */
	uint64_t bytes_dropped; /* [result] read and dropped while lingering */
	bool unanswered;        /* [result] input, or a reply, was lost with the end */

	const struct stream_terms *terms;
	struct stream_status *status;
	struct transport transport;
	struct buffer in;
	struct buffer out;
	size_t scanned; /* LINE: bytes from in.start on known to hold no '\n' */

	bool input_ended; /* the peer's FIN was read; what is buffered may still be answered */
	bool filled;      /* the last recv filled all that it was given */
	bool progressed;  /* a message was completed since the last recv */

	enum stream_drain drain;
	uint64_t drain_end; /* answer messages that begin before this many bytes_in */

	int64_t lifetime_deadline;
	int64_t message_deadline; /* 0: no message has begun */
	char complaint[128];      /* the text of the error reply, for the ends that have one */
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
 * 120 bytes; one line).  Returns false, so that a service can end with it.
 */
bool stream_refuse(struct stream *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * The last words: error reply, flush, half-close, linger, or whatever belongs to s->end;
 * STREAM_OPEN becomes STREAM_SERVED.  Afterwards the owner closes fd, and only the [result] fields
 * may be used.
 */
void stream_finish(struct stream *s);

/* The most memory that a stream with these terms can map besides struct stream itself, in bytes. */
size_t stream_memory_max(const struct stream_terms *terms);

#endif
