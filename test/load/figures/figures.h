/* SPDX-License-Identifier: ISC */
/*
 * figures - what a run counts and measures.
 *
 * Two sums hold at the end of every run: each message that was due was sent or was not, and each
 * that was sent ended in exactly one way.  figures_broken_sum() checks them.
 *
 * Threads:  each thread has its own; they are added up for the report.
 */
#ifndef BOBBIN_LOAD_FIGURES_H
#define BOBBIN_LOAD_FIGURES_H

#include "failure.h"
#include "histogram.h"

#include <stdint.h>

/* The addresses of one name that are tried; also a bound of endpoint.h. */
#define FIGURES_ADDRESSES 16

struct figures { /* zeroed is empty; some 1.8 MiB */
	/* Messages, the whole run. */
	uint64_t due;                 /* by the schedule; in a closed loop after a reply */
	uint64_t sent;                /* begun: at least their first byte was to be sent */
	uint64_t late;                /* of these: the client began them late, by its own fault */
	uint64_t not_sent_late;       /* due, and never begun: the client was late, */
	uint64_t not_sent_no_vacancy; /* or their connection had no vacancy in time */
	uint64_t answered;            /* rightly */
	uint64_t mismatched;          /* wrongly */
	uint64_t lost;                /* sent, owed, and never answered */
	uint64_t cut_off; /* not answered, and not owed: not wholly sent, later than the mark, or
			     cut by ourselves */
	uint64_t excused; /* of these: later than the mark, or cut by ourselves */

	/* Connections, the whole run. */
	uint64_t opened;
	uint64_t ended_by_server; /* with nothing owed on them */
	uint64_t address_opened[FIGURES_ADDRESSES];
	uint64_t address_failed[FIGURES_ADDRESSES];

	/* Measured from the end of the ramp on. */
	struct histogram latency; /* from the intended send, in a closed loop the actual one */
	struct histogram actual;  /* from the actual send */
	struct histogram own;     /* those of latency of which more than half is our own fault, */
	struct histogram own_actual; /* and so those of actual, */
	struct histogram lateness;   /* open loop: how much later than it could the client began */
	struct histogram connect;    /* from the first connect(2) of a connection to its being open,
				      the whole run */
	struct histogram own_connect;
	struct histogram first_byte; /* from a connection's first request to the first byte of its
					reply, the same */
	struct histogram own_first_byte;
	uint64_t replies;        /* right ones that came before the load was over */
	uint64_t bytes_sent;     /* by then */
	uint64_t bytes_received; /* by then */
	int64_t last_settled_ns; /* when the last message ended in any way */
	int64_t load_end_ns; /* when the load was over, if something else than the messages ended it */

	/* The cost. */
	int64_t user_ns;
	int64_t system_ns;
	int64_t waiting_ns; /* ready to run, and another thread had the processor */
	int64_t busiest_ns; /* running or waiting to run, of the thread for which that is most, */
	int64_t busiest_running_ns; /* its running alone, */
	int64_t busiest_of_ns;      /* and how long its load was: the last replies left out */

	/* When this client itself stood still, stopped or without a processor: of the thread for
	 * which that is most. */
	uint64_t stalls;
	int64_t stalled_ns;
	int64_t stall_max_ns;

	struct tally failures;
};

void figures_add(struct figures *f, const struct figures *from);

uint64_t figures_not_sent(const struct figures *f);

/* Messages due that have no right answer, except those excused or not sent because the client was
 * late. */
uint64_t figures_failed_messages(const struct figures *f);

/* The first of the two sums that does not hold, as text; or NULL. */
const char *figures_broken_sum(const struct figures *f);

#endif
