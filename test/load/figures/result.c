/* SPDX-License-Identifier: ISC */
/* result - what follows from a run's figures. */
#include "result.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* A thread that runs for more than this share of the time is near its limit. */
#define BUSY 0.9

/* The schedule is kept if no more than this share of the messages is late or left out. */
#define TOLERATED_SHARE 0.01

double result_rate(const struct result *r)
{
	if (r->window_ns <= 0)
		return 0;
	return (double)r->figures.replies * 1e9 / (double)r->window_ns;
}

static double share_of_due(const struct result *r, uint64_t count)
{
	return r->figures.due > 0 ? (double)count / (double)r->figures.due : 0;
}

double result_late_share(const struct result *r)
{
	return share_of_due(r, r->figures.late + r->figures.not_sent_late);
}

double result_no_vacancy_share(const struct result *r)
{
	return share_of_due(r, r->figures.not_sent_no_vacancy);
}

bool result_schedule_kept(const struct result *r)
{
	return r->rate.count == 0 ||
		(result_late_share(r) <= TOLERATED_SHARE &&
			result_no_vacancy_share(r) <= TOLERATED_SHARE);
}

uint64_t result_needed_in_flight(const struct result *r)
{
	int64_t p50_ns = histogram_percentile(&r->figures.actual, 50);

	if (p50_ns == 0 || p50_ns == HISTOGRAM_NEVER)
		return 0;
	double needed = round(rate_per_s(&r->rate) * (double)p50_ns / 1e9);
	return needed > 1 ? (uint64_t)needed : 1;
}

static double share_of_load(const struct result *r, int64_t ns)
{
	int64_t of_ns = r->figures.busiest_of_ns;

	return of_ns > 0 ? (double)ns / (double)of_ns : 0;
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

/* True if a bound on times is broken by what this client's own stalls did not make slow. */
static bool is_broken_without_stalls(const struct result *r, const struct expression *e)
{
	struct figures *f = malloc(sizeof *f);
	double window_ns = (double)(r->window_ns - r->figures.stalled_ns);
	double rate = window_ns > 0 ? (double)r->figures.replies * 1e9 / window_ns : 0;

	if (!f)
		return true;
	memcpy(f, &r->figures, sizeof *f);
	histogram_subtract(&f->latency, &f->own);
	histogram_subtract(&f->actual, &f->own_actual);
	histogram_subtract(&f->connect, &f->own_connect);
	histogram_subtract(&f->first_byte, &f->own_first_byte);
	bool broken =
		expression_is_measured(e, f) && expression_holds(e, expression_measure(e, f, rate));
	free(f);
	return broken;
}

/* Right replies came, and none of them after the ramp. */
static bool is_unmeasured(const struct result *r)
{
	return r->figures.answered > 0 && histogram_total(&r->figures.latency) == 0;
}

struct judgement result_judge(const struct result *r, const struct expression *e)
{
	struct judgement j = {.measured = expression_measure(e, &r->figures, result_rate(r))};

	j.broken = expression_holds(e, j.measured);
	if (!j.broken || !expression_is_timed(e))
		return j;
	if (is_unmeasured(r))
		j.why_not_valid = "nothing was measured after the ramp";
	else if (expression_is_measured(e, &r->figures) && !is_broken_without_stalls(r, e))
		j.why_not_valid = "this client's own stalls explain it";
	return j;
}

enum outcome {
	BOUNDS_KEPT,
	BOUNDS_EXPLAINED, /* broken, but for the client's own stalls */
	BOUNDS_BROKEN,
};

/* The worst of those on times, or of those on counts. */
static enum outcome judge_bounds(const struct result *r, const struct bounds *bounds, bool timed)
{
	enum outcome worst = BOUNDS_KEPT;

	for (size_t i = 0; i < bounds->count; i++) {
		if (expression_is_timed(&bounds->of[i]) != timed)
			continue;
		struct judgement j = result_judge(r, &bounds->of[i]);
		if (j.broken && !j.why_not_valid)
			return BOUNDS_BROKEN;
		if (j.broken)
			worst = BOUNDS_EXPLAINED;
	}
	return worst;
}

/* An explicit bound on what was not sent decides about that alone. */
static bool has_bound_on_not_sent(const struct bounds *bounds)
{
	for (size_t i = 0; i < bounds->count; i++) {
		if (expression_is_on_not_sent(&bounds->of[i]))
			return true;
	}
	return false;
}

static bool is_client_late(const struct result *r, const struct bounds *bounds)
{
	double late = has_bound_on_not_sent(bounds) ? share_of_due(r, r->figures.late)
						    : result_late_share(r);

	return late > TOLERATED_SHARE;
}

/* Counts are judged whether the schedule was kept or not. */
static bool is_wrong(const struct result *r, const struct bounds *bounds)
{
	const struct figures *f = &r->figures;
	bool failed = failure_mismatches(&f->failures) > 0 || f->lost > 0;

	return f->answered == 0 || judge_bounds(r, bounds, false) == BOUNDS_BROKEN ||
		(bounds->count == 0 && failed);
}

int result_status(const struct result *r, const struct bounds *bounds)
{
	if (figures_broken_sum(&r->figures))
		return EX_SOFTWARE;
	/* Nothing was measured, so nothing is judged. */
	if (r->interrupted && !r->loaded)
		return RESULT_NOT_VALID;
	if (!r->reached)
		return EX_UNAVAILABLE;
	if (is_wrong(r, bounds))
		return RESULT_BROKEN;
	if (is_client_late(r, bounds))
		return RESULT_NOT_VALID;
	switch (judge_bounds(r, bounds, true)) {
	case BOUNDS_BROKEN:
		return RESULT_BROKEN;
	case BOUNDS_EXPLAINED:
		return RESULT_NOT_VALID;
	case BOUNDS_KEPT:
		break;
	}
	bool many_not_sent = share_of_due(r, figures_not_sent(&r->figures)) > TOLERATED_SHARE;
	return bounds->count == 0 && many_not_sent ? RESULT_NOT_VALID : RESULT_KEPT;
}
