/* SPDX-License-Identifier: ISC */
/*
 * stream - full-loop, buffered reading and writing on a blocking TCP socket, each message until a
 * deadline.
 *
 * From top to bottom: ends, the status, memory, sending, receiving, messages, replies, last words.
 */
#include "stream.h"

#include "deadline.h"
#include "linger.h"
#include "quantity.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FRAME_HEADER 4
#define PIECES_MAX   7

/* A reply from this size on is sent from where it lies, not copied. */
#define DIRECT_BYTES 16384

/* A connection that has said nothing for so long rests, and gives its bulk buffers back. */
#define REST_NS (100 * NS_PER_MS)

/* Ends. */

enum manner {
	CLOSE,  /* send what is buffered and close: everything that came was read */
	LINGER, /* then half-close and read on: unread input would make close() send RST */
	RESET,  /* the peer no longer takes part: RST, and what is unsent is dropped */
};

static const struct {
	const char *name;
	enum manner manner;
} endings[STREAM_ENDS] = {
	[STREAM_OPEN] = {"open", LINGER},
	[STREAM_EOF] = {"eof", CLOSE},
	[STREAM_SERVED] = {"served", LINGER},
	[STREAM_REFUSED] = {"refused", LINGER},
	[STREAM_TOO_LONG] = {"too_long", LINGER},
	[STREAM_MESSAGE_TIMEOUT] = {"message_timeout", LINGER},
	[STREAM_IDLE] = {"idle", LINGER},
	[STREAM_LIFETIME] = {"lifetime", LINGER},
	[STREAM_DRAINED] = {"drained", LINGER},
	[STREAM_REPLY_TIMEOUT] = {"reply_timeout", RESET},
	[STREAM_FORCED] = {"forced", RESET},
	[STREAM_TRUNCATED] = {"truncated", CLOSE},
	[STREAM_RESET] = {"reset", RESET},
	[STREAM_UNREACHABLE] = {"unreachable", RESET},
	[STREAM_NO_MEMORY] = {"no_memory", LINGER},
	[STREAM_FAILED] = {"failed", RESET},
};

const char *stream_end_name(enum stream_end end)
{
	return endings[end].name;
}

/* The first cause stands.  Always false, for the callers' sake. */
static bool end_with(struct stream *s, enum stream_end end, int error)
{
	if (s->end == STREAM_OPEN) {
		s->end = end;
		s->error = error;
	}
	return false;
}

/* The same with an error reply to come. */
static bool complain(struct stream *s, enum stream_end end, const char *format, va_list args)
{
	if (s->end == STREAM_OPEN) {
		vsnprintf(s->complaint, sizeof s->complaint, format, args);
		s->replying_error = true;
	}
	return end_with(s, end, 0);
}

__attribute__((format(printf, 3, 4))) static bool complain_of(
	struct stream *s, enum stream_end end, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(s, end, format, args);
	va_end(args);
	return false;
}

static enum stream_end end_of_errno(int error)
{
	switch (error) {
	case ECONNRESET:
	case EPIPE:
		return STREAM_RESET;
	case ETIMEDOUT:
	case EHOSTUNREACH:
	case EHOSTDOWN:
	case ENETUNREACH:
	case ENETDOWN:
	case ENETRESET:
		return STREAM_UNREACHABLE;
	default:
		return STREAM_FAILED;
	}
}

/* The status. */

void stream_status_init(
	struct stream_status *status, const atomic_bool *draining, struct spin_permits *permits)
{
	status->draining = draining;
	status->permits = permits;
	atomic_store_explicit(&status->bytes_in, 0, memory_order_relaxed);
	atomic_store_explicit(&status->bytes_out, 0, memory_order_relaxed);
	atomic_store_explicit(&status->messages_in, 0, memory_order_relaxed);
	atomic_store_explicit(&status->messages_out, 0, memory_order_relaxed);
	atomic_store(&status->state, STATUS_BUSY);
}

