/* SPDX-License-Identifier: ISC */
/* spread - the middle of a few measurements, and how far they lie apart. */
#ifndef BOBBIN_BENCH_SPREAD_H
#define BOBBIN_BENCH_SPREAD_H

#include <stddef.h>

/* As many as can be told of. */
#define SPREAD_MAX 64

struct spread {
	double q1;
	double median;
	double q3;
	size_t count;
};

/*
 * Median and quartiles of 1 to SPREAD_MAX values, in between two values by linear interpolation.  Of
 * none, all three are NaN.  The values stay as they are.
 */
struct spread spread_of(const double *values, size_t count);

#endif
