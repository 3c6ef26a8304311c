/* SPDX-License-Identifier: ISC */
/*
 * checker - which reply is due on a connection, and what of it has come.
 *
 * As long as all is right that is a number and a count of bytes.  From the first wrong byte on the
 * reply is held, for judge to look whose it is.  A reply that overtook another leaves a gap: the
 * next reply decides whether the two were swapped or one was dropped.
 *
 * Threads:  a checker belongs to one connection.
 * Errors:   out of memory aborts the program.
 */
#ifndef BOBBIN_LOAD_CHECKER_H
#define BOBBIN_LOAD_CHECKER_H

#include "wire.h"

#define CHECKER_ERROR_PREFIX "error: "

struct checker {             /* for reading outside this wing */
	uint32_t connection; /* [const] */
	uint64_t due;        /* the reply that is expected next */
	uint64_t answered;   /* after CHECK_RIGHT: which reply that was */
	uint64_t gap;        /* overtaken: [gap, gap_end) are due, too; none if equal */
	uint64_t gap_end;
	size_t matched; /* bytes of the reply due that have come and were right */
	char *held;     /* the reply that is being gathered, or NULL */
	size_t held_len;
	size_t held_size;
	bool differs; /* held has a wrong byte, and is not just incomplete */
};

void checker_init(struct checker *k, uint32_t connection);
void checker_fini(struct checker *k);

/* True if part of a reply has come. */
bool checker_inside_reply(const struct checker *k);

/* Hold nothing so far, and so many bytes at most. */
void checker_allocate_held(struct checker *k, size_t size);

/* Hold what has matched, which is made again because it was not kept. */
void checker_begin_holding(struct checker *k, const struct wire *w, bool differs);
void checker_stop_holding(struct checker *k);

/* Hold these bytes, too; they fit. */
void checker_hold(struct checker *k, const char *data, size_t len);

/*
 * Hold what belongs to the reply, moving *data and *len past it.  Requests below sent have been
 * sent.  True if the reply is complete, or as long as it may get.
 */
bool checker_gather(
	struct checker *k, const struct wire *w, uint64_t sent, const char **data, size_t *len);

/* True if the held reply is an error message of the server. */
bool checker_is_error(const struct checker *k, const struct wire *w);

/* The error message without framing: its length, and *text within held. */
size_t checker_error_text(const struct checker *k, const struct wire *w, const char **text);

/*
 * A wrong reply that is seen to go on in the header of the next request's one: how long it is
 * itself, or 0.
 */
size_t checker_cut_at(const struct checker *k, const struct form *due);

#endif
