/* SPDX-License-Identifier: ISC */
/*
 * combinations_test - random options, each run held against the record of the server: what was
 * sent, on which connection, when, and what came of it.
 *
 *   combinations_test [SEED [FIRST [END]]]
 *
 * Without END only combination FIRST is run; without FIRST all COMBINATIONS of that seed are.  The
 * first line on standard error of one that fails repeats it alone.
 */
#include "fixture.h"
#include "steps.h"
#include "test/suite.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMBINATIONS 1000

/* What is drawn: how often it is given, from where to where, and how it is said. */
static const struct {
	unsigned percent;
	unsigned min;
	unsigned max;
	const char *option;
} draws[] = {
	{100, 1, 9, " -c %u"},
	{100, 1, 8, " -t %u"},
	{100, 1, 4, " -P %u"},
	{80, 1, 17, " -n %u"},
	{40, 1, 5, " --per-connection %u"},
	{50, 20, 1500, " --rate %u/s"},
	{30, 1, 80, " --ramp %ums"},
	{30, 10, 150, " -d %ums"},
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

static void append(char *text, size_t size, const char *more)
{
	size_t len = strlen(text);

	snprintf(text + len, size - len, "%s", more);
}

/* From min to max, or 0 in so many of a hundred cases. */
static unsigned draw(uint64_t *state, unsigned percent, unsigned min, unsigned max)
{
	bool given = next_random(state) % 100 < percent;
	uint64_t value = next_random(state) % (max - min + 1);

	return given ? min + (unsigned)value : 0;
}

SUITE_TEST(SUITE_PLAIN, every_combination_of_options_does_what_the_record_of_the_server_says, 0)
{
	static const char *const services[] = {"line", "frame", "echo"};
	uint64_t state = seed;
	char serve[64];
	/* No machine steals so much from a run of a second. */
	char run[256] = "run --timeout 10s";

	state = next_random(&state) + (uint64_t)_i;
	const char *service = services[draw(&state, 100, 0, 2)];
	unsigned delay_ms = draw(&state, 40, 1, 8);
	snprintf(serve, sizeof serve, "serve %s --delay %ums", service, delay_ms);
	for (size_t i = 0; i < SUITE_COUNT(draws); i++) {
		unsigned value = draw(&state, draws[i].percent, draws[i].min, draws[i].max);
		size_t len = strlen(run);
		if (value > 0)
			snprintf(run + len, sizeof run - len, draws[i].option, value);
	}
	append(run, sizeof run, draw(&state, 20, 1, 1) ? " --close reset" : " --close fin");
	/* Something has to end it. */
	if (!strstr(run, " -n ") && !strstr(run, " -d "))
		append(run, sizeof run, " -d 60ms");
	fprintf(stderr, "combinations_test %" PRIu64 " %d: %s; %s\n", seed, _i, serve, run);
	steps_do(serve);
	steps_do(run);
	steps_do("plan");
	if (fixture_json("messages.measured") > 0) {
		ck_assert_double_ge(fixture_json("latency.min_ns"), delay_ms * 1e6);
		ck_assert_double_ge(fixture_json("latency_from_sent.min_ns"), delay_ms * 1e6);
	}
}

SUITE_FIXTURE(fixture_set_up, fixture_tear_down)

int main(int argc, char **argv)
{
	struct suite_test test = {
		.test = &every_combination_of_options_does_what_the_record_of_the_server_says_test,
		.kind = SUITE_PLAIN,
		.rows = COMBINATIONS,
	};

	if (argc > 1)
		seed = strtoull(argv[1], NULL, 10);
	if (argc > 2) {
		test.first = (int)strtol(argv[2], NULL, 10);
		test.rows = argc > 3 ? (int)strtol(argv[3], NULL, 10) - test.first : 1;
	}
	suite_add(&test);
	return suite_run(program_invocation_short_name);
}
