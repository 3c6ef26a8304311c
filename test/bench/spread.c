/* SPDX-License-Identifier: ISC */
/* spread - median and quartiles. */
#include "spread.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The value below which that share of the sorted ones lies. */
static double quantile(const double *sorted, size_t count, double share)
{
	double place = share * (double)(count - 1);
	size_t below = (size_t)place;

	if (below + 1 >= count)
		return sorted[count - 1];
	return sorted[below] + (place - (double)below) * (sorted[below + 1] - sorted[below]);
}

struct spread spread_of(const double *values, size_t count)
{
	double sorted[SPREAD_MAX];

	assert(count <= SPREAD_MAX);
	if (count == 0)
		return (struct spread){.q1 = NAN, .median = NAN, .q3 = NAN};
	memcpy(sorted, values, count * sizeof *values);
	qsort(sorted, count, sizeof *sorted, compare);
	return (struct spread){
		.q1 = quantile(sorted, count, 0.25),
		.median = quantile(sorted, count, 0.5),
		.q3 = quantile(sorted, count, 0.75),
		.count = count,
	};
}
