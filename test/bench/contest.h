/* SPDX-License-Identifier: ISC */
/*
 * contest - runs a case: starts its servers, warms them up, and lets the client load them in turn,
 * round by round, so that a slow phase of the machine meets all of them.
 *
 * What is not right in every respect is no figure: one run with a failure, a wrong reply or a
 * schedule that was not kept makes all of that server's runs in that case invalid.
 */
#ifndef BOBBIN_BENCH_CONTEST_H
#define BOBBIN_BENCH_CONTEST_H

#include "cases.h"
#include "spread.h"

#include <stdint.h>

#define FAULT_MAX 240

/* How much is measured. */
struct plan {
	const struct programs *programs;
	size_t rounds; /* at most SPREAD_MAX */
	int64_t run_ms;
	int64_t ramp_ms; /* before each, not measured */
	uint64_t rate;   /* of the open loop */
};

/* One server in one case. */
struct outcome {
	double of[METRICS][SPREAD_MAX]; /* NaN: not measured */
	size_t count;                   /* rounds */
	size_t client_limited;          /* rounds in which the client may have been the limit */
	bool absent;                    /* fault says why */
	char fault[FAULT_MAX];          /* "": none */
	char note[FAULT_MAX];
};

/*
 * Fill in an outcome for each of the contestants, which are bits.  Returns 0, whatever came out, or -EINTR.
 */
int contest_run(const struct bench_case *c, unsigned contestants, const struct plan *plan,
	struct outcome *outcomes);

/* About how long that takes, in ms. */
int64_t contest_takes_ms(const struct bench_case *c, unsigned contestants, const struct plan *plan);

#endif
