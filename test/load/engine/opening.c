/* SPDX-License-Identifier: ISC */
/* opening - opens the connections of a thread, and opens them again. */
#include "opening.h"

#include "common/deadline.h"
#include "conversation.h"

/* A burst of connects overflows the server's queue, and then SYNs are dropped and sent again after
 * a second. */
#define UNDER_WAY_MAX 128

/* So many are begun in one turn of the loop, under load. */
#define BURST 16

/* A server that is down must not be flooded with connects. */
#define REST_NS (100 * NS_PER_MS)

static void queue_init(struct opening_queue *q)
{
	q->first = NULL;
	q->last = &q->first;
}

static void put(struct opening_queue *q, struct connection *c)
{
	c->next = NULL;
	*q->last = c;
	q->last = &c->next;
}

static struct connection *take(struct opening_queue *q)
{
	struct connection *c = q->first;

	q->first = c->next;
	if (!q->first)
		q->last = &q->first;
	return c;
}

void opening_init(
	struct opening *o, const struct rate *rate, uint32_t part, uint32_t parts, int64_t now_ns)
{
	*o = (struct opening){.under_way = 0};
	queue_init(&o->closed);
	queue_init(&o->resting);
	pace_init(&o->pace, rate, part, parts, now_ns);
}

void opening_add(struct opening *o, struct connection *c)
{
	put(&o->closed, c);
	o->untried++;
}

void opening_note(
	struct opening *o, struct connection *c, const struct lane *lane, bool was_opening)
{
	if (was_opening && !connection_is_opening(c)) {
		o->under_way--;
		if (c->generation == 1)
			o->untried--;
	}
	if (c->state != CONNECTION_CLOSED)
		return;
	c->rest_until_ns = lane->now_ns + REST_NS;
	put(c->rests ? &o->resting : &o->closed, c);
}

/* A connection that has nothing more to send is not opened again. */
static bool has_next(struct opening *o, const struct lane *lane)
{
	while (o->closed.first && !connection_is_wanted(o->closed.first, lane))
		take(&o->closed);
	return o->closed.first && o->under_way < UNDER_WAY_MAX;
}

/*
 * Before the load begins, one at a time: the next connect's work must not count as the last one's
 * connect time.  Under load several, so that all connections come back soon after a restart.
 */
void opening_go_on(struct opening *o, struct lane *lane)
{
	int burst = lane->start_ns > 0 ? BURST : 1;

	while (o->resting.first && o->resting.first->rest_until_ns <= lane->now_ns)
		put(&o->closed, take(&o->resting));
	while (burst-- > 0 && has_next(o, lane) && pace_take(&o->pace, lane->now_ns)) {
		struct connection *c = take(&o->closed);
		o->under_way++;
		conversation_open(c, lane);
		if (!connection_is_opening(c))
			opening_note(o, c, lane, true);
	}
}

int64_t opening_next(const struct opening *o)
{
	int64_t next = DEADLINE_NEVER;

	if (o->closed.first && o->under_way < UNDER_WAY_MAX)
		next = pace_next(&o->pace);
	if (o->resting.first)
		next = deadline_earlier(next, o->resting.first->rest_until_ns);
	return next;
}

bool opening_all_tried(const struct opening *o)
{
	return o->untried == 0;
}
