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
#include "fixture.h"
#include "steps.h"
#include "test/suite.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define COMBINATIONS 1000
#define AT_ONCE      6

/* Far beyond what any machine steals from a run of a second. */
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

	add(&l, "run --timeout %ds -c %u -t %u -P %u", TIMEOUT_S, c->connections, c->threads,
		c->in_flight);
	add_if_given(&l, "-n", c->messages, "");
	add_if_given(&l, "--per-connection", c->per_connection, "");
	add_if_given(&l, "--rate", c->rate_per_s, "/s");
	add_if_given(&l, "--ramp", c->ramp_ms, "ms");
	add_if_given(&l, "-d", c->duration_ms, "ms");
	add(&l, " --close %s", c->resets ? "reset" : "fin");
	return l;
}

/* One after the other, each in a process of its own, some at a time. */

static void try_one(size_t index)
{
	struct combination c = make(index);
	struct line serve = {.len = 0};
	struct line run = load_line(&c);

	fixture_set_up();
	add(&serve, "serve %s --delay %ums", services[c.service], c.delay_ms);
	steps_do(serve.text);
	steps_do(run.text);
	steps_do("plan");
	if (fixture_json("messages.measured") > 0) {
		ck_assert_double_ge(fixture_json("latency.min_ns"), c.delay_ms * 1e6);
		ck_assert_double_ge(fixture_json("latency_from_sent.min_ns"), c.delay_ms * 1e6);
	}
	fixture_tear_down();
	_exit(0);
}

static void start(pid_t *pids, size_t index)
{
	fflush(NULL);
	pids[index] = fork();
	ck_assert_int_ge(pids[index], 0);
	if (pids[index] == 0)
		try_one(index);
}

/* Returns 1 if it failed. */
static size_t await_one(const pid_t *pids, size_t begun)
{
	int status = 0;
	pid_t pid = wait(&status);

	ck_assert_int_gt(pid, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	for (size_t i = 0; i < begun; i++) {
		struct combination c = make(i);
		if (pids[i] == pid)
			fprintf(stderr,
				"failed: combinations_test %" PRIu64
				" %zu: %s of %s, delay %u ms\n",
				seed, i, load_line(&c).text, services[c.service], c.delay_ms);
	}
	return 1;
}

static size_t first = 0;
static size_t end = COMBINATIONS;

TEST(every_combination_of_options_does_what_the_record_of_the_server_says)
{
	pid_t *pids = calloc(end, sizeof *pids);
	size_t failed = 0;

	ck_assert_ptr_nonnull(pids);
	for (size_t i = first; i < end + AT_ONCE; i++) {
		if (i >= first + AT_ONCE)
			failed += await_one(pids, end);
		if (i < end)
			start(pids, i);
	}
	free(pids);
	/* What it was has been told to Check by the child itself: its words are to be the last. */
	if (failed > 0)
		_exit(1);
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
