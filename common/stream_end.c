/* SPDX-License-Identifier: ISC */
/* stream_end - how a conversation ends, and its last words. */
#include "stream_parts.h"

#include "linger.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

enum manner {
	CLOSE,    /* send what is buffered and close: everything that came was read */
	LINGER,   /* then half-close and read on: unread input would make close() send RST */
	COMPLAIN, /* the same after an error reply, s->complaint */
	RESET,    /* the peer no longer takes part: RST, and what is unsent is dropped */
};

static const struct {
	const char *name;
	enum manner manner;
} endings[STREAM_ENDS] = {
	[STREAM_OPEN] = {"open", LINGER},
	[STREAM_EOF] = {"eof", CLOSE},
	[STREAM_SERVED] = {"served", LINGER},
	[STREAM_REFUSED] = {"refused", COMPLAIN},
	[STREAM_TOO_LONG] = {"too_long", COMPLAIN},
	[STREAM_MESSAGE_TIMEOUT] = {"message_timeout", COMPLAIN},
	[STREAM_IDLE] = {"idle", LINGER},
	[STREAM_LIFETIME] = {"lifetime", LINGER},
	[STREAM_DRAINED] = {"drained", LINGER},
	[STREAM_REPLY_TIMEOUT] = {"reply_timeout", RESET},
	[STREAM_FORCED] = {"forced", RESET},
	[STREAM_TRUNCATED] = {"truncated", CLOSE},
	[STREAM_RESET] = {"reset", RESET},
	[STREAM_UNREACHABLE] = {"unreachable", RESET},
	[STREAM_NO_MEMORY] = {"no_memory", COMPLAIN},
	[STREAM_FAILED] = {"failed", RESET},
};

const char *stream_end_name(enum stream_end end)
{
	return endings[end].name;
}

bool stream_end_with(struct stream *s, enum stream_end end, int error)
{
	if (s->end == STREAM_OPEN) {
		s->end = end;
		s->error = error;
	}
	return false;
}

static bool complain(struct stream *s, enum stream_end end, const char *format, va_list args)
{
	if (s->end == STREAM_OPEN)
		vsnprintf(s->complaint, sizeof s->complaint, format, args);
	return stream_end_with(s, end, 0);
}

bool stream_complain(struct stream *s, enum stream_end end, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(s, end, format, args);
	va_end(args);
	return false;
}

bool stream_refuse(struct stream *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(s, STREAM_REFUSED, format, args);
	va_end(args);
	return false;
}

bool stream_is_cut(const struct stream *s)
{
	return stream_status_state(s->status) == STATUS_FORCED;
}

/* A call failed because the owner cut the connection, or because of the connection itself. */
static enum stream_end end_of_errno(const struct stream *s, int error)
{
	if (stream_is_cut(s))
		return STREAM_FORCED;
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

bool stream_end_with_errno(struct stream *s, int error)
{
	enum stream_end end = end_of_errno(s, error);

	return stream_end_with(s, end, end == STREAM_FORCED ? 0 : error);
}

/* Last words. */

/*
 * The replies and the error reply, as far as the peer takes them.  If it does not, that is how the
 * conversation ended.
 */
static void send_last(struct stream *s)
{
	char reply[FRAMING_ERROR_MAX];
	struct iovec piece = {.iov_base = reply};

	if (endings[s->end].manner == COMPLAIN)
		piece.iov_len = framing_compose_error(s->terms->framing, s->complaint, reply);
	if (s->out.end + piece.iov_len == 0)
		return;
	int rc = stream_send_out(s, &piece, 1);
	if (rc == 0)
		return;
	s->end = rc == -EAGAIN ? STREAM_REPLY_TIMEOUT : end_of_errno(s, -rc);
	s->error = s->end == STREAM_REPLY_TIMEOUT || s->end == STREAM_FORCED ? 0 : -rc;
}

/*
 * A reset loses what had come and what was to leave, here and in the kernel, where a FIN that waits
 * after it counts as one byte.
 */
static void look_for_unanswered(struct stream *s)
{
	s->unanswered |= buffer_held(&s->in) > 0 || s->out.end > 0 ||
		socket_unread(s->transport.fd) > 0 || socket_unsent(s->transport.fd) > 1;
}

/*
 * A connection that was cut when all was said is not reset: the owner has sent the FIN, and the
 * reply before it may still be on its way.
 */
static bool must_reset(struct stream *s)
{
	if (endings[s->end].manner != RESET)
		return false;
	look_for_unanswered(s);
	return s->end != STREAM_FORCED || s->unanswered;
}

static void linger(struct stream *s)
{
	const struct linger_terms terms = {
		.time_ns = s->terms->linger_time_ns,
		.bytes = (uint64_t)s->terms->linger_bytes,
		.until_taken = s->end == STREAM_DRAINED,
	};

	if (stream_publish(s, STATUS_LINGERING) && shutdown(s->transport.fd, SHUT_WR) == 0)
		s->bytes_dropped =
			linger_read_out(&s->transport, &terms, s->in_inline, sizeof s->in_inline);
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
		socket_reset_on_close(s->transport.fd);
		return;
	}
	enum manner manner = endings[s->end].manner;
	/* With the peer's FIN read there is nothing left to wait for, and close() sends ours. */
	if ((manner == LINGER || manner == COMPLAIN) && !s->input_ended)
		linger(s);
}
