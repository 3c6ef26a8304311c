/* SPDX-License-Identifier: ISC */
/*
 * schedule - when messages are due, when connections may begin, and how fast they may be opened.
 *
 * Closed loop: each connection sends its next message when a reply makes room, and only its
 * beginning is scheduled. Open loop: message k of all is due at a moment that nothing can move,
 * neither the server nor ourselves; its latency is measured from there.
 *
 * Threads:  a schedule is constant; a pace belongs to one thread.
 */
#ifndef BOBBIN_LOAD_SCHEDULE_H
#define BOBBIN_LOAD_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

struct schedule {        /* [const] */
	uint64_t rate;   /* messages a second of all connections together; 0: closed loop */
	int64_t ramp_ns; /* the load rises evenly for so long */
	uint64_t connections;
};

/* Open loop: how long after the start message k (from 0) is due.  Never less than for k - 1. */
int64_t schedule_due(const struct schedule *s, uint64_t k);

/* Open loop: the number among all messages of message round (from 0) of a connection's slot. */
uint64_t schedule_number(const struct schedule *s, uint32_t slot, uint64_t round);

/* Closed loop: how long after the start the connection of a slot (from 0) begins. */
int64_t schedule_begin(const struct schedule *s, uint32_t slot);

/* At most so many a second, evenly; what is not used is not made up for. */
struct pace { /* fields belong to schedule.c */
	int64_t interval_ns;
	int64_t next_ns;
};

/* One of parts equal parts of rate a second, the first at start_ns; a rate of 0 is no bound. */
void pace_init(struct pace *p, uint64_t rate, uint32_t part, uint32_t parts, int64_t start_ns);

/* True if one more may go now, which it then has. */
bool pace_take(struct pace *p, int64_t now_ns);

/* When the next may go. */
int64_t pace_next(const struct pace *p);

#endif