static uint64_t count_of(const _Atomic uint64_t *count)
{
	return atomic_load_explicit(count, memory_order_relaxed);
}

/* Not an atomic addition, which would lock the bus: no other thread writes. */
static void add_to(_Atomic uint64_t *count, uint64_t more)
{
	atomic_store_explicit(count, count_of(count) + more, memory_order_relaxed);
}

struct stream_counts stream_counts(const struct stream_status *status)
{
	return (struct stream_counts){
		.bytes_in = count_of(&status->bytes_in),
		.bytes_out = count_of(&status->bytes_out),
		.messages_in = count_of(&status->messages_in),
		.messages_out = count_of(&status->messages_out),
	};
}

static uint64_t bytes_in(const struct stream *s)
{
	return count_of(&s->status->bytes_in);
}

static bool is_cut(const struct stream *s)
{
	return atomic_load(&s->status->state) == STATUS_FORCED;
}

/* A call failed: our owner's doing, or the connection's. */
static bool end_with_errno(struct stream *s, int error)
{
	if (is_cut(s))
		return end_with(s, STREAM_FORCED, 0);
	return end_with(s, end_of_errno(error), error);
}

/* Tell the owner what we are at.  False if it has cut the connection, which is final. */
static bool publish(struct stream *s, enum stream_state state)
{
	int before = atomic_exchange(&s->status->state, state);
	if (before == STATUS_FORCED) {
		atomic_store(&s->status->state, STATUS_FORCED);
		return end_with(s, STREAM_FORCED, 0);
	}
	if (before == STATUS_WOKEN)
		s->woken = true;
	return true;
}

static size_t buffered(const struct stream *s)
{
	return s->in.end - s->in.start;
}

/*
 * True once the owner drains.  The first look fixes what is still answered: all that has arrived by
 * then, so that a peer that goes on sending cannot hold the stop up.  A connection that has said
 * nothing yet is given the owner's patience instead, or the client that has just connected would be
 * turned away.
 */
static bool is_draining(struct stream *s)
{
	if (s->draining)
		return true;
	if (!s->woken && (bytes_in(s) == 0 || !atomic_load(s->status->draining)))
		return false;
	int64_t unread = socket_unread(s->fd);
	s->drain_end = bytes_in(s) + (uint64_t)(unread > 0 ? unread : 0);
	s->draining = true;
	return true;
}

/* May another message begin? */
static bool may_begin(struct stream *s)
{
	if (s->end != STREAM_OPEN)
		return false;
	if (s->ended && buffered(s) == 0)
		return end_with(s, STREAM_EOF, 0);
	if (is_draining(s) && bytes_in(s) - buffered(s) >= s->drain_end)
		return end_with(s, STREAM_DRAINED, 0);
	return true;
}

/* Memory. */

/* Give back what a resting connection does not need. */
static void rest(struct stream *s)
{
	if (buffered(s) == 0)
		buffer_release(&s->in);
	if (s->out.end == 0)
		buffer_release(&s->out);
}

static bool holds_bulk(const struct stream *s)
{
	return !buffer_is_home(&s->in) || !buffer_is_home(&s->out);
}

/* The largest input buffer that these terms ever need. */
static size_t input_max(const struct stream_terms *terms)
{
	int64_t message = 0;

	if (terms->framing == STREAM_LINE)
		message = terms->max_line + 1;
	else if (terms->framing == STREAM_FRAME)
		message = terms->max_frame + FRAME_HEADER;
	if (terms->framing == STREAM_RAW)
		return STREAM_FLOOD_BYTES;
	return message > STREAM_BULK_BYTES ? buffer_whole_pages((size_t)message)
					   : STREAM_BULK_BYTES;
}

size_t stream_memory_max(const struct stream_terms *terms)
{
	return input_max(terms) + STREAM_BULK_BYTES;
}

/*
 * Room for a message of need bytes, counted from in.start, and at least one byte to receive into.
 * False only if a message does not fit without more memory, and there is none.
 */
