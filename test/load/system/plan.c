/* SPDX-License-Identifier: ISC */
/* plan - what a run has to send. */
#include "plan.h"

#include "common/deadline.h"
#include "common/quantity.h"
#include "fixture.h"
#include "test/load/text/rate.h"

#include <check.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What two ways of rounding may differ by. */
#define ROUNDING_NS 2000

struct plan {
	uint64_t connections;
	uint64_t messages;       /* in all; 0: as many as the time allows */
	uint64_t per_connection; /* 0: no bound */
	double rate_per_s;       /* 0: closed loop */
	int64_t ramp_ns;
	int64_t duration_ns; /* from the ramp's end; 0: no bound */
	bool resets;
	uint64_t given_up; /* messages that were due and were not sent */
};

/* The options. */

/* What follows an option, or NULL. */
static const char *option(const char *name)
{
	static char value[64];
	const char *found = strstr(fixture.options, name);

	if (!found)
		return NULL;
	found += strlen(name);
	snprintf(value, sizeof value, "%.*s", (int)strcspn(found, " "), found);
	return value;
}

static uint64_t number(const char *name, uint64_t otherwise)
{
	const char *value = option(name);

	return value ? strtoull(value, NULL, 10) : otherwise;
}

static int64_t duration(const char *name)
{
	const char *value = option(name);
	int64_t ns = 0;

	ck_assert(!value || quantity_parse_duration(value, &ns) == 0);
	return ns;
}

static double rate(void)
{
	const char *value = option("--rate ");
	struct rate r = {.count = 0};

	ck_assert(!value || !rate_parse(value, &r));
	return rate_per_s(&r);
}

static struct plan read_options(void)
{
	return (struct plan){
		.connections = number("-c ", 64),
		.messages = number("-n ", 0),
		.per_connection = number("--per-connection ", 0),
		.rate_per_s = rate(),
		.ramp_ns = duration("--ramp "),
		.duration_ns = duration("-d "),
		.resets = strstr(fixture.options, "--close reset") != NULL,
		.given_up = (uint64_t)fixture_json("messages.not_sent_client_late"),
	};
}

static int64_t due_ns(const struct plan *p, uint64_t k)
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

	while ((p->messages == 0 || k < p->messages) && due_ns(p, k) < moment_ns)
		k++;
	return k;
}

static void count_scheduled(const struct plan *p, uint64_t *least, uint64_t *most)
{
	int64_t end_ns = p->ramp_ns + p->duration_ns;

	*least = p->messages;
	*most = p->messages;
	if (p->duration_ns == 0)
		return;
	*least = due_before(p, end_ns - ROUNDING_NS);
	*most = due_before(p, end_ns + ROUNDING_NS);
}

static uint64_t quota(const struct plan *p, uint64_t slot, uint64_t count)
{
	return slot < count ? (count - slot + p->connections - 1) / p->connections : 0;
}

/* The record. */

struct check {
	const struct plan *plan;
	const struct record *record;
	uint64_t *begun;  /* of each slot: messages so far */
	uint32_t *ids;    /* of each connection of the record */
	uint64_t *counts; /* and the messages on it so far */
};

/* After the start, which was later than the test's own; in a closed loop one connection after the
 * other begins. */
static int64_t not_before(const struct plan *p, uint64_t slot, uint64_t number)
{
	double begin_ns = (double)p->ramp_ns * (double)slot / (double)p->connections;
	int64_t after_ns = p->rate_per_s > 0 ? due_ns(p, number) : (int64_t)begin_ns;

	return fixture.started_ns + after_ns - ROUNDING_NS;
}

static void check_message(struct check *c, const struct record_message *m)
{
	const struct plan *p = c->plan;
	uint64_t slot = m->id % p->connections;
	uint64_t round = m->id / p->connections * p->per_connection + m->sequence;
	uint64_t number = round * p->connections + slot;

	ck_assert_uint_ne(m->id, RECORD_NO_ID);
	if (c->counts[m->connection] == 0)
		c->ids[m->connection] = m->id;
	ck_assert_uint_eq(c->ids[m->connection], m->id);
	ck_assert_uint_eq(m->sequence, c->counts[m->connection]++);
	ck_assert(p->per_connection == 0 || m->sequence < p->per_connection);
	/* With this every number comes once, and none is left out. */
	ck_assert_uint_eq(number, c->begun[slot] * p->connections + slot);
	c->begun[slot]++;
	ck_assert_msg(m->arrived_ns >= not_before(p, slot, number),
		"message %" PRIu64 " came %" PRId64 " ns before it was due", number,
		not_before(p, slot, number) - m->arrived_ns);
}

/* As many messages as were due, dealt evenly; where time stopped the client in the middle of a
 * closed loop only the bounds are known. */
