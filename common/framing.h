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

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/*
 * Look for the first message, of at most max bytes ('\n' or length not counted; not looked at for
 * RAW).  *message is set for FRAMING_WHOLE, and *need for FRAMING_PART: so many bytes from data on
 * the message takes at least.
 */
enum framing_found framing_find(enum stream_framing framing, size_t max,
	struct framing_bytes *bytes, struct framing_message *message, size_t *need);

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
