/* SPDX-License-Identifier: ISC */
/*
 * contest - runs a case: starts its servers, warms them up, and loads them in turn, round by round,
 * so that a slow phase of the machine meets all of them.
 *
 * The order of a round is random, so that none always follows the same.  The figures of one round,
 * or their ratios, are one observation of each row.  One run with a fault makes all of that server's
 * runs in the case worthless.  A round in which the client was late counts for no server.
 */
#ifndef BOBBIN_BENCH_CONTEST_H
#define BOBBIN_BENCH_CONTEST_H

#include "load.h"

/* One server in one case. */
struct entrant {
	bool takes_part;
	struct child child;
	double of[METRICS][OBSERVATIONS_MAX]; /* NaN: not measured */
	size_t client_limited; /* rounds in which the client may have been the limit */
	bool absent;           /* it cannot be run here; fault says why */
	char fault[FAULT_MAX]; /* "": none */
};

struct contest {
	const struct row *const *rows; /* the case's */
	size_t row_count;
	double rate;    /* of an open loop */
	size_t rounds;  /* that count */
	size_t dropped; /* rounds that do not, because the client was late */
	struct entrant entrants[SERVERS];
};

/* Run rounds until the interval of each row is narrow, or the plan's limits end them. */
void contest_run(struct contest *c, const struct row *const *rows, size_t row_count,
	const struct plan *plan);

/* What a contest says about one of its rows.  *why is what is wrong, or NULL. */
struct verdict contest_judge(const struct contest *c, const struct row *row, const char **why);

#endif
