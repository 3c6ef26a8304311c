/* SPDX-License-Identifier: ISC */
/* verdict - whether a bound held. */
#include "verdict.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>

static bool keeps(double value, enum sense sense, double bound)
{
	return sense == AT_LEAST ? value >= bound : value <= bound;
}

enum verdict verdict_of(const struct spread *s, enum sense sense, double bound)
{
	assert(bound > 0);
	if (s->count == 0 || !isfinite(s->q1) || !isfinite(s->median) || !isfinite(s->q3))
		return VERDICT_INVALID;
	if (keeps(s->median, sense, bound))
		return VERDICT_HELD;
	return keeps(sense == AT_LEAST ? s->q3 : s->q1, sense, bound) ? VERDICT_OPEN
								      : VERDICT_MISSED;
}

const char *verdict_name(enum verdict v)
{
	static const char *const names[] = {
		[VERDICT_HELD] = "held",
		[VERDICT_OPEN] = "open",
		[VERDICT_MISSED] = "missed",
		[VERDICT_INVALID] = "invalid",
		[VERDICT_ABSENT] = "left out",
	};

	return names[v];
}

double verdict_score(double value, enum sense sense, double bound)
{
	if (!(value > 0))
		return 0;
	return sense == AT_LEAST ? value / bound : bound / value;
}
