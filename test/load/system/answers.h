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

enum answers {
	ANSWERS_RIGHT,
	ANSWERS_DROP,
	ANSWERS_REPEAT,
	ANSWERS_SWAP,
	ANSWERS_CHANGE,
	ANSWERS_SHORT,
	ANSWERS_LONG,
	ANSWERS_EARLY,   /* also what the next request's reply may look like */
	ANSWERS_FOREIGN, /* from then on: what another connection said last */
	ANSWERS_ERROR,   /* in the words of the service, and an end */
	ANSWERS_HALF,    /* half of the reply, and an end */
	ANSWERS_EOF,     /* an end */
	ANSWERS_SILENT,  /* nothing, ever */
	ANSWERS_RESET,   /* a reset right after the accept */
	ANSWERS_CLOSE,   /* an end right after the accept */
};

/* One side of a conversation. */
struct talk {
	unsigned count;    /* messages answered so far, or passed over */
	struct bytes out;  /* replies that are not yet sent */
	struct bytes kept; /* a message that is answered later */
	bool over;         /* close it, once out is sent */
};

/* "drop" and so on.  False if it is none of them. */
bool answers_parse(const char *name, enum answers *way);

/* Append what is said to the message.  The message may be changed. */
void answers_give(enum answers way, enum framing framing, struct talk *t, struct view message);

/* A connection has ended. */
void answers_forget(struct talk *t);

#endif
