/* SPDX-License-Identifier: ISC */
/*
 * agenda - what the connections of a thread have to begin, and when: in an open loop each message
 * of the schedule, in a closed loop each connection's beginning.
 *
 * Threads:  belongs to one thread, whose lane it is given.
 */
#ifndef BOBBIN_LOAD_AGENDA_H
#define BOBBIN_LOAD_AGENDA_H

#include "connection.h"
#include "opening.h"

#include <stdbool.h>
#include <stdint.h>

enum agenda_end {
	AGENDA_ALL_BEGUN, /* nothing is left of the messages */
	AGENDA_TIME,      /* the time is over */
	AGENDA_SIGNAL,    /* the user says so */
};

struct agenda {                         /* fields belong to agenda.c; due_ns is for reading */
	struct connection *connections; /* those that are part, part + parts, ... of the run's */
	uint32_t count;
	uint32_t part;
	uint32_t parts;
	struct opening *opening; /* notes what became of a connection */
	uint64_t next;    /* open loop: the first of the thread's messages that is not noticed */
	uint32_t started; /* closed loop: connections below may send */
	int64_t due_ns;   /* when there is next something to do */
};

/* The load begins at lane->start_ns.  The connections are made; part, parts and opening are set. */
void agenda_begin(struct agenda *a, struct lane *lane);

/* Begin what is due.  What takes longer than until turn_end_ns waits for the next call. */
void agenda_keep(struct agenda *a, struct lane *lane, int64_t turn_end_ns);

/* True, with *why, if it is time for agenda_end(). */
bool agenda_is_over(const struct lane *lane, enum agenda_end *why);

/* From now on nothing more comes due.  What is due may still be begun; after a signal it is given
 * up. */
void agenda_end(struct agenda *a, struct lane *lane, enum agenda_end why);

#endif
