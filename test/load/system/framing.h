/* SPDX-License-Identifier: ISC */
/*
 * framing - how line, frame and echo mark where a message ends, written apart from bobbin-load's
 * own wire.h: a mistake that both shared would cancel out.
 */
#ifndef BOBBIN_LOAD_SYSTEM_FRAMING_H
#define BOBBIN_LOAD_SYSTEM_FRAMING_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes that grow.  Zeroed is none; bytes_free() makes it that again. */
struct bytes {
	char *data;
	size_t len;
	size_t size;
};

/* Bytes that belong to another. */
struct view {
	char *data;
	size_t len;
};

void bytes_append(struct bytes *b, const void *data, size_t len);
void bytes_drop(struct bytes *b, size_t len); /* from its beginning */
void bytes_free(struct bytes *b);

enum framing {
	FRAMING_LINE,
	FRAMING_FRAME,
	FRAMING_ECHO, /* marks nothing: every message has FRAMING_ECHO_BYTES */
};

#define FRAMING_ECHO_BYTES 64

/* "line", "frame" or "echo".  False if it is none of them. */
bool framing_parse(const char *name, enum framing *framing);

/*
 * The message at the beginning of data: *message is its payload, in data.  Returns its length with
 * the framing, or 0 if not all of it is there.
 */
size_t framing_split(enum framing framing, struct view data, struct view *message);

/* Append the reply with that payload. */
void framing_reply(enum framing framing, struct bytes *out, struct view payload);

#endif
