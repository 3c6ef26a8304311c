/* SPDX-License-Identifier: ISC */
/* schedule - when messages are due, and how fast connections may be opened. */
#include "schedule.h"

#include "common/deadline.h"

#include <math.h>

/* k / rate in ns; the whole seconds apart, so that nothing overflows or is rounded twice. */
static int64_t at_full_rate(uint64_t k, uint64_t rate)
{
	return (int64_t)(k / rate) * NS_PER_S + (int64_t)(k % rate * (uint64_t)NS_PER_S / rate);
}

int64_t schedule_due(const struct schedule *s, uint64_t k)
{
	/* A rate that rises evenly from 0 has sent rate * t^2 / (2 * ramp) after t: half of the
	 * full rate in all. */
	double rate_per_ns = (double)s->rate / (double)NS_PER_S;
	double of_ramp = rate_per_ns * (double)s->ramp_ns / 2;

	if ((double)k < of_ramp)
		return (int64_t)sqrt(2 * (double)k * (double)s->ramp_ns / rate_per_ns);
	return at_full_rate(k, s->rate) + s->ramp_ns / 2;
}

uint64_t schedule_number(const struct schedule *s, uint32_t slot, uint64_t round)
{
	return round * s->connections + slot;
}

int64_t schedule_begin(const struct schedule *s, uint32_t slot)
{
	return (int64_t)((double)s->ramp_ns * slot / (double)s->connections);
}

void pace_init(struct pace *p, uint64_t rate, uint32_t part, uint32_t parts, int64_t start_ns)
{
	p->interval_ns = rate == 0 ? 0 : (int64_t)((uint64_t)NS_PER_S * parts / rate);
	p->next_ns = start_ns + p->interval_ns / parts * part;
}

bool pace_take(struct pace *p, int64_t now_ns)
{
	if (now_ns < p->next_ns)
		return false;
	if (p->interval_ns == 0)
		return true;
	/* From the planned moment on, or waking late would lower the rate; but no burst after a
	 * pause. */
	if (p->next_ns < now_ns - p->interval_ns)
		p->next_ns = now_ns - p->interval_ns;
	p->next_ns += p->interval_ns;
	return true;
}

int64_t pace_next(const struct pace *p)
{
	return p->next_ns;
}
