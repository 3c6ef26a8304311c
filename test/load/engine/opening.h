/* SPDX-License-Identifier: ISC */
/*
 * opening - opens the connections of a thread, and opens them again: at the rate asked for, with a
 * bound on those under way, and after a failure with a rest.
 *
 * Threads:  belongs to one thread, whose lane it is given.
 */
#ifndef BOBBIN_LOAD_OPENING_H
#define BOBBIN_LOAD_OPENING_H

#include "connection.h"

#include <stdbool.h>
#include <stdint.h>

struct opening_queue {
	struct connection *first;
	struct connection **last;
};

struct opening {                      /* fields belong to opening.c */
	struct opening_queue closed;  /* to be opened, at once if the pace allows */
	struct opening_queue resting; /* closed after a failure, in order of time */
	struct pace pace;
	uint32_t under_way; /* connects */
	uint32_t untried;   /* connections whose first connect has not ended */
};

void opening_init(
	struct opening *o, const struct rate *rate, uint32_t part, uint32_t parts, int64_t now_ns);

/* Add a connection that has never been open. */
void opening_add(struct opening *o, struct connection *c);

/* The connection may have been opened or closed: note what became of it. */
void opening_note(
	struct opening *o, struct connection *c, const struct lane *lane, bool was_opening);

/* Open what may be opened now. */
void opening_go_on(struct opening *o, struct lane *lane);

/* When there is next something to open, as far as the clock tells. */
int64_t opening_next(const struct opening *o);

/* Each first connect has ended, one way or the other. */
bool opening_all_tried(const struct opening *o);

#endif