static bool make_room(struct stream *s, size_t need)
{
	struct buffer *in = &s->in;

	if (buffered(s) == 0)
		in->start = in->end = 0;
	if (in->start > 0 && (in->end == in->size || in->size - in->start < need)) {
		memmove(in->data, in->data + in->start, buffered(s));
		in->end -= in->start;
		in->start = 0;
	}
	if (in->size < need) {
		/* A frame says its length; a line does not, so it doubles. */
		size_t most = input_max(s->terms);
		size_t doubled = 2 * in->size < most ? 2 * in->size : most;
		return buffer_grow(in, need > doubled ? need : doubled);
	}
	/*
	 * Full after complete messages: it moves bulk.  Without memory for that it goes on in small
	 * steps.
	 */
	if (s->filled && s->progressed && in->size < STREAM_BULK_BYTES)
		(void)buffer_grow(in, STREAM_BULK_BYTES);
	else if (s->filled && s->terms->framing == STREAM_RAW && in->size < STREAM_FLOOD_BYTES)
		(void)buffer_grow(in, STREAM_FLOOD_BYTES);
	return true;
}

/* Arming: see socket_arm_timeout(). */

static int arm_receive(struct stream *s, int64_t left_ns)
{
	return socket_arm_timeout(s->fd, SO_RCVTIMEO, &s->armed_receive_ms, left_ns);
}

/* Sending. */

/* Drop what was sent from the front of the pieces.  Returns how many pieces are left. */
static size_t advance(struct iovec **pieces, size_t count, size_t sent)
{
	while (count > 0 && sent >= (*pieces)->iov_len) {
		sent -= (*pieces)->iov_len;
		(*pieces)++;
		count--;
	}
	if (count > 0) {
		(*pieces)->iov_base = (char *)(*pieces)->iov_base + sent;
		(*pieces)->iov_len -= sent;
	}
	return count;
}

/*
 * It does not go at once: look at the clock and set the timeout for a blocking send.  Returns 0 or
 * -errno.
 */
static int await_send(struct stream *s, int64_t *deadline_ns)
{
	int64_t now = deadline_now();

	if (*deadline_ns == 0)
		*deadline_ns = deadline_from(now, s->terms->reply_ns);
	if (now >= *deadline_ns)
		return -EAGAIN;
	return socket_arm_timeout(s->fd, SO_SNDTIMEO, &s->armed_send_ms, *deadline_ns - now);
}

/*
 * All of the pieces, until the reply's deadline.  The first try does not block, so that a reply
 * that goes at once costs one call and no look at the clock.  A blocked send returns a short count
 * when SO_SNDTIMEO passes, and only then EAGAIN.
 */
static int send_pieces(struct stream *s, struct iovec *pieces, size_t count)
{
	int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
	int64_t deadline = 0;

	count = advance(&pieces, count, 0);
	while (count > 0) {
		struct msghdr message = {.msg_iov = pieces, .msg_iovlen = count};
		ssize_t sent = sendmsg(s->fd, &message, flags);
		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (sent > 0) {
			add_to(&s->status->bytes_out, (uint64_t)sent);
			count = advance(&pieces, count, (size_t)sent);
		}
		int rc = count > 0 ? await_send(s, &deadline) : 0;
		if (rc < 0)
			return rc;
		flags = MSG_NOSIGNAL;
	}
	return 0;
}

/* What is buffered and, behind it, the pieces. */
static bool send_out(struct stream *s, const struct iovec *pieces, size_t count)
{
	struct iovec all[PIECES_MAX + 1] = {{.iov_base = s->out.data, .iov_len = s->out.end}};

	assert(count <= PIECES_MAX);
	if (count > 0)
		memcpy(all + 1, pieces, count * sizeof *pieces);
	int rc = send_pieces(s, all, count + 1);
	s->out.end = 0;
	s->unanswered |= rc < 0;
	if (rc == -EAGAIN)
		return end_with(s, STREAM_REPLY_TIMEOUT, 0);
	return rc == 0 || end_with_errno(s, -rc);
}

