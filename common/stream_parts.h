/* SPDX-License-Identifier: ISC */
/*
 * stream_parts - what stream.c, stream_input.c and stream_end.c call of each other.  No other file
 * includes it.
 *
 * Threads:  the stream's.
 */
#ifndef BOBBIN_COMMON_STREAM_PARTS_H
#define BOBBIN_COMMON_STREAM_PARTS_H

#include "stream.h"

/* Ends (stream_end.c). */

/* End the conversation, unless it has ended: the first cause stands.  Always false. */
bool stream_end_with(struct stream *s, enum stream_end end, int error);

/* The same for a call that failed: by the owner's cut, or by its errno. */
bool stream_end_with_errno(struct stream *s, int error);

/* The same with an error reply to come, for an end that has one. */
bool stream_complain(struct stream *s, enum stream_end end, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The owner has cut the connection. */
bool stream_is_cut(const struct stream *s);

/* Input (stream_input.c). */

/* Tell the owner what the stream does.  False, and the end, if the owner has cut the connection. */
bool stream_publish(struct stream *s, enum stream_state state);

/* May another message begin?  False, and the end, if not. */
bool stream_may_begin(struct stream *s);

/*
 * Send what is due, then receive at least one byte more of a message that takes need bytes as far
 * as is known, and at most `most` at once.  False at the end of the conversation; true with
 * input_ended set at the end of the peer's stream.
 */
bool stream_fill(struct stream *s, size_t need, size_t most);

/* The bound of a message, in bytes. */
static inline size_t stream_message_max(const struct stream_terms *terms)
{
	return (size_t)(terms->framing == STREAM_LINE ? terms->max_line : terms->max_frame);
}

/* Sending (stream.c). */

/* What is buffered and, after it, the pieces.  What does not go is lost.  Returns 0 or -errno. */
int stream_send_out(struct stream *s, const struct iovec *pieces, size_t count);

#endif
