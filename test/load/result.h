/* SPDX-License-Identifier: ISC */
/* result - a run's figures, and what follows from them: whether they can be trusted, and the exit
 * status. */
#ifndef BOBBIN_LOAD_RESULT_H
#define BOBBIN_LOAD_RESULT_H

#include "figures.h"
#include "settings.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* Exit statuses beside EX_USAGE (64) and EX_UNAVAILABLE (69). */
#define RESULT_KEPT         0
#define RESULT_BROKEN       1
#define RESULT_OFF_SCHEDULE 3

struct result {
	struct figures figures;
	struct timespec started; /* CLOCK_REALTIME, the load's start */
	int64_t opening_ns;      /* from the first connect until the load could begin */
	int64_t load_ns;         /* from the load's start to its end, the last replies waited for */
	int64_t window_ns;       /* what was measured: from the ramp's end to the last reply, or the
				    planned end if later */
	bool reached;            /* at least one connection was opened */
	bool interrupted;        /* by a signal, before its time */
	bool marked;
};

/* Measured replies a second. */
double result_rate(const struct result *r);

/*
 * Open loop: false if one message in a hundred was noticed, by this program, more than
 * RESULT_LATE_NS after it was due. Latencies contain that delay, so they are never too small; but
 * they are then the client's as much as the server's.
 */
#define RESULT_LATE_NS (INT64_C(10) * 1000000)
bool result_schedule_kept(const struct result *r, const struct settings *s);

/* How much of the time the busiest thread was running, and running or waiting for a processor, 0
 * to 1. */
double result_running(const struct result *r);
double result_busiest(const struct result *r);

/*
 * The busiest thread was running nearly all of the time: this client may have been the limit.  Or
 * it was running or waiting nearly all of the time: the processors were, which it shares with the
 * server or others.
 */
bool result_client_limited(const struct result *r);
bool result_processors_short(const struct result *r);

/* Processor time for each message sent. */
double result_cpu_ns_per_message(const struct result *r);

/* The exit status: RESULT_*, or EX_UNAVAILABLE. */
int result_status(const struct result *r, const struct settings *s);

#endif
