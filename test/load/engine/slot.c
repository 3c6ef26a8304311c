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
		.share = schedule_share(schedule, number, schedule->messages),
		.room_ns = DEADLINE_NEVER,
	};
}

int64_t slot_intended(const struct slot *s, const struct bench *b, uint64_t index)
{
	uint64_t number = schedule_number(b->schedule, s->number, index);

	return deadline_from(b->start_ns, schedule_due(b->schedule, number));
}

/* How many of its messages are due at or before a moment. */
static uint64_t due_by(const struct slot *s, const struct bench *b, int64_t moment_ns)
{
	uint64_t of_all = schedule_count(b->schedule, moment_ns - b->start_ns);

	return schedule_share(b->schedule, s->number, of_all);
}

static void come_due(struct slot *s, struct bench *b, uint64_t count)
{
	s->noticed += count;
	b->owed += count;
	b->figures->due += count;
	if (b->budget != UINT64_MAX)
		b->budget -= count;
}

void slot_notice(struct slot *s, struct bench *b, int64_t moment_ns)
{
	uint64_t due = due_by(s, b, moment_ns);

	if (due > s->noticed)
		come_due(s, b, due - s->noticed);
}

void slot_allow(struct slot *s, struct bench *b, uint64_t count)
{
	come_due(s, b, count);
}

bool slot_is_owed(const struct slot *s)
{
	return s->taken < s->noticed;
}

bool slot_has_more(const struct slot *s, const struct bench *b)
{
	return slot_is_owed(s) || (b->beginning && s->noticed < s->share);
}

void slot_has_room(struct slot *s, const struct bench *b)
{
	if (s->room_ns == DEADLINE_NEVER)
		s->room_ns = b->now_ns;
}

void slot_is_full(struct slot *s)
{
	s->room_ns = DEADLINE_NEVER;
}

/*
 * How much of a message's waiting is the client's fault: for how long there has been room for it;
 * or, because what piled up while the client stood still then waits for room, for how long it did
 * stand still, if that is more than half of the waiting.
 */
static int64_t own_lateness(const struct slot *s, const struct bench *b, int64_t intended_ns)
{
	int64_t since_ns = intended_ns > s->room_ns ? intended_ns : s->room_ns;
	int64_t own_ns = s->room_ns == DEADLINE_NEVER ? 0 : b->now_ns - since_ns;
	int64_t stalled_ns = bench_stalled_since(b, intended_ns);

	if (stalled_ns > (b->now_ns - intended_ns) / 2 && stalled_ns > own_ns)
		own_ns = stalled_ns;
	return own_ns > 0 ? own_ns : 0;
}

int64_t slot_take(struct slot *s, struct bench *b, int64_t *intended_ns)
{
	struct figures *f = b->figures;
	int64_t own_ns = 0;

	*intended_ns = b->now_ns;
	if (schedule_is_open(b->schedule)) {
		*intended_ns = slot_intended(s, b, s->taken);
		own_ns = own_lateness(s, b, *intended_ns);
		if (*intended_ns >= b->measure_ns)
			histogram_record(&f->lateness, own_ns);
		f->late += own_ns > SCHEDULE_LATE_NS;
	}
	s->taken++;
	b->owed--;
	f->sent++;
	return own_ns;
}

/* Giving up. */

static void count_failure(const struct slot *s, struct bench *b, enum failure failure, uint64_t n)
{
	struct example e = {.connection = s->number, .phase = PHASE_IDLE};

	if (b->figures->failures.count[failure] == 0)
		snprintf(e.detail, sizeof e.detail, "message %" PRIu64 " of its share", s->taken);
	failure_count_many(&b->figures->failures, failure, n, &e);
}

/* How many of [from, below) are measured, and not of the ramp. */
static uint64_t measured(const struct slot *s, const struct bench *b, uint64_t from, uint64_t below)
{
	if (!schedule_is_open(b->schedule))
		return b->now_ns >= b->measure_ns ? below - from : 0;
	uint64_t of_ramp = due_by(s, b, b->measure_ns - 1);
	return below > of_ramp ? below - larger(from, of_ramp) : 0;
}

/* Open loop: more than half of the waiting of the first that waits is the client's fault.  That
 * stands for those that are given up with it. */
static bool is_own_fault(const struct slot *s, const struct bench *b)
{
	if (!schedule_is_open(b->schedule))
		return false;
	int64_t intended_ns = slot_intended(s, b, s->taken);
	return own_lateness(s, b, intended_ns) > (b->now_ns - intended_ns) / 2;
}

static void give_up_below(struct slot *s, struct bench *b, uint64_t below)
{
	struct figures *f = b->figures;
	uint64_t count = below - s->taken;

	if (count == 0)
		return;
	uint64_t in_ranks = measured(s, b, s->taken, below);
	histogram_record_never(&f->latency, in_ranks);
	if (is_own_fault(s, b)) {
		histogram_record_never(&f->own, in_ranks);
		histogram_record_never(&f->lateness, in_ranks);
		count_failure(s, b, FAILURE_NOT_SENT_LATE, count);
		f->not_sent_late += count;
	} else {
		count_failure(s, b, FAILURE_NO_ROOM, count);
		f->not_sent_no_room += count;
	}
	f->last_settled_ns = b->now_ns;
	s->taken = below;
	b->owed -= count;
}

void slot_give_up_overdue(struct slot *s, struct bench *b)
{
	if (!slot_is_owed(s) || !schedule_is_open(b->schedule))
		return;
	int64_t overdue_ns = b->now_ns - b->settings->timeout_ns;
	if (slot_intended(s, b, s->taken) < overdue_ns)
		give_up_below(s, b, smaller(s->noticed, due_by(s, b, overdue_ns - 1)));
}

void slot_give_up_due(struct slot *s, struct bench *b)
{
	give_up_below(s, b, s->noticed);
}

void slot_give_up_rest(struct slot *s, struct bench *b)
{
	if (s->share == UINT64_MAX || s->noticed == s->share)
		return;
	come_due(s, b, s->share - s->noticed);
	give_up_below(s, b, s->noticed);
}
