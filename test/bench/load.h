/* SPDX-License-Identifier: ISC */
/*
 * load - one run of bobbin-load on one server.
 *
 * A run with a failure, a wrong reply, or a message that could not be sent has a fault, and its figures
 * mean nothing.
 */
#ifndef BOBBIN_BENCH_LOAD_H
#define BOBBIN_BENCH_LOAD_H

#include "server.h"

#define FAULT_MAX 240

/* How much is measured. */
struct plan {
	struct programs programs;
	size_t rounds; /* at most; OBSERVATIONS_MAX or fewer */
	int64_t run_ms;
	int64_t server_ms; /* a case has so long for each of its servers; 0: as long as it takes */
};

struct sample {
	double of[METRICS]; /* NaN: not measured */
	bool client_was_limit;
	bool client_was_late;  /* the run says nothing about the server */
	char fault[FAULT_MAX]; /* one line without quotes; "": none */
};

/* Load a server once, as the case has it, and measure.  The rate is a second; 0: a closed loop. */
struct sample load_run(const struct bench_case *of, const struct plan *plan,
	const struct child *server, double rate);

#endif
