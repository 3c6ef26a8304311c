/* SPDX-License-Identifier: ISC */
/*
 * stream - a conversation over TCP: messages in, replies out, each until a deadline.
 *
 * From top to bottom: the beginning, messages, sending, replies.  Waiting for input is in
 * stream_input.c, the end and the last words in stream_end.c.
 */
#include "stream_parts.h"

#include "deadline.h"
#include "tally.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define PIECES_MAX 7

/* A reply from this size on is sent from where it lies, not copied. */
#define DIRECT_BYTES 16384

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
	s->terms = terms;
	s->status = status;
	transport_init(&s->transport, fd, terms->idle_ns, terms->reply_ns);
	s->transport.sent = &status->bytes_out;
	s->transport.permits = status->permits;
	s->transport.spin_ns = terms->spin_ns;
	s->lifetime_deadline =
		terms->lifetime_ns > 0 ? deadline_after(terms->lifetime_ns) : DEADLINE_NEVER;
	buffer_init(&s->in, s->in_inline, sizeof s->in_inline);
	buffer_init(&s->out, s->out_inline, sizeof s->out_inline);
}

/* Messages. */

/* Hand out a message, and consume it with the bytes around it. */
static inline bool hand_out(
	struct stream *s, const struct framing_message *found, struct stream_message *message)
{
	*message = (struct stream_message){
		.data = s->in.data + s->in.start + found->before,
		.len = found->len,
		.end = found->after,
	};
	s->in.start += found->before + found->len + found->after;
	s->scanned = 0;
	s->progressed = true;
	s->message_deadline = 0;
	if (s->terms->framing != STREAM_RAW)
		tally_add(&s->status->messages_in, 1);
	return true;
}

/*
 * How much one recv may bring: as much as fits while messages flow; no more than the bound allows
 * when it goes on with a line.
 */
static size_t appetite(const struct stream *s)
{
	size_t held = buffer_held(&s->in);

	if (s->terms->framing != STREAM_LINE || s->progressed || held == 0)
		return SIZE_MAX;
	return (size_t)s->terms->max_line + 1 - held;
}

static bool end_instead(struct stream *s, enum framing_found found)
{
	size_t max = stream_message_max(s->terms);

	if (found == FRAMING_TOO_LONG)
		return stream_complain(s, STREAM_TOO_LONG, "%s longer than %zu bytes",
			s->terms->framing == STREAM_LINE ? "line" : "frame", max);
	return stream_end_with(s, found == FRAMING_CUT_OFF ? STREAM_TRUNCATED : STREAM_EOF, 0);
}

/* Inline: a copy for each framing, in which the compiler knows it.  This runs once a message. */
__attribute__((always_inline)) static inline bool read_message(
	struct stream *s, enum stream_framing framing, int64_t max, struct stream_message *message)
{
	struct framing_message found;
	size_t need;

	assert(s->terms->framing == framing);
	if (!stream_may_begin(s))
		return false;
	for (;;) {
		struct framing_bytes bytes = {
			.data = s->in.data + s->in.start,
			.len = buffer_held(&s->in),
			.scanned = s->scanned,
			.ended = s->input_ended,
		};
		enum framing_found what = framing_find(framing, (size_t)max, &bytes, &found, &need);
		if (what == FRAMING_WHOLE)
			return hand_out(s, &found, message);
		if (what != FRAMING_PART)
			return end_instead(s, what);
		s->scanned = bytes.scanned;
		if (!stream_fill(s, need, appetite(s)))
			return false;
	}
}

bool stream_read_line(struct stream *s, struct stream_message *line)
{
	return read_message(s, STREAM_LINE, s->terms->max_line, line);
}

bool stream_read_frame(struct stream *s, struct stream_message *frame)
{
	return read_message(s, STREAM_FRAME, s->terms->max_frame, frame);
}

bool stream_read_some(struct stream *s, struct stream_message *bytes)
{
	return read_message(s, STREAM_RAW, 0, bytes);
}

/* Sending. */

int stream_send_out(struct stream *s, const struct iovec *pieces, size_t count)
{
	struct iovec all[PIECES_MAX + 1] = {{.iov_base = s->out.data, .iov_len = s->out.end}};

	assert(count <= PIECES_MAX);
	if (count > 0)
		memcpy(all + 1, pieces, count * sizeof *pieces);
	int rc = transport_send(&s->transport, all, count + 1, s->terms->reply_ns);
	s->out.end = 0;
	s->unanswered |= rc < 0;
	return rc;
}

static bool send_or_end(struct stream *s, const struct iovec *pieces, size_t count)
{
	int rc = stream_send_out(s, pieces, count);

	if (rc == -EAGAIN)
		return stream_end_with(s, STREAM_REPLY_TIMEOUT, 0);
	return rc == 0 || stream_end_with_errno(s, -rc);
}

bool stream_flush(struct stream *s)
{
	if (s->end != STREAM_OPEN)
		return false;
	return s->out.end == 0 || send_or_end(s, NULL, 0);
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
		tally_add(&s->status->messages_out, 1);
	if (!fits(s, len))
		return send_or_end(s, pieces, count);
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
	char length[FRAMING_LENGTH_BYTES];
	const struct iovec pieces[] = {
		{.iov_base = length, .iov_len = sizeof length},
		{.iov_base = (void *)body, .iov_len = len},
	};

	framing_put_length(len, length);
	return stream_write_pieces(s, pieces, 2);
}
