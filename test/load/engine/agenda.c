/* SPDX-License-Identifier: ISC */
/* agenda - what the connections of a thread have to begin, and when. */
#include "agenda.h"

#include "common/deadline.h"

static void pump(struct agenda *a, struct bench *b, struct connection *c)
{
	if (c->state != CONNECTION_OPEN)
		return;
	connection_pump(c, b);
	opening_note(a->opening, c, b, false);
}

/* Open loop. */

/* The first message from number on that is one of the thread's. */
static uint64_t first_from(const struct agenda *a, const struct bench *b, uint64_t number)
{
	uint64_t connections = b->schedule->connections;
	uint64_t round = number / connections;
	uint64_t slot = number % connections;

	slot += (a->part + a->parts - slot % a->parts) % a->parts;
	return slot < connections ? round * connections + slot
				  : (round + 1) * connections + a->part;
}

static struct connection *whose(const struct agenda *a, const struct bench *b, uint64_t number)
{
	return &a->connections[(number % b->schedule->connections - a->part) / a->parts];
}

static void set_next(struct agenda *a, const struct bench *b, uint64_t number)
{
	a->next = number;
	a->due_ns = deadline_from(b->start_ns, schedule_due(b->schedule, number));
	if (number >= b->schedule->messages || a->due_ns >= b->end_ns)
		a->due_ns = DEADLINE_NEVER;
}

/*
 * Each connection that has a message due is told once of all it has; so a moment's delay at a rate
 * beyond all bounds costs no more than a look at each connection.
 */
static void notice_due(struct agenda *a, struct bench *b, int64_t turn_end_ns)
{
	int64_t moment_ns = deadline_earlier(b->now_ns, b->end_ns - 1);
	uint64_t due = schedule_count(b->schedule, moment_ns - b->start_ns);
	uint64_t next = a->next;
	uint32_t seen = 0;

	for (; next < due && seen < a->count && b->now_ns < turn_end_ns; seen++) {
		struct connection *c = whose(a, b, next);
		slot_notice(&c->slot, b, moment_ns);
		pump(a, b, c);
		next = first_from(a, b, next + 1);
	}
	set_next(a, b, seen == a->count ? first_from(a, b, due) : next);
}

/* Closed loop. */

static void set_next_start(struct agenda *a, const struct bench *b)
{
	a->due_ns = DEADLINE_NEVER;
	if (a->started < a->count)
		a->due_ns = b->start_ns +
			schedule_begin(b->schedule, a->connections[a->started].slot.number);
}

/* Let the next connections begin, all at once if there is no ramp. */
static void start_due(struct agenda *a, struct bench *b, int64_t turn_end_ns)
{
	while (a->due_ns <= b->now_ns && b->now_ns < turn_end_ns) {
		struct connection *c = &a->connections[a->started++];
		c->started = true;
		c->progress_ns = b->now_ns;
		pump(a, b, c);
		set_next_start(a, b);
	}
}

void agenda_begin(struct agenda *a, struct bench *b)
{
	const struct settings *s = b->settings;

	b->end_ns =
		s->duration_ns > 0 ? deadline_from(b->measure_ns, s->duration_ns) : DEADLINE_NEVER;
	b->beginning = true;
	if (schedule_is_open(b->schedule))
		set_next(a, b, a->part);
	else
		set_next_start(a, b);
}

void agenda_keep(struct agenda *a, struct bench *b, int64_t turn_end_ns)
{
	if (a->due_ns > b->now_ns)
		return;
	if (schedule_is_open(b->schedule))
		notice_due(a, b, turn_end_ns);
	else
		start_due(a, b, turn_end_ns);
}

bool agenda_is_over(const struct bench *b, enum agenda_end *why)
{
	if (!b->beginning)
		return false;
	*why = b->budget == 0 ? AGENDA_ALL_BEGUN : AGENDA_TIME;
	return b->budget == 0 || b->now_ns >= b->end_ns;
}

/* After a signal the schedule is over.  What was due a moment ago, and not noticed yet, is no
 * fault; what was due long ago is the client's. */
static int64_t last_due_ns(const struct bench *b, enum agenda_end why)
{
	int64_t now_ns = deadline_earlier(b->now_ns, b->end_ns - 1);

	return why == AGENDA_SIGNAL ? now_ns - SCHEDULE_LATE_NS : now_ns;
}

void agenda_end(struct agenda *a, struct bench *b, enum agenda_end why)
{
	int64_t moment_ns = last_due_ns(b, why);

	for (uint32_t i = 0; schedule_is_open(b->schedule) && i < a->count; i++) {
		struct slot *s = &a->connections[i].slot;
		slot_notice(s, b, moment_ns);
		if (why == AGENDA_SIGNAL)
			slot_give_up_due(s, b);
	}
	b->beginning = false;
	a->due_ns = DEADLINE_NEVER;
	for (uint32_t i = 0; b->owed > 0 && i < a->count; i++)
		pump(a, b, &a->connections[i]);
	/* When the last message ends is not known yet. */
	if (why == AGENDA_ALL_BEGUN)
		return;
	b->end_ns = deadline_earlier(b->end_ns, b->now_ns);
	b->figures->load_end_ns = b->end_ns;
}
