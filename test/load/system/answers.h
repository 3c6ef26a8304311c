/* SPDX-License-Identifier: ISC */
/*
 * answers - what the ledger says to a message: the right reply, or one that is wrong in a chosen
 * way.  The fault is at message ANSWERS_FAULTY of every connection.
 */
#ifndef BOBBIN_LOAD_SYSTEM_ANSWERS_H
#define BOBBIN_LOAD_SYSTEM_ANSWERS_H

#include "framing.h"

#include <stdbool.h>

#define ANSWERS_FAULTY 5

/* One side of a conversation. */
struct talk {
	unsigned count;    /* messages answered so far, or passed over */
	struct bytes out;  /* replies that are not yet sent */
	struct bytes kept; /* a message that is answered later */
	bool over;         /* close it, once out is sent */
};

struct answers {
	const struct framing *framing;
	const struct talk *last_talk; /* who sent the newest message of all, */
	struct bytes last;            /* and that message */
};

struct answers_mode {
	const char *name;
	void (*answer)(struct answers *a, struct talk *t, struct view message);
	bool resets; /* every connection, as soon as it is accepted */
	bool closes; /* the same with a FIN */
};

/* NULL if there is none of that name. */
const struct answers_mode *answers_find(const char *name);

/* A connection has ended. */
void answers_forget(struct answers *a, struct talk *t);

#endif
