/* SPDX-License-Identifier: ISC */
/* result - what follows from a run's figures. */
#include "result.h"

#include <sysexits.h>

/* A thread that wants a processor for more than this share of the time has hardly more to give. */
#define BUSY 0.9

double result_rate(const struct result *r)
{
	if (r->window_ns <= 0)
		return 0;
	return (double)r->figures.latency.count * 1e9 / (double)r->window_ns;
}

bool result_schedule_kept(const struct result *r, const struct settings *s)
{
	return s->rate == 0 || histogram_percentile(&r->figures.lateness, 99) <= RESULT_LATE_NS;
}

static double share_of_load(const struct result *r, int64_t ns)
{
	return r->load_ns > 0 ? (double)ns / (double)r->load_ns : 0;
}

double result_running(const struct result *r)
{
	return share_of_load(r, r->figures.busiest_running_ns);
}

double result_busiest(const struct result *r)
{
	return share_of_load(r, r->figures.busiest_ns);
}

bool result_client_limited(const struct result *r)
{
	return result_running(r) > BUSY;
}

bool result_processors_short(const struct result *r)
{
	return !result_client_limited(r) && result_busiest(r) > BUSY;
}

double result_cpu_ns_per_message(const struct result *r)
{
	if (r->figures.sent == 0)
		return 0;
	return (double)(r->figures.user_ns + r->figures.system_ns) / (double)r->figures.sent;
}

/* A bound on counts is broken whoever kept the schedule; one on times only if the schedule was
 * kept. */
static bool is_broken(const struct result *r, const struct settings *s, bool timed)
{
	double rate = result_rate(r);

	for (size_t i = 0; i < s->bound_count; i++) {
		const struct expression *e = &s->bounds[i];
		if (expression_is_timed(e) == timed &&
			expression_holds(e, expression_measure(e, &r->figures, rate)))
			return true;
	}
	return false;
}

int result_status(const struct result *r, const struct settings *s)
{
	if (!r->reached)
		return EX_UNAVAILABLE;
	if (is_broken(r, s, false))
		return RESULT_BROKEN;
	if (s->bound_count == 0 &&
		(failure_mismatches(&r->figures.failures) > 0 || r->figures.answered == 0))
		return RESULT_BROKEN;
	if (!result_schedule_kept(r, s))
		return RESULT_OFF_SCHEDULE;
	return is_broken(r, s, true) ? RESULT_BROKEN : RESULT_KEPT;
}
