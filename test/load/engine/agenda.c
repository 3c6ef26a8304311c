/* SPDX-License-Identifier: ISC */
/* agenda - what the connections of a thread have to begin, and when. */
#include "agenda.h"

#include "common/deadline.h"
#include "conversation.h"

static void pump(struct agenda *a, struct lane *lane, struct connection *c)
{
	if (c->state != CONNECTION_OPEN)
		return;
	conversation_pump(c, lane);
	opening_note(a->opening, c, lane, false);
}

/* Open loop. */

/* The first message from number on that is one of the thread's. */
static uint64_t first_from(const struct agenda *a, const struct lane *lane, uint64_t number)
{
	uint64_t connections = lane->schedule->connections;
	uint64_t round = number / connections;
	uint64_t slot = number % connections;

	slot += (a->part + a->parts - slot % a->parts) % a->parts;
	return slot < connections ? round * connections + slot
				  : (round + 1) * connections + a->part;
}

static struct connection *connection_of(
	const struct agenda *a, const struct lane *lane, uint64_t number)
{
	return &a->connections[(number % lane->schedule->connections - a->part) / a->parts];
}

static void set_next(struct agenda *a, const struct lane *lane, uint64_t number)
{
	a->next = number;
	a->due_ns = deadline_from(lane->start_ns, schedule_due(lane->schedule, number));
	if (number >= lane->schedule->messages || a->due_ns >= lane->end_ns)
		a->due_ns = DEADLINE_NEVER;
}

/*
 * Each connection with a message due notices all of its due messages at once.  A delay at the
 * highest rate then costs one look at each connection, not one at each message.
 */
static void notice_due(struct agenda *a, struct lane *lane, int64_t turn_end_ns)
{
	int64_t moment_ns = deadline_earlier(lane->now_ns, lane->end_ns - 1);
	uint64_t due = schedule_count(lane->schedule, moment_ns - lane->start_ns);
	uint64_t next = a->next;
	uint32_t seen = 0;

	for (; next < due && seen < a->count && lane->now_ns < turn_end_ns; seen++) {
		struct connection *c = connection_of(a, lane, next);
		slot_notice(&c->slot, lane, moment_ns);
		pump(a, lane, c);
		next = first_from(a, lane, next + 1);
	}
	set_next(a, lane, seen == a->count ? first_from(a, lane, due) : next);
}

/* Closed loop. */

static void set_next_start(struct agenda *a, const struct lane *lane)
{
	a->due_ns = DEADLINE_NEVER;
	if (a->started < a->count)
		a->due_ns = lane->start_ns +
			schedule_begin(lane->schedule, a->connections[a->started].slot.number);
}

/* Let the next connections begin, all at once if there is no ramp. */
static void start_due(struct agenda *a, struct lane *lane, int64_t turn_end_ns)
{
	while (a->due_ns <= lane->now_ns && lane->now_ns < turn_end_ns) {
		struct connection *c = &a->connections[a->started++];
		c->started = true;
		c->progress_ns = lane->now_ns;
		pump(a, lane, c);
		set_next_start(a, lane);
	}
}

void agenda_begin(struct agenda *a, struct lane *lane)
{
	const struct settings *s = lane->settings;

	lane->end_ns = s->duration_ns > 0 ? deadline_from(lane->measure_ns, s->duration_ns)
					  : DEADLINE_NEVER;
	lane->beginning = true;
	if (schedule_is_open(lane->schedule))
		set_next(a, lane, a->part);
	else
		set_next_start(a, lane);
}

void agenda_keep(struct agenda *a, struct lane *lane, int64_t turn_end_ns)
{
	if (a->due_ns > lane->now_ns)
		return;
	if (schedule_is_open(lane->schedule))
		notice_due(a, lane, turn_end_ns);
	else
		start_due(a, lane, turn_end_ns);
}

bool agenda_is_over(const struct lane *lane, enum agenda_end *why)
{
	if (!lane->beginning)
		return false;
	*why = lane->budget == 0 ? AGENDA_ALL_BEGUN : AGENDA_TIME;
	return lane->budget == 0 || lane->now_ns >= lane->end_ns;
}

/* After a signal the schedule is over.  A message that came due a moment ago and was not noticed is
 * no fault; one that came due long ago is the client's fault. */
static int64_t last_due_ns(const struct lane *lane, enum agenda_end why)
{
	int64_t now_ns = deadline_earlier(lane->now_ns, lane->end_ns - 1);

	return why == AGENDA_SIGNAL ? now_ns - SCHEDULE_LATE_NS : now_ns;
}

void agenda_end(struct agenda *a, struct lane *lane, enum agenda_end why)
{
	int64_t moment_ns = last_due_ns(lane, why);

	for (uint32_t i = 0; schedule_is_open(lane->schedule) && i < a->count; i++) {
		struct slot *s = &a->connections[i].slot;
		slot_notice(s, lane, moment_ns);
		if (why == AGENDA_SIGNAL)
			slot_give_up_due(s, lane);
	}
	lane->beginning = false;
	a->due_ns = DEADLINE_NEVER;
	for (uint32_t i = 0; lane->owed > 0 && i < a->count; i++)
		pump(a, lane, &a->connections[i]);
	/* The last message still has to end. */
	if (why == AGENDA_ALL_BEGUN)
		return;
	lane->end_ns = deadline_earlier(lane->end_ns, lane->now_ns);
	lane->figures->load_end_ns = lane->end_ns;
}