static void check_quotas(const struct check *c)
{
	const struct plan *p = c->plan;
	uint64_t least = 0;
	uint64_t most = p->messages > 0 ? p->messages : UINT64_MAX - p->connections;

	if (p->rate_per_s > 0 || p->duration_ns == 0)
		count_scheduled(p, &least, &most);
	for (uint64_t slot = 0; slot < p->connections; slot++) {
		ck_assert_uint_ge(c->begun[slot] + p->given_up, quota(p, slot, least));
		ck_assert_uint_le(c->begun[slot], quota(p, slot, most));
	}
	if (p->rate_per_s == 0)
		return;
	ck_assert_double_ge(fixture_json("messages.scheduled"), (double)least);
	ck_assert_double_le(fixture_json("messages.scheduled"), (double)most);
}

/* Where time ends the run, or messages are given up, a slot's next connection may have been opened
 * and not used. */
static void check_connections(const struct check *c)
{
	const struct plan *p = c->plan;
	bool under_way = p->per_connection > 0 && (p->duration_ns > 0 || p->given_up > 0);
	enum record_end end = p->resets ? RECORD_CLIENT_RESET : RECORD_CLIENT_FIN;
	uint64_t needed = 0;

	for (uint64_t slot = 0; slot < p->connections; slot++) {
		uint64_t more = p->per_connection == 0 ? 0 : c->begun[slot] - (c->begun[slot] > 0);
		needed += 1 + more / (p->per_connection > 0 ? p->per_connection : 1);
	}
	ck_assert_uint_ge(c->record->connection_count, needed);
	ck_assert_uint_le(c->record->connection_count, needed + (under_way ? p->connections : 0));
	double opened = fixture_json("connections_opened");
	double accepted = (double)c->record->connection_count;
	ck_assert_double_le(opened, accepted);
	ck_assert_double_ge(opened, accepted - (under_way ? (double)p->connections : 0));
	ck_assert_double_eq(fixture_json("connections_ended_by_server"), 0);
	ck_assert_double_eq(fixture_json("connect.count"), fixture_json("connections_opened"));
	if (!under_way)
		ck_assert_double_eq(record_ended_by(c->record, end), accepted);
}

static void check_record(const struct plan *p)
{
	const struct record *r = fixture.record;
	struct check c = {
		.plan = p,
		.record = r,
		.begun = calloc(p->connections, sizeof *c.begun),
		.ids = calloc(r->connection_count + 1, sizeof *c.ids),
		.counts = calloc(r->connection_count + 1, sizeof *c.counts),
	};

	ck_assert(c.begun && c.ids && c.counts);
	for (size_t i = 0; i < r->message_count; i++)
		check_message(&c, &r->messages[i]);
	check_quotas(&c);
	check_connections(&c);
	free(c.begun);
	free(c.ids);
	free(c.counts);
}

/* The rest. */

static void check_counts(const struct plan *p)
{
	ck_assert_double_eq(fixture_json("messages.mismatched") + fixture_json("messages.lost") +
			fixture_json("messages.cut_off") +
			fixture_json("messages.not_sent_no_room"),
		0);
	ck_assert_double_eq(fixture_json("messages.not_sent"), (double)p->given_up);
}

/* No reply was quicker than the server; all of them, and the slowest, were measured. */
static void check_latencies(const struct plan *p)
{
	double answered = fixture_json("messages.answered");
	double measured = fixture_json("messages.measured");

	ck_assert_double_le(measured, answered);
	ck_assert(p->ramp_ns > 0 || measured == answered);
	ck_assert_double_eq(fixture_json("latency.count"), measured);
	ck_assert_double_eq(fixture_json("latency_from_sent.count"), measured);
	ck_assert_double_le(fixture_json("latency.never"), (double)p->given_up);
	if (measured > 0 && p->ramp_ns == 0)
		ck_assert_double_ge(fixture_json("latency_from_sent.max_ns"),
			(double)record_longest_ns(fixture.record));
}

/* Where nothing but time ends a run, it lasts so long. */
static void check_time(const struct plan *p)
{
	if (p->messages > 0)
		return;
	ck_assert_double_ge(fixture_json("measured_ns"), (double)p->duration_ns);
	ck_assert_int_ge(fixture.ended_ns - fixture.started_ns, p->ramp_ns + p->duration_ns);
}

void plan_must_be_followed(void)
{
	struct plan p = read_options();

	/* Whether the schedule was kept in time is the machine's affair. */
	ck_assert(fixture.status == 0 || (p.rate_per_s > 0 && fixture.status == 3));
	check_record(&p);
	check_counts(&p);
	check_latencies(&p);
	check_time(&p);
}