bool stream_flush(struct stream *s)
{
	if (s->end != STREAM_OPEN)
		return false;
	return s->out.end == 0 || send_out(s, NULL, 0);
}

/* Receiving. */

struct wait {
	bool idle; /* between messages */
	int64_t deadline;
	enum stream_end late; /* what it is called when the deadline passes */
};

/* What bounds the coming wait. */
static struct wait wait_for_input(struct stream *s, int64_t now)
{
	struct wait w = {.idle = buffered(s) == 0, .late = STREAM_IDLE};

	if (w.idle) {
		w.deadline = deadline_from(now, s->terms->idle_ns);
	} else {
		if (s->message_deadline == 0)
			s->message_deadline = deadline_from(now, s->terms->message_ns);
		w.deadline = s->message_deadline;
		w.late = STREAM_MESSAGE_TIMEOUT;
	}
	if (s->lifetime_deadline < w.deadline) {
		w.deadline = s->lifetime_deadline;
		w.late = STREAM_LIFETIME;
	}
	return w;
}

static bool too_late(struct stream *s, enum stream_end late)
{
	char text[QUANTITY_TEXT_MAX];

	if (late != STREAM_MESSAGE_TIMEOUT)
		return end_with(s, late, 0);
	return complain_of(s, late, "message not complete within %s",
		quantity_format_duration(s->terms->message_ns, text));
}

/*
 * recv(2) returned without input.  True: go on.  EAGAIN before the deadline means that the armed
 * timeout was shorter than what is left, because an earlier wait was; it is set to what is left
 * now, for EAGAIN must never come back at once.
 */
static bool look_at_the_clock(struct stream *s, const struct wait *w, int error)
{
	int64_t now = deadline_now();

	if (error == EAGAIN && now >= w->deadline)
		return too_late(s, w->late);
	if (error == EAGAIN) {
		rest(s);
		s->armed_receive_ms = INT64_MAX;
	}
	int rc = arm_receive(s, w->deadline - now);
	return rc == 0 || end_with_errno(s, -rc);
}

/*
 * The end of the stream, or what looks like it: the owner cut a connection that only waited.  Then
 * half a line is no last one.
 */
static bool end_of_input(struct stream *s)
{
	if (is_cut(s))
		return end_with(s, STREAM_FORCED, 0);
	if (s->woken && !socket_fin_received(s->fd)) {
		s->unanswered |= buffered(s) > 0;
		return end_with(s, STREAM_DRAINED, 0);
	}
	s->ended = true;
	return false;
}

/*
 * Were we interrupted to be told that the owner drains?  True: no, or there is input to answer
 * first.
 */
static bool heed_the_knock(struct stream *s, const struct wait *w)
{
	if (!w->idle || atomic_load(&s->status->state) != STATUS_WOKEN)
		return true;
	return publish(s, STATUS_BUSY) && may_begin(s);
}

/* As recv(2) does it, but with -errno.  Between messages, where it pays, it spins first. */
static ssize_t receive_into(struct stream *s, const struct wait *w, void *data, size_t len)
{
	ssize_t n = -EAGAIN;

	/* Who has connected and says nothing may be one of many. */
	if (w->idle && bytes_in(s) > 0 && s->terms->spin_ns > 0 && s->status->permits)
		n = spin_receive(&s->spin, s->status->permits, s->terms->spin_ns, s->fd, data, len);
	if (n == -EAGAIN) {
		n = recv(s->fd, data, len, 0);
		n = n < 0 ? -errno : n;
	}
	return n;
}

/*
 * One recv that did not fail; most bounds what it may bring.  Returns its count, or -1 with the end
 * set.
 */
