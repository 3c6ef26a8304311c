/* SPDX-License-Identifier: ISC */
/* slot - which messages of the run are one connection's, and what has become of them. */
#include "slot.h"

#include "common/deadline.h"

#include <inttypes.h>
#include <stdio.h>

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void slot_init(struct slot *s, uint32_t number, const struct schedule *schedule)
{
	*s = (struct slot){
		.number = number,
		.quota = schedule_quota(schedule, number, schedule->messages),
		.vacant_ns = DEADLINE_NEVER,
	};
}

int64_t slot_intended(const struct slot *s, const struct lane *lane, uint64_t index)
{
	uint64_t number = schedule_number(lane->schedule, s->number, index);

	return deadline_from(lane->start_ns, schedule_due(lane->schedule, number));
}

/* How many of its messages are due at or before a moment. */
static uint64_t due_by(const struct slot *s, const struct lane *lane, int64_t moment_ns)
{
	uint64_t of_all = schedule_count(lane->schedule, moment_ns - lane->start_ns);

	return schedule_quota(lane->schedule, s->number, of_all);
}

static void come_due(struct slot *s, struct lane *lane, uint64_t count)
{
	s->noticed += count;
	lane->owed += count;
	lane->figures->due += count;
	if (lane->budget != UINT64_MAX)
		lane->budget -= count;
}

void slot_notice(struct slot *s, struct lane *lane, int64_t moment_ns)
{
	uint64_t due = due_by(s, lane, moment_ns);

	if (due > s->noticed)
		come_due(s, lane, due - s->noticed);
}

void slot_allow(struct slot *s, struct lane *lane, uint64_t count)
{
	come_due(s, lane, count);
}

bool slot_is_owed(const struct slot *s)
{
	return s->taken < s->noticed;
}

bool slot_has_more(const struct slot *s, const struct lane *lane)
{
	return slot_is_owed(s) || (lane->beginning && s->noticed < s->quota);
}

void slot_set_vacant(struct slot *s, const struct lane *lane)
{
	if (s->vacant_ns == DEADLINE_NEVER)
		s->vacant_ns = lane->now_ns;
}

void slot_set_full(struct slot *s)
{
	s->vacant_ns = DEADLINE_NEVER;
}

/*
 * How much of a message's waiting is the client's fault: how long a vacancy was there for it.  What
 * piled up while the client stood still waits for a vacancy afterwards: if the client stood still
 * for more than half of the waiting, that time counts instead.
 */
static int64_t own_lateness(const struct slot *s, const struct lane *lane, int64_t intended_ns)
{
	int64_t since_ns = intended_ns > s->vacant_ns ? intended_ns : s->vacant_ns;
	int64_t own_ns = s->vacant_ns == DEADLINE_NEVER ? 0 : lane->now_ns - since_ns;
	int64_t stalled_ns = lane_stalled_since(lane, intended_ns);

	if (stalled_ns > (lane->now_ns - intended_ns) / 2 && stalled_ns > own_ns)
		own_ns = stalled_ns;
	return own_ns > 0 ? own_ns : 0;
}

int64_t slot_take(struct slot *s, struct lane *lane, int64_t *intended_ns)
{
	struct figures *f = lane->figures;
	int64_t own_ns = 0;

	*intended_ns = lane->now_ns;
	if (schedule_is_open(lane->schedule)) {
		*intended_ns = slot_intended(s, lane, s->taken);
		own_ns = own_lateness(s, lane, *intended_ns);
		if (*intended_ns >= lane->measure_ns)
			histogram_record(&f->lateness, own_ns);
		f->late += own_ns > SCHEDULE_LATE_NS;
	}
	s->taken++;
	lane->owed--;
	f->sent++;
	return own_ns;
}

/* Giving up. */

static void count_failure(const struct slot *s, struct lane *lane, enum failure failure, uint64_t n)
{
	struct example e = {.connection = s->number, .phase = PHASE_IDLE};

	if (lane->figures->failures.count[failure] == 0)
		snprintf(e.detail, sizeof e.detail, "message %" PRIu64 " of its share", s->taken);
	failure_count_many(&lane->figures->failures, failure, n, &e);
}

/* How many of [from, below) are measured: those after the ramp. */
static uint64_t measured(
	const struct slot *s, const struct lane *lane, uint64_t from, uint64_t below)
{
	if (!schedule_is_open(lane->schedule))
		return lane->now_ns >= lane->measure_ns ? below - from : 0;
	uint64_t of_ramp = due_by(s, lane, lane->measure_ns - 1);
	return below > of_ramp ? below - larger(from, of_ramp) : 0;
}

/* Open loop: true if more than half of the first message's waiting is the client's fault.  That
 * decides for all that are given up with it. */
static bool is_own_fault(const struct slot *s, const struct lane *lane)
{
	if (!schedule_is_open(lane->schedule))
		return false;
	int64_t intended_ns = slot_intended(s, lane, s->taken);
	return own_lateness(s, lane, intended_ns) > (lane->now_ns - intended_ns) / 2;
}

static void give_up_below(struct slot *s, struct lane *lane, uint64_t below)
{
	struct figures *f = lane->figures;
	uint64_t count = below - s->taken;

	if (count == 0)
		return;
	uint64_t in_ranks = measured(s, lane, s->taken, below);
	histogram_record_never(&f->latency, in_ranks);
	if (is_own_fault(s, lane)) {
		histogram_record_never(&f->own, in_ranks);
		histogram_record_never(&f->lateness, in_ranks);
		count_failure(s, lane, FAILURE_NOT_SENT_LATE, count);
		f->not_sent_late += count;
	} else {
		count_failure(s, lane, FAILURE_NO_VACANCY, count);
		f->not_sent_no_vacancy += count;
	}
	f->last_settled_ns = lane->now_ns;
	s->taken = below;
	lane->owed -= count;
}

void slot_give_up_overdue(struct slot *s, struct lane *lane)
{
	if (!slot_is_owed(s) || !schedule_is_open(lane->schedule))
		return;
	int64_t overdue_ns = lane->now_ns - lane->settings->timeout_ns;
	if (slot_intended(s, lane, s->taken) < overdue_ns)
		give_up_below(s, lane, smaller(s->noticed, due_by(s, lane, overdue_ns - 1)));
}

void slot_give_up_due(struct slot *s, struct lane *lane)
{
	give_up_below(s, lane, s->noticed);
}

void slot_give_up_rest(struct slot *s, struct lane *lane)
{
	if (s->quota == UINT64_MAX || s->noticed == s->quota)
		return;
	come_due(s, lane, s->quota - s->noticed);
	give_up_below(s, lane, s->noticed);
}
