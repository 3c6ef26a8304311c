/* SPDX-License-Identifier: ISC */
/* schedule - when messages are due, whose they are, and how fast connections may be opened. */
#include "schedule.h"

#include "common/deadline.h"

#include <math.h>

bool schedule_is_open(const struct schedule *s)
{
	return s->rate.count > 0;
}

/* A rate that rises evenly from 0 has sent rate * t^2 / (2 * ramp) after t: half of the full rate
 * in all. */
static double of_ramp(const struct schedule *s)
{
	return rate_per_s(&s->rate) / (double)NS_PER_S * (double)s->ramp_ns / 2;
}

int64_t schedule_due(const struct schedule *s, uint64_t k)
{
	double rate_per_ns = rate_per_s(&s->rate) / (double)NS_PER_S;

	if (s->ramp_ns > 0 && (double)k < of_ramp(s))
		return (int64_t)sqrt(2 * (double)k * (double)s->ramp_ns / rate_per_ns);
	return deadline_from(rate_moment(&s->rate, k), s->ramp_ns / 2);
}

uint64_t schedule_count(const struct schedule *s, int64_t elapsed_ns)
{
	double rate_per_ns = rate_per_s(&s->rate) / (double)NS_PER_S;
	double elapsed = (double)elapsed_ns;
	double ramp = (double)s->ramp_ns;

	if (elapsed_ns < 0)
		return 0;
	double about = elapsed < ramp ? rate_per_ns * elapsed * elapsed / (2 * ramp)
				      : rate_per_ns * (elapsed - ramp / 2);
	/* The double is only near; schedule_due() decides. */
	uint64_t k = about < (double)s->messages ? (uint64_t)about : s->messages;
	while (k < s->messages && schedule_due(s, k) <= elapsed_ns)
		k++;
	while (k > 0 && schedule_due(s, k - 1) > elapsed_ns)
		k--;
	return k;
}

uint64_t schedule_number(const struct schedule *s, uint32_t slot, uint64_t index)
{
	return index * s->connections + slot;
}

uint64_t schedule_quota(const struct schedule *s, uint32_t slot, uint64_t count)
{
	if (count == UINT64_MAX)
		return UINT64_MAX;
	return count > slot ? (count - slot - 1) / s->connections + 1 : 0;
}

int64_t schedule_begin(const struct schedule *s, uint32_t slot)
{
	return (int64_t)((double)s->ramp_ns * slot / (double)s->connections);
}

void pace_init(
	struct pace *p, const struct rate *rate, uint32_t part, uint32_t parts, int64_t start_ns)
{
	*p = (struct pace){.next_ns = start_ns};
	if (rate->count == 0)
		return;
	p->interval_ns = rate_moment(rate, parts);
	p->next_ns = deadline_from(start_ns, rate_moment(rate, part));
}

bool pace_take(struct pace *p, int64_t now_ns)
{
	if (now_ns < p->next_ns)
		return false;
	if (p->interval_ns == 0)
		return true;
	/* Counting from the planned moment keeps the rate although the look is late; a pause is not
	 * made up for. */
	if (p->next_ns < now_ns - p->interval_ns)
		p->next_ns = now_ns - p->interval_ns;
	p->next_ns = deadline_from(p->next_ns, p->interval_ns);
	return true;
}

int64_t pace_next(const struct pace *p)
{
	return p->next_ns;
}
