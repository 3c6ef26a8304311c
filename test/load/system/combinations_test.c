/* SPDX-License-Identifier: ISC */
/*
 * combinations_test - random options, each run held against the record of the server: what was
 * sent, on which connection, when, and what came of it.
 *
 *   combinations_test [SEED [FIRST [END]]]
 *
 * Without END only combination FIRST is run; without FIRST all COMBINATIONS of that seed are.  A
 * combination that fails prints the line that repeats it alone.
 */
#include "common/deadline.h"
#include "fixture.h"
#include "plan.h"
#include "suite.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define COMBINATIONS 1000
#define AT_ONCE      6

/* Far beyond what any machine steals from a run of a second: then the bound on a run's time is no
 * bound on the machine. */
#define TIMEOUT_S 10

static const char *const services[] = {"line", "frame", "echo"};

struct combination { /* 0: not given */
	unsigned service;
	unsigned messages;
	unsigned connections;
	unsigned threads;
	unsigned in_flight;
	unsigned per_connection;
	unsigned rate_per_s;
	unsigned ramp_ms;
	unsigned duration_ms;
	unsigned delay_ms; /* of the server */
	unsigned resets;   /* how the client ends connections */
};

#define FIELD(name) offsetof(struct combination, name)

/* What is drawn, in this order: how often it is given, and from where to where. */
static const struct {
	size_t field;
	unsigned percent;
	unsigned min;
	unsigned max;
} draws[] = {
	{FIELD(service), 100, 0, 2},
	{FIELD(messages), 80, 1, 17},
	{FIELD(connections), 100, 1, 9},
	{FIELD(threads), 100, 1, 8},
	{FIELD(in_flight), 100, 1, 4},
	{FIELD(per_connection), 40, 1, 5},
	{FIELD(rate_per_s), 50, 20, 1500},
	{FIELD(ramp_ms), 30, 1, 80},
	{FIELD(duration_ms), 30, 10, 150},
	{FIELD(delay_ms), 40, 1, 8},
	{FIELD(resets), 20, 1, 1},
};

static uint64_t seed = 1;

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static struct combination make(size_t index)
{
	struct combination c = {0};
	uint64_t state = seed;

	state = next_random(&state) + index;
	for (size_t i = 0; i < sizeof draws / sizeof *draws; i++) {
		unsigned *field = (unsigned *)(void *)((char *)&c + draws[i].field);
		bool given = next_random(&state) % 100 < draws[i].percent;
		uint64_t value = next_random(&state) % (draws[i].max - draws[i].min + 1);
		*field = given ? draws[i].min + (unsigned)value : 0;
	}
	/* Something has to end it. */
	if (c.messages == 0 && c.duration_ms == 0)
		c.duration_ms = 60;
	return c;
}

static struct plan plan_of(const struct combination *c)
{
	return (struct plan){
		.connections = c->connections,
		.messages = c->messages,
		.per_connection = c->per_connection,
		.rate_per_s = c->rate_per_s,
		.ramp_ns = c->ramp_ms * NS_PER_MS,
		.duration_ns = c->duration_ms * NS_PER_MS,
	};
}

/* The command line. */

struct line {
	char text[512];
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void add(struct line *l, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	l->len += (size_t)vsnprintf(l->text + l->len, sizeof l->text - l->len, format, arguments);
	va_end(arguments);
}

static void add_if_given(struct line *l, const char *option, unsigned value, const char *unit)
{
	if (value > 0)
		add(l, " %s %u%s", option, value, unit);
}

static struct line load_line(const struct combination *c)
{
	struct line l = {.len = 0};

	add(&l, "--timeout %ds -c %u -t %u -P %u", TIMEOUT_S, c->connections, c->threads,
		c->in_flight);
	add_if_given(&l, "-n", c->messages, "");
	add_if_given(&l, "--per-connection", c->per_connection, "");
	add_if_given(&l, "--rate", c->rate_per_s, "/s");
	add_if_given(&l, "--ramp", c->ramp_ms, "ms");
	add_if_given(&l, "-d", c->duration_ms, "ms");
	add(&l, " --close %s", c->resets ? "reset" : "fin");
	return l;
}

static struct line server_line(const struct combination *c)
{
	struct line l = {.len = 0};