static ssize_t receive(struct stream *s, const struct wait *w, size_t need, size_t most)
{
	for (;;) {
		if (!make_room(s, need)) {
			complain_of(s, STREAM_NO_MEMORY, "out of memory");
			return -1;
		}
		size_t room = s->in.size - s->in.end;
		if (room > most)
			room = most;
		ssize_t n = receive_into(s, w, s->in.data + s->in.end, room);
		s->filled = n > 0 && (size_t)n == room;
		if (n >= 0)
			return n;
		if (n != -EAGAIN && n != -EINTR) {
			end_with_errno(s, (int)-n);
			return -1;
		}
		if (!look_at_the_clock(s, w, (int)-n) || !heed_the_knock(s, w))
			return -1;
	}
}

/* Set the timeout for the wait, and receive.  Returns as receive() does. */
static ssize_t await_input(struct stream *s, size_t need, size_t most)
{
	int64_t now = deadline_now();
	struct wait w = wait_for_input(s, now);
	int64_t left = w.deadline - now;
	ssize_t n = -1;

	if (left <= 0) {
		too_late(s, w.late);
		return -1;
	}
	if (w.idle && !publish(s, bytes_in(s) == 0 ? STATUS_NEW : STATUS_IDLE))
		return -1;
	/*
	 * Only now, with the state out: whoever sets the flag later finds the state, and wakes us.
	 */
	if (!w.idle || may_begin(s)) {
		if (w.idle && holds_bulk(s))
			left = deadline_earlier(left, REST_NS);
		int rc = arm_receive(s, left);
		if (rc < 0)
			end_with_errno(s, -rc);
		else
			n = receive(s, &w, need, most);
	}
	/* Before the result is looked at: it depends on whether we were woken. */
	if (w.idle && !publish(s, STATUS_BUSY)) {
		s->unanswered |= n > 0;
		return -1;
	}
	return n;
}

/*
 * Send what is due, then receive at least one byte more of a message that takes need bytes as far
 * as is known, and at most `most` at once.  False at the end of the stream (s->ended, with s->end
 * still open) or of the conversation.
 */
static bool fill(struct stream *s, size_t need, size_t most)
{
	if (!stream_flush(s))
		return false;
	ssize_t n = await_input(s, need, most);
	s->progressed = false;
	if (n < 0)
		return false;
	if (n == 0)
		return end_of_input(s);
	s->in.end += (size_t)n;
	add_to(&s->status->bytes_in, (uint64_t)n);
	return true;
}

/* Messages. */

/* Hand out len bytes, and consume them with the skip bytes around them. */
static bool hand_out(
	struct stream *s, struct stream_message *m, size_t before, size_t len, size_t end)
{
	*m = (struct stream_message){
		.data = s->in.data + s->in.start + before, .len = len, .end = end};
	s->in.start += before + len + end;
	s->scanned = 0;
	s->progressed = true;
	s->message_deadline = 0;
	return true;
}

/*
 * How much one recv may bring when it completes a line: while messages flow, what fits; else what
 * the bound allows.
 */
static size_t line_appetite(const struct stream *s)
{
	size_t max = (size_t)s->terms->max_line + 1;

	return s->progressed || buffered(s) == 0 ? SIZE_MAX : max - buffered(s);
}

/* A look at the unscanned bytes only.  True: a line lies complete at in.start, *len bytes long. */
static bool find_line(struct stream *s, size_t *len)
{
	const char *start = s->in.data + s->in.start;
	const char *found = memchr(start + s->scanned, '\n', buffered(s) - s->scanned);

	if (found)
		*len = (size_t)(found - start);
	else
		*len = s->scanned = buffered(s);
	return found;
}

bool stream_read_line(struct stream *s, struct stream_message *line)
{
	size_t max = (size_t)s->terms->max_line;
	size_t len = 0;

	assert(s->terms->framing == STREAM_LINE);
	if (!may_begin(s))
		return false;
	for (;;) {
		bool complete = buffered(s) > 0 && find_line(s, &len);
		if ((complete ? len : buffered(s)) > max)
			return complain_of(s, STREAM_TOO_LONG, "line longer than %zu bytes", max);
		if (complete || (s->ended && buffered(s) > 0)) {
			add_to(&s->status->messages_in, 1);
			return hand_out(s, line, 0, len, complete);
		}
		if (s->ended)
			return end_with(s, STREAM_EOF, 0);
		if (!fill(s, buffered(s) + 1, line_appetite(s)) && !s->ended)
			return false;
	}
}

