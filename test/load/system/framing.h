/* SPDX-License-Identifier: ISC */
/*
 * framing - how line, frame and echo mark where a message ends, written apart from bobbin-load's
 * own wire.h: a mistake that both shared would cancel out.
 */
#ifndef BOBBIN_LOAD_SYSTEM_FRAMING_H
#define BOBBIN_LOAD_SYSTEM_FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* Bytes that grow.  Zeroed is none; bytes_free() makes it that again. */
struct bytes {
	char *data;
	size_t len;
	size_t size;
};

/* Bytes that belong to someone else. */
struct view {
	char *data;
	size_t len;
};

void bytes_append(struct bytes *b, const void *data, size_t len);
void bytes_drop(struct bytes *b, size_t len); /* from its beginning */
void bytes_free(struct bytes *b);

enum framing_kind {
	FRAMING_LINE,
	FRAMING_FRAME,
	FRAMING_ECHO,
};

struct framing {
	enum framing_kind kind;
	size_t echo_bytes; /* echo marks nothing: every message has this size */
};

/* "line", "frame" or "echo".  False if it is none of them. */
bool framing_parse(const char *name, enum framing_kind *kind);

/*
 * The message at the beginning of data: *message is its payload, in data.  Returns its length with
 * the framing, or 0 if not all of it is there.
 */
size_t framing_split(const struct framing *f, struct view data, struct view *message);

/* Append the reply with that payload. */
void framing_reply(const struct framing *f, struct bytes *out, struct view payload);

/* The end of a program that cannot go on: says why, as perror(3) does. */
static inline void must(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(1);
}

#endif
