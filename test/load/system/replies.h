/* SPDX-License-Identifier: ISC */
/*
 * replies - where a message of line, frame and echo ends, and what the ledger says to it: the right
 * reply, or one that is wrong in a chosen way at message REPLIES_FAULTY of every connection.
 *
 * It is written apart from bobbin-load's own wire.h: a mistake that both shared would cancel out.
 */
#ifndef BOBBIN_LOAD_SYSTEM_REPLIES_H
#define BOBBIN_LOAD_SYSTEM_REPLIES_H

#include <stdbool.h>
#include <stddef.h>

#define REPLIES_FAULTY     5
#define REPLIES_ECHO_BYTES 64 /* echo marks no end: every message has this size */

/* Bytes that grow.  Zeroed is none; bytes_free() makes it that again. */
struct bytes {
	char *data;
	size_t len;
	size_t size;
};

void bytes_append(struct bytes *b, const void *data, size_t len);
void bytes_drop(struct bytes *b, size_t len); /* from its beginning */
void bytes_free(struct bytes *b);

/* Bytes that belong to another. */
struct view {
	char *data;
	size_t len;
};

/* Both are named as an option names them. */
extern const char *const replies_services[];
extern const char *const replies_ways[];

enum service {
	LINE,
	FRAME,
	ECHO,
};

enum way {
	RIGHT,
	DROP,
	REPEAT,
	SWAP,
	CHANGE,
	SHORTEN,
	LENGTHEN,
	EARLY,   /* also what the next request's reply may look like */
	FOREIGN, /* from then on: what another connection said last */
	ERROR,   /* in the words of the service, and an end */
	HALF,    /* half of the reply, and an end */
	END,     /* an end */
	SILENT,  /* nothing, ever */
	RESET,   /* a reset right after the accept */
	CLOSE,   /* an end right after the accept */
};

/* One side of a conversation. */
struct talk {
	unsigned count;    /* messages answered so far, or passed over */
	struct bytes out;  /* replies that are not yet sent */
	struct bytes kept; /* a message that is answered later */
	bool over;         /* close it, once out is sent */
};

/*
 * The message at the beginning of data: *message is its payload, in data.  Returns its length with
 * the framing, or 0 if not all of it is there.
 */
size_t replies_split(enum service service, struct view data, struct view *message);

/* Append what is said to the message, which may be changed. */
void replies_give(enum way way, enum service service, struct talk *t, struct view message);

/* The connection has ended. */
void replies_forget(struct talk *t);

#endif
