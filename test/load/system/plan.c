/* SPDX-License-Identifier: ISC */
/* plan - what a run has to send. */
#include "plan.h"

#include "common/deadline.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What two ways of rounding may differ by. */
#define ROUNDING_NS 2000

int64_t plan_due_ns(const struct plan *p, uint64_t k)
{
	double ramp_s = (double)p->ramp_ns / 1e9;
	double on_ramp = p->rate_per_s * ramp_s / 2;

	if ((double)k < on_ramp)
		return (int64_t)(1e9 * sqrt(2 * (double)k * ramp_s / p->rate_per_s));
	return (int64_t)(1e9 * (ramp_s + ((double)k - on_ramp) / p->rate_per_s));
}

/* How many messages are due before a moment. */
static uint64_t due_before(const struct plan *p, int64_t moment_ns)
{
	uint64_t k = 0;

	while ((p->messages == 0 || k < p->messages) && plan_due_ns(p, k) < moment_ns)
		k++;
	return k;
}

void plan_scheduled(const struct plan *p, uint64_t *least, uint64_t *most)
{
	int64_t end_ns = p->ramp_ns + p->duration_ns;

	*least = p->messages;
	*most = p->messages;
	if (p->duration_ns == 0)
		return;
	*least = due_before(p, end_ns - ROUNDING_NS);
	*most = due_before(p, end_ns + ROUNDING_NS);
}

uint64_t plan_share(const struct plan *p, uint64_t slot, uint64_t count)
{
	return slot < count ? (count - slot + p->connections - 1) / p->connections : 0;
}

static uint64_t connections_for(const struct plan *p, uint64_t share)
{
	if (p->per_connection == 0 || share == 0)
		return 1;
	return (share + p->per_connection - 1) / p->per_connection;
}

uint64_t plan_connections(const struct plan *p, uint64_t count)
{
	uint64_t sum = 0;

	for (uint64_t slot = 0; slot < p->connections; slot++)
		sum += connections_for(p, plan_share(p, slot, count));
	return sum;
}

uint64_t plan_number(const struct plan *p, const struct record_message *m)
{
	uint64_t slot = m->id % p->connections;
	uint64_t generation = m->id / p->connections;
	uint64_t round = generation * p->per_connection + m->sequence;

	return round * p->connections + slot;
}

/* The check. */

struct check {
	const struct plan *plan;
	const struct record *record;
	int64_t started_ns;
	uint64_t *begun;  /* of each slot: messages so far */
	uint32_t *ids;    /* of each connection of the record */
	uint64_t *counts; /* and the messages on it so far */
	char *fault;
};

__attribute__((format(printf, 2, 3))) static bool wrong(struct check *c, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(c->fault, PLAN_FAULT_MAX, format, arguments);
	va_end(arguments);
	return false;
}

/* After the start, which was later than the client's own. */
static int64_t not_before(const struct check *c, uint64_t slot, uint64_t number)
{
	const struct plan *p = c->plan;

	if (p->rate_per_s > 0)
		return c->started_ns + plan_due_ns(p, number) - ROUNDING_NS;
	/* In a closed loop one connection after the other begins. */
	return c->started_ns +
		(int64_t)((double)p->ramp_ns * (double)slot / (double)p->connections) - ROUNDING_NS;
}

static bool check_message(struct check *c, const struct record_message *m)
{
	const struct plan *p = c->plan;
	uint64_t slot = m->id % p->connections;
	uint64_t number = plan_number(p, m);

	if (m->id == RECORD_NO_ID)
		return wrong(c, "a message without a header");
	if (c->counts[m->connection] == 0)
		c->ids[m->connection] = m->id;
	if (c->ids[m->connection] != m->id)
		return wrong(c,
			"accepted connection %zu carries messages of %" PRIu32 " and of %" PRIu32,
			m->connection, c->ids[m->connection], m->id);
	if (m->sequence != c->counts[m->connection]++)
		return wrong(c, "connection %" PRIu32 ": message %" PRIu64 " in place %" PRIu64,
			m->id, m->sequence, c->counts[m->connection] - 1);
	if (p->per_connection > 0 && m->sequence >= p->per_connection)
		return wrong(c, "connection %" PRIu32 " carries more than %" PRIu64 " messages",
			m->id, p->per_connection);
	/* With this every number comes once, and none is left out. */
	if (number != c->begun[slot] * p->connections + slot)
		return wrong(c,
			"slot %" PRIu64 ": message %" PRIu64 " of all came as its %" PRIu64
			"th (connection %" PRIu32 ", message %" PRIu64 ")",
			slot, number, c->begun[slot], m->id, m->sequence);
	c->begun[slot]++;
	if (m->arrived_ns < not_before(c, slot, number))
		return wrong(c, "message %" PRIu64 " of all came %.3f ms before it was due", number,
			(double)(not_before(c, slot, number) - m->arrived_ns) / 1e6);
	return true;
}

/* As many messages as were due, shared evenly; where the client had to stop in the middle of a
 * closed loop only the bounds are known. */
static bool check_shares(struct check *c)
{
	const struct plan *p = c->plan;
	bool open_loop = p->rate_per_s > 0;
	uint64_t least = 0;
	uint64_t most = UINT64_MAX;

	if (open_loop || p->duration_ns == 0)
		plan_scheduled(p, &least, &most);
	else if (p->messages > 0)
		most = p->messages;
	for (uint64_t slot = 0; slot < p->connections; slot++) {
		uint64_t share = plan_share(p, slot, least);
		uint64_t low = share > p->given_up ? share - p->given_up : 0;
		uint64_t high = most == UINT64_MAX ? most : plan_share(p, slot, most);
		if (c->begun[slot] < low || c->begun[slot] > high)
			return wrong(c,
				"slot %" PRIu64 " sent %" PRIu64 ", not %" PRIu64 " to %" PRIu64,
				slot, c->begun[slot], low, high);
	}
	return true;
}

/* Where time ends the run, or messages are given up, a slot's next connection may have been opened
 * and not used. */
static bool check_connections(struct check *c)
{
	const struct plan *p = c->plan;
	uint64_t least = 0;
	uint64_t most = 0;

	for (uint64_t slot = 0; slot < p->connections; slot++) {
		least += connections_for(p, c->begun[slot]);
		most += p->per_connection > 0 ? c->begun[slot] / p->per_connection + 1 : 1;
	}
	if (p->duration_ns == 0 && p->given_up == 0)
		most = least;
	if (c->record->connection_count < least || c->record->connection_count > most)
		return wrong(c, "%zu connections were accepted, not %" PRIu64 " to %" PRIu64,
			c->record->connection_count, least, most);
	return true;
}

bool plan_check(const struct plan *p, const struct record *r, int64_t started_ns,
	char fault[PLAN_FAULT_MAX])
{
	struct check c = {
		.plan = p,
		.record = r,
		.started_ns = started_ns,
		.begun = calloc(p->connections, sizeof *c.begun),
		.ids = calloc(r->connection_count + 1, sizeof *c.ids),
		.counts = calloc(r->connection_count + 1, sizeof *c.counts),
		.fault = fault,
	};
	bool right = true;

	if (!c.begun || !c.ids || !c.counts)
		abort();
	for (size_t i = 0; i < r->message_count && right; i++)
		right = check_message(&c, &r->messages[i]);
	right = right && check_shares(&c) && check_connections(&c);
	free(c.begun);
	free(c.ids);
	free(c.counts);
	return right;
}
