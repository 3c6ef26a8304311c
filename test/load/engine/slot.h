/* SPDX-License-Identifier: ISC */
/*
 * slot - which messages of the run are one connection's, and what has become of them: due, begun,
 * or given up, and whose fault it is if they are late.
 *
 * In an open loop messages come due whether or not their connection can take them.  A message waits
 * for one of two causes: its connection has no vacancy (the in-flight bound is reached, or it is
 * closed), or it has one, and the client is late.  The slot tells the causes apart, because only
 * the first says something about the server.
 *
 * Nothing here loops over messages: at 10^9 a second a moment's delay is a million of them.
 *
 * Threads:  a slot belongs to one thread, whose lane it is given.
 */
#ifndef BOBBIN_LOAD_SLOT_H
#define BOBBIN_LOAD_SLOT_H

#include "lane.h"

#include <stdbool.h>
#include <stdint.h>

struct slot {              /* fields belong to slot.c; to read, anyone's of the thread */
	uint32_t number;   /* [const] among all connections of the run */
	uint64_t quota;    /* [const] how many messages of the run are its */
	uint64_t noticed;  /* messages of it that have come due, */
	uint64_t taken;    /* and those of them that were begun or given up */
	int64_t vacant_ns; /* since when there has been a vacancy; never, if there is none */
};

void slot_init(struct slot *s, uint32_t number, const struct schedule *schedule);

/* Open loop: when message index of the slot is due. */
int64_t slot_intended(const struct slot *s, const struct lane *lane, uint64_t index);

/* Open loop: notice those that are due at or before moment_ns; that is now, or past. */
void slot_notice(struct slot *s, struct lane *lane, int64_t moment_ns);

/* Closed loop: let count more come due, as many as are to be begun now. */
void slot_allow(struct slot *s, struct lane *lane, uint64_t count);

/* Messages are due, and wait. */
bool slot_is_owed(const struct slot *s);

/* More of the run's messages are, or will be, its to send. */
bool slot_has_more(const struct slot *s, const struct lane *lane);

/* There is a vacancy from now on: what waits from now on waits for this client. */
void slot_set_vacant(struct slot *s, const struct lane *lane);

/* There is no vacancy any more. */
void slot_set_full(struct slot *s);

/*
 * Begin the message that is due first; there is one.  Returns by how much the client is late with
 * it by its own fault, and *intended_ns, for a closed loop now.
 */
int64_t slot_take(struct slot *s, struct lane *lane, int64_t *intended_ns);

/* Give up, as not sent, what has waited longer than the timeout. */
void slot_give_up_overdue(struct slot *s, struct lane *lane);

/* Give up all that is due. */
void slot_give_up_due(struct slot *s, struct lane *lane);

/* Closed loop: give up what of its quota has not come due, and never will. */
void slot_give_up_rest(struct slot *s, struct lane *lane);

#endif
