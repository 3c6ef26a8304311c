/* SPDX-License-Identifier: ISC */
/*
 * schedule - when messages are due, whose they are, and how fast connections may be opened.
 *
 * The messages of a run are dealt to its connections like cards: message k (from 0) of all belongs
 * to connection k mod connections, in both loops, and no other may take it.
 *
 * Open loop: message k is due at a moment that neither server nor client can move; its latency is
 * measured from there.  Closed loop: each connection sends its next message after a reply, and only
 * its beginning is scheduled.
 *
 * Threads:  a schedule is constant; a pace belongs to one thread.
 */
#ifndef BOBBIN_LOAD_SCHEDULE_H
#define BOBBIN_LOAD_SCHEDULE_H

#include "test/load/text/rate.h"

#include <stdbool.h>
#include <stdint.h>

/* A message is late if the client begins it so much later than it could have. */
#define SCHEDULE_LATE_NS (INT64_C(10) * 1000000)

struct schedule {         /* [const] */
	struct rate rate; /* of all connections together; none: closed loop */
	int64_t ramp_ns;  /* the load rises evenly for so long */
	uint64_t connections;
	uint64_t messages; /* in all; UINT64_MAX: no bound */
};

bool schedule_is_open(const struct schedule *s);

/* Open loop: how long after the start message k is due.  Never less than for k - 1. */
int64_t schedule_due(const struct schedule *s, uint64_t k);

/* Open loop: how many messages of all are due within elapsed_ns of the start, its end included. */
uint64_t schedule_count(const struct schedule *s, int64_t elapsed_ns);

/* The number among all messages of message index (from 0) of a connection's slot. */
uint64_t schedule_number(const struct schedule *s, uint32_t slot, uint64_t index);

/* How many of the first count messages of all are a slot's; of UINT64_MAX that is UINT64_MAX. */
uint64_t schedule_quota(const struct schedule *s, uint32_t slot, uint64_t count);

/* Closed loop: how long after the start the connection of a slot (from 0) begins. */
int64_t schedule_begin(const struct schedule *s, uint32_t slot);

/* At most so many a second, evenly; what is not used is not made up for. */
struct pace { /* fields belong to schedule.c */
	int64_t interval_ns;
	int64_t next_ns;
};

/* One of parts equal parts of a rate, the first at start_ns; no rate is no bound. */
void pace_init(
	struct pace *p, const struct rate *rate, uint32_t part, uint32_t parts, int64_t start_ns);

/* True if one more may go now, which it then has. */
bool pace_take(struct pace *p, int64_t now_ns);

/* When the next may go. */
int64_t pace_next(const struct pace *p);

#endif