static uint32_t frame_length(const struct stream *s)
{
	uint32_t wire;

	memcpy(&wire, s->in.data + s->in.start, sizeof wire);
	return ntohl(wire);
}

bool stream_read_frame(struct stream *s, struct stream_message *frame)
{
	assert(s->terms->framing == STREAM_FRAME);
	if (!may_begin(s))
		return false;
	for (;;) {
		size_t need = FRAME_HEADER;
		if (buffered(s) >= FRAME_HEADER) {
			uint32_t len = frame_length(s);
			if (len > s->terms->max_frame)
				return complain_of(s, STREAM_TOO_LONG,
					"frame longer than %lld bytes",
					(long long)s->terms->max_frame);
			need += len;
			if (buffered(s) >= need) {
				add_to(&s->status->messages_in, 1);
				return hand_out(s, frame, FRAME_HEADER, len, 0);
			}
		}
		if (s->ended)
			return end_with(s, buffered(s) > 0 ? STREAM_TRUNCATED : STREAM_EOF, 0);
		if (!fill(s, need, SIZE_MAX) && !s->ended)
			return false;
	}
}

bool stream_read_some(struct stream *s, struct stream_message *bytes)
{
	assert(s->terms->framing == STREAM_RAW);
	s->progressed = true;
	if (!may_begin(s))
		return false;
	if (!fill(s, 1, SIZE_MAX))
		return s->ended ? end_with(s, STREAM_EOF, 0) : false;
	return hand_out(s, bytes, 0, buffered(s), 0);
}

/* Replies. */

static void put(struct stream *s, const void *data, size_t len)
{
	if (len > 0)
		memcpy(s->out.data + s->out.end, data, len);
	s->out.end += len;
}

/* Make the output buffer hold len bytes more, growing it once; false if it is better to send. */
static bool fits(struct stream *s, size_t len)
{
	if (len <= s->out.size - s->out.end)
		return true;
	if (s->terms->framing == STREAM_RAW || len >= DIRECT_BYTES || !buffer_is_home(&s->out))
		return false;
	return buffer_grow(&s->out, STREAM_BULK_BYTES);
}

bool stream_write_pieces(struct stream *s, const struct iovec *pieces, size_t count)
{
	size_t len = 0;

	if (s->end != STREAM_OPEN) {
		s->unanswered = true;
		return false;
	}
	for (size_t i = 0; i < count; i++)
		len += pieces[i].iov_len;
	if (s->terms->framing != STREAM_RAW)
		add_to(&s->status->messages_out, 1);
	if (!fits(s, len))
		return send_out(s, pieces, count);
	for (size_t i = 0; i < count; i++)
		put(s, pieces[i].iov_base, pieces[i].iov_len);
	return true;
}

bool stream_write(struct stream *s, const void *data, size_t len)
{
	const struct iovec piece = {.iov_base = (void *)data, .iov_len = len};

	return stream_write_pieces(s, &piece, 1);
}

bool stream_write_frame(struct stream *s, const void *body, size_t len)
{
	uint32_t wire = htonl((uint32_t)len);
	const struct iovec pieces[] = {
		{.iov_base = &wire, .iov_len = sizeof wire},
		{.iov_base = (void *)body, .iov_len = len},
	};

	assert(len <= UINT32_MAX);
	return stream_write_pieces(s, pieces, 2);
}

bool stream_refuse(struct stream *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(s, STREAM_REFUSED, format, args);
	va_end(args);
	return false;
}

/* Beginning, and last words. */

struct socket_options stream_socket_options(
	const struct stream_terms *terms, bool nodelay, int64_t dead_after_ns)
{
	return (struct socket_options){
		.receive_timeout_ns = terms->idle_ns,
		.send_timeout_ns = terms->reply_ns,
		.dead_after_ns = dead_after_ns,
		.nodelay = nodelay,
	};
}

