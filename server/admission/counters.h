/* SPDX-License-Identifier: ISC */
/*
 * counters - what has happened since the start.
 *
 * accepted = active + ended + refused, in every snapshot.
 *
 * Threads:  the registry keeps the one set of the process, under its lock.
 */
#ifndef BOBBIN_SERVER_ADMISSION_COUNTERS_H
#define BOBBIN_SERVER_ADMISSION_COUNTERS_H

#include "common/stream.h"
#include "refusal.h"

#include <stdint.h>

struct counters {
	uint64_t accepted;
	uint64_t active;
	uint64_t refused;            /* accepted, and closed without being served */
	uint64_t refusals[REFUSALS]; /* the same by reason */
	uint64_t ends[STREAM_ENDS];  /* served to this end */
	uint64_t bytes_in;           /* of the connections that ended, like the rest */
	uint64_t bytes_out;
	uint64_t messages_in;
	uint64_t messages_out;
	uint64_t threads_started;
	uint64_t threads_failed;     /* pthread_create(3) had none to give */
	uint64_t accept_peer_errors; /* accept(2) told of a connection's own trouble */
	uint64_t accept_shortages;   /* accept(2) or a thread: no descriptors, memory, threads */
	uint64_t reloads;            /* that took effect */
	uint64_t reloads_failed;
	uint64_t handovers_failed;
};

/* Add one connection that has ended. */
void counters_add_stream(struct counters *c, enum stream_end end, struct stream_counts counts);

/* How many have ended, in all. */
uint64_t counters_ended(const struct counters *c);

/* Write them as one line to the log. */
void counters_log(const struct counters *c);

#endif