	add(&l, "--delay %ums", c->delay_ms);
	return l;
}

/* The judgement. */

struct trial {
	size_t index;
	struct combination combination;
	struct plan plan;
	struct line load;
	struct line server;
	bool failed;
};

static void print_record(void)
{
	const struct record *r = fixture.record;

	for (size_t i = 0; i < r->connection_count; i++)
		fprintf(stderr,
			"ledger: connection %zu: %" PRIu64 " received, %" PRIu64
			" replied, after %.3f to %.3f ms\n",
			i, r->connections[i].received, r->connections[i].replied,
			(double)(r->connections[i].accepted_ns - fixture.started_ns) / 1e6,
			(double)(r->connections[i].ended_ns - fixture.started_ns) / 1e6);
	for (size_t i = 0; i < r->message_count && i < 40; i++)
		fprintf(stderr, "ledger: message %08" PRIx32 ".%" PRIu64 " after %.3f ms\n",
			r->messages[i].id, r->messages[i].sequence,
			(double)(r->messages[i].arrived_ns - fixture.started_ns) / 1e6);
}

/* Say what is wrong; with the first of it, how to repeat it and what both sides have to say. */
__attribute__((format(printf, 2, 3))) static void wrong(struct trial *t, const char *format, ...)
{
	va_list arguments;

	if (!t->failed) {
		fprintf(stderr, "\n=== combinations_test %" PRIu64 " %zu\n", seed, t->index);
		fprintf(stderr, "ledger %s %s\n", services[t->combination.service], t->server.text);
		fprintf(stderr, "bobbin-load %s 127.0.0.1:PORT=%s\n%s%s", t->load.text,
			services[t->combination.service], fixture.load->out.text,
			fixture.load->err.text);
		print_record();
	}
	t->failed = true;
	fputs("WRONG: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

/* NAN if it is not there. */
static void must_be(struct trial *t, const char *path, double least, double most)
{
	double value = fixture_json(path);

	if (!(value >= least && value <= most))
		wrong(t, "%s is %.0f, not %.0f to %.0f", path, value, least, most);
}

/* How long it may take: its own time, and what the server's delays make of it. */
static int64_t bound_ns(const struct trial *t)
{
	const struct plan *p = &t->plan;
	int64_t delays_ns = (int64_t)p->messages * t->combination.delay_ms * NS_PER_MS;

	if (p->duration_ns > 0)
		return p->ramp_ns + p->duration_ns;
	if (p->rate_per_s > 0)
		return plan_due_ns(p, p->messages - 1) + delays_ns;
	return p->ramp_ns + delays_ns;
}

static void judge_counts(struct trial *t)
{
	const struct plan *p = &t->plan;
	double received = (double)record_received(fixture.record);
	uint64_t least = (uint64_t)received;
	uint64_t most = (uint64_t)received;

	/* What was due is known before the run in an open loop only. */
	if (p->rate_per_s > 0)
		plan_scheduled(p, &least, &most);
	must_be(t, "messages.scheduled", (double)least, (double)most);
	must_be(t, "messages.sent", received, received);
	must_be(t, "messages.answered", received, received);
	must_be(t, "messages.not_sent_no_room", 0, 0);
	must_be(t, "messages.not_sent", (double)p->given_up, (double)p->given_up);
	must_be(t, "messages.mismatched", 0, 0);
	must_be(t, "messages.lost", 0, 0);
	must_be(t, "messages.cut_off", 0, 0);
	if (record_replied(fixture.record) != record_received(fixture.record))
		wrong(t, "the server answered %" PRIu64 " of %" PRIu64,
			record_replied(fixture.record), record_received(fixture.record));
}

/* When time ends a run, a slot's next connection may be under way that nobody looks at any more. */
static void judge_connections(struct trial *t)
{
	const struct plan *p = &t->plan;
	bool under_way = (p->duration_ns > 0 || p->given_up > 0) && p->per_connection > 0;
	double accepted = (double)fixture.record->connection_count;
	enum record_end end = t->combination.resets ? RECORD_CLIENT_RESET : RECORD_CLIENT_FIN;

	must_be(t, "connections_opened", accepted - (under_way ? (double)p->connections : 0),
		accepted);
	must_be(t, "connections_ended_by_server", 0, 0);
	must_be(t, "connect.count", fixture_json("connections_opened"),
		fixture_json("connections_opened"));
	if (!under_way && record_ended_by(fixture.record, end) != fixture.record->connection_count)
		wrong(t, "not all connections were ended as asked");
}

static int64_t longest_in_server_ns(const struct record *r)
{
	int64_t longest_ns = 0;

	for (size_t i = 0; i < r->message_count; i++) {
		int64_t ns = r->messages[i].replied_ns - r->messages[i].arrived_ns;
		longest_ns = ns > longest_ns ? ns : longest_ns;
	}
	return longest_ns;
}

/* No reply was quicker than the server; all of them, and the slowest, were measured. */
static void judge_latencies(struct trial *t)
{
	const struct plan *p = &t->plan;
	double answered = fixture_json("messages.answered");
	double measured = fixture_json("messages.measured");
	double least_ns = t->combination.delay_ms * 1e6;

	must_be(t, "messages.measured", p->ramp_ns > 0 ? 0 : answered, answered);
	must_be(t, "latency.count", measured, measured);
	must_be(t, "latency.never", 0, (double)p->given_up);
	must_be(t, "latency_from_sent.count", measured, measured);
	if (measured == 0)
		return;
	must_be(t, "latency.min_ns", least_ns, INFINITY);
	must_be(t, "latency_from_sent.min_ns", least_ns, INFINITY);
	if (p->ramp_ns == 0)
		must_be(t, "latency_from_sent.max_ns", (double)longest_in_server_ns(fixture.record),
			INFINITY);
}

static void judge_time(struct trial *t)
{
	const struct plan *p = &t->plan;
	int64_t took_ns = fixture.ended_ns - fixture.started_ns;

	if (p->messages > 0)
		return;
	/* Time alone ended it. */
	must_be(t, "measured_ns", (double)p->duration_ns, INFINITY);
	if (took_ns < p->ramp_ns + p->duration_ns)
		wrong(t, "it took %.3f ms only", (double)took_ns / 1e6);
}

static void judge(struct trial *t)
{
	char fault[PLAN_FAULT_MAX];
	/* Whether the schedule was kept in time is the machine's affair, and then the last of it
	 * may not have been sent. */
	bool late_is_right = t->plan.rate_per_s > 0 && fixture.status == 3;

	if (late_is_right)
		t->plan.given_up = (uint64_t)fixture_json("messages.not_sent_client_late");
	if (fixture.status != 0 && !late_is_right)
		wrong(t, "status %d", fixture.status);
	if (!plan_check(&t->plan, fixture.record, fixture.started_ns, fault))
		wrong(t, "%s", fault);
	judge_counts(t);
	judge_connections(t);
	judge_latencies(t);
	judge_time(t);
}

static void run(struct trial *t)
{
	int64_t hang_ns = bound_ns(t) + (TIMEOUT_S + 1) * NS_PER_S;
	const char *service = services[t->combination.service];

	fixture_serve(service, t->server.text);
	fixture_start_load(service, t->load.text);
	if (!process_ends_by(fixture.load, fixture.started_ns + hang_ns)) {
		wrong(t, "it has not ended after %.1f s", (double)hang_ns / 1e9);
		return;
	}
	fixture_end_load();
	fixture_read_record();
	judge(t);
}

static void try_one(size_t index)
{
	struct trial t = {.index = index, .combination = make(index)};

	t.plan = plan_of(&t.combination);
	t.load = load_line(&t.combination);
	t.server = server_line(&t.combination);
	run(&t);
	if (t.failed) {
		fixture_tear_down();
		_Exit(1);
	}
}

static void name(size_t index)
{
	struct combination c = make(index);

	fprintf(stderr, "failed: combinations_test %" PRIu64 " %zu: %s\n", seed, index,
		load_line(&c).text);
}

static size_t first = 0;
static size_t end = COMBINATIONS;

TEST(every_combination_of_options_does_what_the_record_of_the_server_says)
{
	size_t failed = fixture_try_each(first, end, AT_ONCE, try_one, name);

	ck_assert_msg(failed == 0, "%zu of %zu combinations", failed, end - first);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		seed = strtoull(argv[1], NULL, 10);
	if (argc > 2) {
		first = strtoull(argv[2], NULL, 10);
		end = argc > 3 ? strtoull(argv[3], NULL, 10) : first + 1;
	}
	if (end <= first) {
		fputs("usage: combinations_test [SEED [FIRST [END]]]\n", stderr);
		return 64;
	}
	return suite_run(program_invocation_short_name);
}