void stream_init(
	struct stream *s, int fd, const struct stream_terms *terms, struct stream_status *status)
{
	/* Not the buffers: a page that is not touched costs nothing. */
	memset(s, 0, offsetof(struct stream, in_inline));
	s->fd = fd;
	s->terms = terms;
	s->status = status;
	s->lifetime_deadline =
		terms->lifetime_ns > 0 ? deadline_after(terms->lifetime_ns) : DEADLINE_NEVER;
	s->armed_receive_ms = socket_timeout_ms(terms->idle_ns);
	s->armed_send_ms = socket_timeout_ms(terms->reply_ns);
	buffer_init(&s->in, s->in_inline, sizeof s->in_inline);
	buffer_init(&s->out, s->out_inline, sizeof s->out_inline);
}

size_t stream_compose_complaint(
	enum stream_framing framing, const char *text, char reply[STREAM_COMPLAINT_MAX])
{
	size_t before = framing == STREAM_FRAME ? FRAME_HEADER : 0;

	if (framing == STREAM_RAW)
		return 0;
	int len = snprintf(reply + before, STREAM_COMPLAINT_MAX - before,
		STREAM_ERROR_PREFIX "%.120s%s", text, framing == STREAM_LINE ? "\n" : "");
	uint32_t wire = htonl((uint32_t)len);
	memcpy(reply, &wire, before);
	return before + (size_t)len;
}

/* The error reply, in the framing of the rest. */
static bool send_complaint(struct stream *s)
{
	char reply[STREAM_COMPLAINT_MAX];
	const struct iovec piece = {
		.iov_base = reply,
		.iov_len = stream_compose_complaint(s->terms->framing, s->complaint, reply),
	};

	return send_out(s, &piece, 1);
}

/* Replies and error reply, as far as the peer takes them.  Sets s->end anew if it does not. */
static void send_last(struct stream *s)
{
	enum stream_end end = s->end;
	int error = s->error;

	s->end = STREAM_OPEN;
	bool sent = s->replying_error ? send_complaint(s) : stream_flush(s);
	if (sent) {
		s->end = end;
		s->error = error;
	}
}

/*
 * A reset loses what had come and what was to leave, here and in the kernel, where a FIN that waits
 * behind it counts as one byte.
 */
static void look_for_unanswered(struct stream *s)
{
	s->unanswered |= buffered(s) > 0 || s->out.end > 0 || socket_unread(s->fd) > 0 ||
		socket_unsent(s->fd) > 1;
}

/*
 * Cut when all was said, a connection is not reset: the owner has sent the FIN, and the reply
 * before it may still be on its way.
 */
static bool must_reset(struct stream *s)
{
	if (endings[s->end].manner != RESET)
		return false;
	look_for_unanswered(s);
	return s->end != STREAM_FORCED || s->unanswered;
}

void stream_finish(struct stream *s)
{
	if (s->end == STREAM_OPEN)
		s->end = STREAM_SERVED;
	bool reset = must_reset(s);
	buffer_release(&s->in);
	if (!reset)
		send_last(s);
	buffer_release(&s->out);
	if (reset || must_reset(s)) {
		socket_reset_on_close(s->fd);
		return;
	}
	/* With the peer's FIN read there is nothing left to wait for, and close() sends ours. */
	if (endings[s->end].manner != LINGER || s->ended)
		return;
	const struct linger_terms terms = {
		.time_ns = s->terms->linger_time_ns,
		.bytes = (uint64_t)s->terms->linger_bytes,
		.until_taken = s->end == STREAM_DRAINED,
	};
	if (publish(s, STATUS_LINGERING) && shutdown(s->fd, SHUT_WR) == 0)
		s->bytes_dropped =
			linger_read_out(s->fd, &terms, s->in_inline, sizeof s->in_inline);
}
