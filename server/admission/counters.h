/* SPDX-License-Identifier: ISC */
/*
 * counters - what has happened since the start: a row for each number that is told.
 *
 * The rows of connections are the registry's: it counts them under its lock, so that in every
 * snapshot accepted = active + ended + refused, and ended and refused are the sums of their
 * reasons.  Each other row has a cell in struct counters.
 *
 * Threads:  any thread may add to a cell and read it, without a lock.
 */
#ifndef BOBBIN_SERVER_ADMISSION_COUNTERS_H
#define BOBBIN_SERVER_ADMISSION_COUNTERS_H

#include "common/stream.h"
#include "refusal.h"

#include <stdatomic.h>
#include <stdint.h>

/* The rows, in the order in which the log has them; counters.c says what each counts. */
enum counter {
	/* The registry's. */
	COUNTER_ENDED,
	COUNTER_ACCEPTED,
	COUNTER_ACTIVE,
	COUNTER_REFUSED,
	COUNTER_BYTES_IN,
	COUNTER_BYTES_OUT,
	COUNTER_MESSAGES_IN,
	COUNTER_MESSAGES_OUT,
	/* Those with a cell. */
	COUNTER_THREADS_STARTED,
	COUNTER_THREADS_FAILED,
	COUNTER_ACCEPT_PEER_ERRORS,
	COUNTER_ACCEPT_SHORTAGES,
	COUNTER_RELOADS,
	COUNTER_RELOADS_FAILED,
	COUNTER_HANDOVERS_FAILED,
	/* The log's own. */
	COUNTER_LOG_DROPPED,
	/*
	 * The registry's: ended and refused by reason, a row for each but STREAM_OPEN and
	 * REFUSAL_NONE.
	 */
	COUNTER_FIRST_END,
	COUNTER_FIRST_REFUSAL = COUNTER_FIRST_END + STREAM_ENDS - 1,
	COUNTERS = COUNTER_FIRST_REFUSAL + REFUSALS - 1, /* how many there are */
};

/* The row of a reason. */
enum counter counter_of_end(enum stream_end end);
enum counter counter_of_refusal(enum refusal why);

/* Room for any row's name, its end included. */
#define COUNTER_NAME_MAX 32

/* Write the row's name, "accepted" or "end_idle".  Returns text. */
char *counter_name(enum counter row, char text[COUNTER_NAME_MAX]);

/* What the row counts, in a few words. */
const char *counter_help(enum counter row);

/* The cells.  Zeroed, nothing has happened. */
struct counters {
	_Atomic uint64_t cells[COUNTER_LOG_DROPPED]; /* [atomic] */
};

/* Add to a row that has a cell. */
void counters_add(struct counters *c, enum counter row, uint64_t n);

/* A snapshot. */
struct counts {
	uint64_t of[COUNTERS];
};

/* Complete a snapshot, from registry_counts(), by the rows that are not the registry's. */
void counters_complete(const struct counters *c, struct counts *counts);

/* Write a snapshot to the log, as one line. */
void counters_log(const struct counts *counts);

#endif
