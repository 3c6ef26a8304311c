/* SPDX-License-Identifier: ISC */
/* slot - which messages of the run are one connection's, and what has become of them. */
#include "slot.h"

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
	};
}

int64_t slot_intended(const struct slot *s, const struct bench *b, uint64_t index)
{
	return b->start_ns +
		schedule_due(b->schedule, schedule_number(b->schedule, s->number, index));
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

/* Of the new ones, those due before late_since were noticed late.  If older late ones still wait,
 * the ones between are taken for late, too. */
static void note_late(struct slot *s, struct bench *b, int64_t late_since_ns, uint64_t due)
{
	if (s->late_below <= s->taken)
		s->late_from = s->noticed;
	s->late_below = smaller(due, due_by(s, b, late_since_ns - 1));
	s->late_ns = b->now_ns;
}

void slot_notice(struct slot *s, struct bench *b, int64_t moment_ns)
{
	uint64_t due = due_by(s, b, moment_ns);
	int64_t late_since_ns = b->now_ns - SCHEDULE_LATE_NS;

	if (due <= s->noticed)
		return;
	if (slot_intended(s, b, s->noticed) < late_since_ns)
		note_late(s, b, late_since_ns, due);
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
	s->room_ns = b->now_ns;
}

static bool is_late(const struct slot *s, uint64_t index)
{
	return index >= s->late_from && index < s->late_below;
}

/* From when it was due, or from when there was room if that was later; but from when it was due
 * all the same if that was noticed too late. */
static int64_t own_lateness(const struct slot *s, const struct bench *b, int64_t intended_ns)
{
	int64_t since_ns = intended_ns > s->room_ns ? intended_ns : s->room_ns;
	int64_t own_ns = b->now_ns - since_ns;

	if (is_late(s, s->taken) && own_ns < s->late_ns - intended_ns)
		own_ns = s->late_ns - intended_ns;
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
		snprintf(
			e.detail, sizeof e.detail, "message %" PRIu64 " of its schedule", s->taken);
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

/* Those below a bound, all of one cause. */
static void give_up_one_cause(struct slot *s, struct bench *b, uint64_t below)
{
	struct figures *f = b->figures;
	bool late = is_late(s, s->taken);
	uint64_t count = below - s->taken;

	histogram_record_never(&f->latency, measured(s, b, s->taken, below));
	count_failure(s, b, late ? FAILURE_NOT_SENT_LATE : FAILURE_NO_ROOM, count);
	*(late ? &f->not_sent_late : &f->not_sent_no_room) += count;
	f->last_settled_ns = b->now_ns;
	s->taken = below;
	b->owed -= count;
}

static void give_up_below(struct slot *s, struct bench *b, uint64_t below)
{
	const uint64_t borders[] = {s->late_from, s->late_below, below};

	for (int i = 0; i < 3; i++) {
		uint64_t border = smaller(borders[i], below);
		if (border > s->taken)
			give_up_one_cause(s, b, border);
	}
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
