/* SPDX-License-Identifier: ISC */
/* verdict - whether a bound is held, as far as the observations let one say so. */
#include "verdict.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES      10000
#define OUTSIDE      (SAMPLES / 40) /* 2.5 % at each end */
#define NARROW_SHARE 0.05

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

double median_of(const double *values, size_t count)
{
	double sorted[OBSERVATIONS_MAX];

	assert(count <= OBSERVATIONS_MAX);
	if (count == 0)
		return NAN;
	memcpy(sorted, values, count * sizeof *values);
	qsort(sorted, count, sizeof *sorted, compare);
	return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
}

static void find_interval(const double *values, size_t count, double *low, double *high)
{
	static double medians[SAMPLES];
	unsigned short dice[3] = {1, 2, 3}; /* always the same, so that the verdict is */
	double sample[OBSERVATIONS_MAX] = {0};

	for (size_t s = 0; s < SAMPLES; s++) {
		for (size_t i = 0; i < count; i++)
			sample[i] = values[(size_t)nrand48(dice) % count];
		medians[s] = median_of(sample, count);
	}
	qsort(medians, SAMPLES, sizeof *medians, compare);
	*low = medians[OUTSIDE];
	*high = medians[SAMPLES - 1 - OUTSIDE];
}

static enum state decide(const struct verdict *v, enum sense sense, double bound)
{
	bool low_keeps = sense == AT_LEAST ? v->low >= bound : v->low <= bound;
	bool high_keeps = sense == AT_LEAST ? v->high >= bound : v->high <= bound;

	if (v->count < OBSERVATIONS_TO_JUDGE || low_keeps != high_keeps)
		return OPEN;
	return low_keeps ? HELD : MISSED;
}

struct verdict verdict_of(
	const double *values, const double *to, size_t count, enum sense sense, double bound)
{
	struct verdict v = {
		.state = INVALID, .median = NAN, .low = NAN, .high = NAN, .count = count};
	double observed[OBSERVATIONS_MAX];

	for (size_t i = 0; i < count; i++) {
		observed[i] = values[i] / (to ? to[i] : 1);
		if (!isfinite(observed[i]) || observed[i] <= 0)
			return v;
	}
	if (count == 0)
		return v;
	v.median = median_of(observed, count);
	find_interval(observed, count, &v.low, &v.high);
	v.state = decide(&v, sense, bound);
	return v;
}

bool verdict_is_narrow(const struct verdict *v)
{
	return v->count >= OBSERVATIONS_TO_STOP && v->high - v->low < NARROW_SHARE * v->median;
}

const char *state_name(enum state s)
{
	static const char *const names[STATES] = {"held", "missed", "open", "invalid", "left out"};

	return names[s];
}
