/* SPDX-License-Identifier: ISC */
/* result - a run's figures, and what follows from them: whether they can be trusted, and the exit
 * status. */
#ifndef BOBBIN_LOAD_RESULT_H
#define BOBBIN_LOAD_RESULT_H

#include "expression.h"
#include "figures.h"
#include "test/load/text/rate.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* Exit statuses beside those of sysexits.h. */
#define RESULT_KEPT      0
#define RESULT_BROKEN    1
#define RESULT_NOT_VALID 3

struct result {
	struct figures figures;
	struct rate rate;        /* of messages, as it was asked for; none: closed loop */
	struct timespec started; /* CLOCK_REALTIME, the first connect */
	int64_t opening_ns;      /* from the first connect until the load could begin */
	int64_t window_ns; /* what was measured: from the ramp's end to the end of the load, or
				    of the messages; 0: nothing */
	bool reached;      /* at least one connection was opened */
	bool loaded;       /* the load began: all connections had been tried */
	bool interrupted;  /* by a signal, before its time */
	bool marked;
};

/* Measured replies a second. */
double result_rate(const struct result *r);

/* The share, 0 to 1, of the messages due that this client began late, or never because it was late;
 * and the share that was not begun because there was no vacancy. */
double result_late_share(const struct result *r);
double result_no_vacancy_share(const struct result *r);

/* Open loop: false if either share is over a hundredth. */
bool result_schedule_kept(const struct result *r);

/* Open loop: how many messages would have to be in flight for the rate, at the median that was
 * measured from the sending on; 0 if that is not known. */
uint64_t result_needed_in_flight(const struct result *r);

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

struct judgement {
	double measured;           /* in the unit of the expression; INFINITY: it never came */
	bool broken;               /* the expression holds */
	const char *why_not_valid; /* why that is no fault of the server; else NULL */
};

struct judgement result_judge(const struct result *r, const struct expression *e);

/* The exit status: RESULT_*, EX_UNAVAILABLE or EX_SOFTWARE. */
int result_status(const struct result *r, const struct bounds *bounds);

#endif
