/* SPDX-License-Identifier: ISC */
/*
 * plan - what a run with given options has to send, on which connection, and not before when;
 * worked out here from the manual's words, apart from the client's own schedule.
 */
#ifndef BOBBIN_LOAD_SYSTEM_PLAN_H
#define BOBBIN_LOAD_SYSTEM_PLAN_H

#include "record.h"

#include <stdbool.h>
#include <stdint.h>

#define PLAN_FAULT_MAX 256

struct plan {
	uint64_t connections;
	uint64_t messages;       /* in all; 0: as many as the time allows */
	uint64_t per_connection; /* 0: no bound */
	double rate_per_s;       /* 0: closed loop */
	int64_t ramp_ns;
	int64_t duration_ns; /* from the ramp's end; 0: no bound */
	uint64_t given_up;   /* messages that were due and were not sent */
};

/* When message k (from 0) of all is due, after the start: on a ramp the rate rises evenly from 0.
 */
int64_t plan_due_ns(const struct plan *p, uint64_t k);

/* How many messages are due in an open loop.  Moments that fall on the very end are too close to
 * tell: there are *most or fewer, and *least or more. */
void plan_scheduled(const struct plan *p, uint64_t *least, uint64_t *most);

/* How many of the first count messages belong to a slot: message k is slot k mod connections'. */
uint64_t plan_share(const struct plan *p, uint64_t slot, uint64_t count);

/* How many connections are opened for them, if none fails: every slot has one at least. */
uint64_t plan_connections(const struct plan *p, uint64_t count);

/* Which of all messages that was, from 0. */
uint64_t plan_number(const struct plan *p, const struct record_message *m);

/*
 * Hold the record against the plan: every message has its own number, the numbers on a connection
 * are in order, a connection has per_connection of them before the slot's next one begins, each
 * slot has its share (where the plan says what that is, and less what was given up), as many
 * connections were opened as that takes, and nothing was there before it was due, the client having
 * been started at started_ns.
 *
 * Only for runs in which no connection fails.  False with the reason in fault.
 */
bool plan_check(const struct plan *p, const struct record *r, int64_t started_ns,
	char fault[PLAN_FAULT_MAX]);

#endif
