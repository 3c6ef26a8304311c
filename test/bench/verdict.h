/* SPDX-License-Identifier: ISC */
/*
 * verdict - whether a bound is held, as far as the observations let one say so.
 *
 * What is judged is a median, and its 95 % interval by the bootstrap: the medians of many samples,
 * drawn with replacement from the observations, but for the 2.5 % at each end.
 */
#ifndef BOBBIN_BENCH_VERDICT_H
#define BOBBIN_BENCH_VERDICT_H

#include <stdbool.h>
#include <stddef.h>

enum sense {
	AT_LEAST,
	AT_MOST,
};

enum state {
	HELD,    /* the interval keeps the bound */
	MISSED,  /* no part of the interval keeps it */
	OPEN,    /* a part does, or there are too few observations */
	INVALID, /* a run was not right in every respect: no figure at all */
	ABSENT,  /* not measured: something is not there */
	STATES,
};

struct verdict {
	enum state state;
	double median;
	double low; /* the interval */
	double high;
	size_t count; /* observations */
};

/* As many as can be judged. */
#define OBSERVATIONS_MAX 40

/* Five cannot bound a median: in 6 of 100 cases all five lie on one side of it. */
#define OBSERVATIONS_TO_JUDGE 6

/* An interval of fewer is often narrow by chance. */
#define OBSERVATIONS_TO_STOP 8

double median_of(const double *values, size_t count);

/*
 * Judge up to OBSERVATIONS_MAX values, or their ratios to those of another, if that is not NULL.  None,
 * or one that is not finite and above 0, is INVALID.  The same values have the same verdict.
 */
struct verdict verdict_of(
	const double *values, const double *to, size_t count, enum sense sense, double bound);

/* Is the interval narrower than 5 % of the median, so that further rounds tell little? */
bool verdict_is_narrow(const struct verdict *v);

const char *state_name(enum state s);

#endif
