/* SPDX-License-Identifier: ISC */
/*
 * figures - what a run counts and measures.
 *
 * Every message begun ends as exactly one of answered, mismatched, lost, cut_off.
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

struct figures { /* zeroed is empty; some 1.3 MiB */
	/* Messages, the whole run. */
	uint64_t sent;       /* begun: at least their first byte was to be sent */
	uint64_t answered;   /* rightly */
	uint64_t mismatched; /* wrongly */
	uint64_t lost;       /* sent, owed, and never answered */
	uint64_t cut_off;    /* not answered, and not owed: not wholly sent, later than the mark, or
				cut by ourselves */

	/* Connections, the whole run. */
	uint64_t opened;
	uint64_t address_opened[FIGURES_ADDRESSES];
	uint64_t address_failed[FIGURES_ADDRESSES];

	/* Measured from the end of the ramp on. */
	struct histogram latency;  /* from the intended send, in a closed loop the actual one */
	struct histogram actual;   /* open loop: from the actual send */
	struct histogram lateness; /* open loop: how late this program itself noticed that a message
				      was due */
	struct histogram connect;  /* from connect(2) to its end, the whole run */
	struct histogram first_byte; /* from a connection's first request to the first byte of its
					reply, the same */
	uint64_t bytes_sent;
	uint64_t bytes_received;
	int64_t last_reply_ns; /* when the last right reply came */

	/* The cost. */
	int64_t user_ns;
	int64_t system_ns;
	int64_t waiting_ns; /* ready to run, and another thread had the processor */
	int64_t busiest_ns; /* running or waiting to run, of the thread for which that is most, */
	int64_t busiest_running_ns; /* and its running alone */

	struct tally failures;
};

void figures_add(struct figures *f, const struct figures *from);

#endif
