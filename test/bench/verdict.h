/* SPDX-License-Identifier: ISC */
/* verdict - whether a bound held, as far as the spread of the rounds lets one say so. */
#ifndef BOBBIN_BENCH_VERDICT_H
#define BOBBIN_BENCH_VERDICT_H

#include "spread.h"

enum sense {
	AT_LEAST,
	AT_MOST,
};

enum verdict {
	VERDICT_HELD,    /* the median keeps the bound */
	VERDICT_OPEN,    /* the median does not, but the better quartile does: noise could be it */
	VERDICT_MISSED,  /* the better quartile does not */
	VERDICT_INVALID, /* something was wrong with a run: no figure at all */
	VERDICT_ABSENT,  /* not measured: something is not there */
};

/* Bounds are above 0.  A spread with no values, or with one that is no number, is invalid. */
enum verdict verdict_of(const struct spread *s, enum sense sense, double bound);

const char *verdict_name(enum verdict v);

/*
 * How far a value lies from its bound: 1 is the bound, more is better, whatever the sense.  0 for
 * values that are not above 0.
 */
double verdict_score(double value, enum sense sense, double bound);

#endif
