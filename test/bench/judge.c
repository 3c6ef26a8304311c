/* SPDX-License-Identifier: ISC */
/* judge - what the outcomes of a case say about a row. */
#include "judge.h"

#include <math.h>

static double median(const struct outcome *o, enum metric m)
{
	return spread_of(o->of[m], o->count).median;
}

/* The first of the two that has no figures, or NULL. */
static const struct outcome *find_broken(const struct outcome *own, const struct outcome *other)
{
	if (own->fault[0])
		return own;
	return other && other->fault[0] ? other : NULL;
}

static struct judgement without_figures(
	enum verdict verdict, enum contestant whose, const char *why)
{
	return (struct judgement){
		.verdict = verdict,
		.spread = spread_of(NULL, 0),
		.own = NAN,
		.other = NAN,
		.why = why,
		.whose = whose,
	};
}

struct judgement judge(const struct row *row, const struct outcome *outcomes)
{
	const struct outcome *own = &outcomes[row->subject];
	const struct outcome *other = row->against == NOBODY ? NULL : &outcomes[row->against];
	const struct outcome *broken = find_broken(own, other);
	double values[SPREAD_MAX] = {0};

	if (broken)
		return without_figures(broken->absent ? VERDICT_ABSENT : VERDICT_INVALID,
			broken == own ? row->subject : row->against, broken->fault);
	size_t count = other && other->count < own->count ? other->count : own->count;
	for (size_t i = 0; i < count; i++) {
		values[i] = own->of[row->metric][i];
		if (other)
			values[i] /= other->of[row->metric][i];
	}
	struct judgement j = {
		.spread = spread_of(values, count),
		.own = median(own, row->metric),
		.other = other ? median(other, row->metric) : NAN,
		.whose = NOBODY,
		.client_limited = 2 * own->client_limited > own->count,
	};
	j.verdict = verdict_of(&j.spread, row->sense, row->bound);
	if (j.verdict == VERDICT_INVALID)
		j.why = "there is a figure that is no number";
	return j;
}
