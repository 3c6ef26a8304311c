/* SPDX-License-Identifier: ISC */
/*
 * framing - where a message begins and ends in a stream of bytes: lines, frames, or no messages.
 *
 * Pure: it looks at bytes and writes bytes, and does no I/O.
 *
 * Threads:  any.
 */
#ifndef BOBBIN_COMMON_FRAMING_H
#define BOBBIN_COMMON_FRAMING_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum stream_framing {
	STREAM_LINE,  /* bytes up to '\n'; a last line may lack it */
	STREAM_FRAME, /* a 4-byte big-endian length, then that many bytes */
	STREAM_RAW,   /* no messages */
};

/* What a frame's length takes. */
#define FRAMING_LENGTH_BYTES 4

/* Bytes in which a message is looked for, from the first one on. */
struct framing_bytes {
	const char *data;
	size_t len;
	size_t scanned; /* LINE: so many hold no '\n'; pass on what the last look left here, or 0 */
	bool ended;     /* no more bytes will follow */
};

/* Where it lies: so many bytes before it, the message, so many after it. */
struct framing_message {
	size_t before; /* FRAME: the length */
	size_t len;
	size_t after; /* LINE: the '\n', unless it is a last line without */
};

enum framing_found {
	FRAMING_WHOLE,    /* a message, or, for RAW, all of the bytes */
	FRAMING_PART,     /* more bytes are needed */
	FRAMING_TOO_LONG, /* the message is longer than max */
	FRAMING_END,      /* the bytes ended where a message ended */
	FRAMING_CUT_OFF,  /* the bytes ended inside a frame */
};

/* The parts of framing_find() below.  Inline, because they run once a message. */

/* Looks only at bytes that no earlier look has seen. */
static inline enum framing_found framing_find_line(
	size_t max, struct framing_bytes *bytes, struct framing_message *line, size_t *need)
{
	const char *end = memchr(bytes->data + bytes->scanned, '\n', bytes->len - bytes->scanned);
	size_t len = end ? (size_t)(end - bytes->data) : bytes->len;

	bytes->scanned = len;
	if (len > max)
		return FRAMING_TOO_LONG;
	if (end || (bytes->ended && len > 0)) {
		*line = (struct framing_message){.len = len, .after = end != NULL};
		return FRAMING_WHOLE;
	}
	*need = len + 1;
	return bytes->ended ? FRAMING_END : FRAMING_PART;
}

static inline uint32_t framing_get_length(const char *data)
{
	uint32_t wire;

	memcpy(&wire, data, sizeof wire);
	return ntohl(wire);
}

static inline enum framing_found framing_find_frame(
	size_t max, const struct framing_bytes *bytes, struct framing_message *frame, size_t *need)
{
	*need = FRAMING_LENGTH_BYTES;
	if (bytes->len >= FRAMING_LENGTH_BYTES) {
		size_t len = framing_get_length(bytes->data);
		if (len > max)
			return FRAMING_TOO_LONG;
		*need += len;
		if (bytes->len >= *need) {
			*frame = (struct framing_message){
				.before = FRAMING_LENGTH_BYTES, .len = len};
			return FRAMING_WHOLE;
		}
	}
	if (!bytes->ended)
		return FRAMING_PART;
	return bytes->len > 0 ? FRAMING_CUT_OFF : FRAMING_END;
}

static inline enum framing_found framing_find_any(
	const struct framing_bytes *bytes, struct framing_message *all, size_t *need)
{
	*need = 1;
	*all = (struct framing_message){.len = bytes->len};
	if (bytes->len > 0)
		return FRAMING_WHOLE;
	return bytes->ended ? FRAMING_END : FRAMING_PART;
}

/*
 * Look for the first message, of at most max bytes ('\n' or length not counted; not looked at for
 * RAW).  *message is set for FRAMING_WHOLE, and *need for FRAMING_PART: so many bytes from data on
 * the message takes at least.
 */
static inline enum framing_found framing_find(enum stream_framing framing, size_t max,
	struct framing_bytes *bytes, struct framing_message *message, size_t *need)
{
	if (framing == STREAM_LINE)
		return framing_find_line(max, bytes, message, need);
	if (framing == STREAM_FRAME)
		return framing_find_frame(max, bytes, message, need);
	return framing_find_any(bytes, message, need);
}

/* The most bytes that a message of at most max bytes takes, '\n' or length included; RAW: 0. */
size_t framing_longest(enum stream_framing framing, size_t max);

/* Write a frame's length.  It fits in 32 bits. */
void framing_put_length(size_t len, char out[FRAMING_LENGTH_BYTES]);

/* The longest text of an error reply, and room for any error reply in any framing. */
#define FRAMING_ERROR_TEXT_MAX 120
#define FRAMING_ERROR_MAX      160

/*
 * Write the error reply that says text (cut off at FRAMING_ERROR_TEXT_MAX): "error: " and the text,
 * as a line or as a frame; nothing for RAW.  Returns its length.
 */
size_t framing_compose_error(
	enum stream_framing framing, const char *text, char reply[FRAMING_ERROR_MAX]);

#endif
