/* SPDX-License-Identifier: ISC */
/* Proves sources: the bounds on one source, what the table keeps, and that no crowd slows it. */
#include "server/admission/sources.h"

#include "common/deadline.h"
#include "test/suite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define START_NS (1000 * NS_PER_S)

static struct sources s;

static const struct sources_terms no_terms = {.per_address = 0};
static const struct sources_terms one_live = {.per_address = 1};

/* A source of its own for each number. */
static struct address numbered(uint32_t number)
{
	struct address a = {.in6 = {.sin6_family = AF_INET6}};

	number = htonl(number);
	memcpy(a.in6.sin6_addr.s6_addr, "\x20\x01\x0d\xb8", 4);
	memcpy(a.in6.sin6_addr.s6_addr + 4, &number, sizeof number);
	return a;
}

static enum sources_verdict enter(const struct address *a, const struct sources_terms *terms)
{
	return sources_enter(&s, a, terms, START_NS);
}

/*
 * Scripts: each step is a letter for the source and what it does.  Lower case comes under the
 * first terms, upper case under the second.  a+ is admitted, a! is too many, a~ is too fast, a-
 * leaves, and >6 resizes the table to 6 entries.
 */
static const struct {
	size_t entries;
	struct sources_terms terms[2];
	const char *script;
} scripts[] = {
	/* As many as a source may have; one that is refused is not counted. */
	{4, {{.per_address = 1}}, "a+ a! b+ a! a- a+ a!"},
	/* What entered without a limit counts when there is one. */
	{4, {{.per_address = 0}, {.per_address = 1}}, "a+ a+ A! a- A! a- A+ A!"},
	/* A token is taken only by a connection that is admitted; each source has its own. */
	{4, {{.per_address = 2, .rate = 1, .burst = 3}}, "a+ a+ a! a! a! a! a- a+ a- a~ b+"},
	/* When all are live a new source is too many, and one that is there is not. */
	{2, {{.per_address = 0}}, "a+ b+ c! a+ b- c+ b!"},
	/* A full table forgets the source last seen longest ago, by a refusal too. */
	{3, {{.rate = 1, .burst = 1}}, "a+ a- b+ b- c+ c- a~ d+ d- c~ a~ d~ b+"},
	/* A source is last seen when its last connection ends. */
	{2, {{.rate = 1, .burst = 1}}, "a+ b+ b- a- c+ a~"},
	/* A table that grows keeps live sources, what was spent, and the order. */
	{4, {{.rate = 1, .burst = 1}, {.per_address = 1}},
		"a+ b+ c+ d+ d- c- >6 A! B! e+ f+ g+ c~ d+ a- b-"},
};

static enum sources_verdict verdict_of(char mark)
{
	if (mark == '+')
		return SOURCES_ADMITTED;
	return mark == '!' ? SOURCES_TOO_MANY : SOURCES_TOO_FAST;
}

static void step(const char *at, const struct sources_terms terms[2])
{
	struct address source = numbered((unsigned char)at[0] | 0x20);
	bool second = at[0] < 'a';

	if (at[0] == '>')
		ck_assert_int_eq(sources_resize(&s, (size_t)(at[1] - '0')), 0);
	else if (at[1] == '-')
		sources_leave(&s, &source);
	else
		ck_assert_msg(
			enter(&source, &terms[second]) == verdict_of(at[1]), "otherwise at %s", at);
}

TEST_ROWS(a_source_is_admitted_as_the_script_says, SUITE_COUNT(scripts))
{
	const char *at = scripts[_i].script;

	sources_init(&s, scripts[_i].entries);
	for (; at[0] && at[1]; at += 2 + (at[2] == ' '))
		step(at, scripts[_i].terms);
}

TEST(a_source_is_64_bits_of_an_ipv6_address_and_no_ipv4_address)
{
	struct address one = numbered(0);
	struct address same = one;
	struct address next = numbered(1);
	struct address v4 = {.in4 = {.sin_family = AF_INET, .sin_port = htons(7)}};

	same.in6.sin6_port = htons(4711);
	memset(same.in6.sin6_addr.s6_addr + 8, 0xff, 8);
	/* The same bytes in the other family, and so the same bucket. */
	memcpy(&v4.in4.sin_addr, one.in6.sin6_addr.s6_addr, 4);
	sources_init(&s, 4);
	ck_assert_int_eq(enter(&one, &one_live), SOURCES_ADMITTED);
	ck_assert_int_eq(enter(&same, &one_live), SOURCES_TOO_MANY);
	ck_assert_int_eq(enter(&next, &one_live), SOURCES_ADMITTED);
	ck_assert_int_eq(enter(&v4, &one_live), SOURCES_ADMITTED);
	/* And leaves as what it is. */
	sources_leave(&s, &same);
	ck_assert_int_eq(enter(&v4, &one_live), SOURCES_TOO_MANY);
	ck_assert_int_eq(enter(&one, &one_live), SOURCES_ADMITTED);
}

/* How fast. */

/* How many of 1000 attempts at this moment are admitted; each leaves at once. */
static int admitted_at(const struct address *a, const struct sources_terms *terms, int64_t now_ns)
{
	int admitted = 0;

	for (int i = 0; i < 1000; i++) {
		if (sources_enter(&s, a, terms, now_ns) != SOURCES_ADMITTED)
			continue;
		sources_leave(&s, a);
		admitted++;
	}
	return admitted;
}

static const struct {
	struct sources_terms terms;
	struct {
		int64_t after_ns; /* since the step before */
		int admitted;
	} steps[5];
} paces[] = {
	{{.rate = 1, .burst = 1}, {{0, 1}, {NS_PER_S - 1, 0}, {1, 1}, {0, 0}, {NS_PER_S, 1}}},
	{{.rate = 10, .burst = 5},
		{{0, 5}, {NS_PER_S / 10 - 1, 0}, {1, 1}, {NS_PER_S / 4, 2}, {NS_PER_S / 20, 1}}},
	/* A third of a second is no whole number of nanoseconds, and nothing is lost by it. */
	{{.rate = 3, .burst = 2}, {{0, 2}, {333333333, 0}, {1, 1}, {333333333, 1}, {333333333, 1}}},
	/* A moment before the last one brings and takes nothing. */
	{{.rate = 1, .burst = 2}, {{0, 2}, {-5 * NS_PER_S, 0}, {6 * NS_PER_S, 1}}},
	/* Numbers at the end of their range. */
	{{.rate = INT64_MAX, .burst = 2}, {{0, 2}, {1, 2}, {INT64_MAX / 2, 2}}},
	{{.rate = 1, .burst = INT64_MAX}, {{0, 1000}, {0, 1000}, {NS_PER_S, 1000}}},
	{{.rate = 0, .burst = 0}, {{0, 1000}, {0, 1000}}},
};

TEST_ROWS(a_source_may_open_a_burst_at_once_and_then_goes_by_the_rate, SUITE_COUNT(paces))
{
	struct address a = numbered(1);
	int64_t now = START_NS;

	sources_init(&s, 4);
	for (size_t i = 0; i < SUITE_COUNT(paces[_i].steps); i++) {
		if (i > 0 && paces[_i].steps[i].after_ns == 0 && paces[_i].steps[i].admitted == 0)
			break;
		now += paces[_i].steps[i].after_ns;
		ck_assert_int_eq(
			admitted_at(&a, &paces[_i].terms, now), paces[_i].steps[i].admitted);
	}
}

TEST(what_was_spent_beyond_a_smaller_burst_is_forgiven)
{
	const struct sources_terms before = {.rate = 1000, .burst = 1000};
	const struct sources_terms after = {.rate = 1, .burst = 2};
	struct address a = numbered(1);

	sources_init(&s, 4);
	ck_assert_int_eq(admitted_at(&a, &before, START_NS), 1000);
	ck_assert_int_eq(admitted_at(&a, &after, START_NS), 0);
	ck_assert_int_eq(admitted_at(&a, &after, START_NS + NS_PER_S), 1);
}

/* Many sources. */

static uint32_t longest_chain(void)
{
	uint32_t longest = 0;

	for (uint32_t b = 0; b <= s.bucket_mask; b++) {
		uint32_t len = 0;
		for (uint32_t i = s.buckets[b]; i != 0; i = s.entries[i].chained)
			len++;
		longest = len > longest ? len : longest;
	}
	return longest;
}

TEST(a_crowd_pushes_out_no_live_source_and_makes_no_chain_long)
{
	static struct sources other;
	uint32_t admitted = 0;

	sources_init(&s, 1);
	/*
	 * The first 500 stay; 500 idle entries are left for the others.  Buckets are shared, and two
	 * sources that were taken for one would not fill the table.
	 */
	for (uint32_t i = 0; i < 100000; i++) {
		struct address a = numbered(i);
		if (i == s.size && s.size < 1000)
			ck_assert_int_eq(sources_resize(&s, 2 * i < 1000 ? 2 * i : 1000), 0);
		/* An assertion for each would take longer than all the rest. */
		if (enter(&a, &no_terms) != SOURCES_ADMITTED)
			continue;
		if (i >= 500)
			sources_leave(&s, &a);
		admitted++;
	}
	ck_assert_uint_eq(admitted, 100000);
	ck_assert_uint_eq(s.used, 1000);
	ck_assert_uint_le(longest_chain(), 12);
	for (uint32_t i = 0; i < 500; i++) {
		struct address a = numbered(i);
		ck_assert_int_eq(enter(&a, &one_live), SOURCES_TOO_MANY);
	}
	/* Nor can one be made long on purpose: the next table has another key. */
	sources_init(&other, 1);
	ck_assert_mem_ne(s.key, other.key, sizeof s.key);
}

TEST_ROWS(a_table_neither_shrinks_nor_grows_beyond_its_bound, 3)
{
	static const size_t sizes[] = {1, SIZE_MAX, (1 << 24) + 1};
	struct address a = numbered(1);

	sources_init(&s, 4);
	ck_assert_int_eq(enter(&a, &no_terms), SOURCES_ADMITTED);
	ck_assert_int_eq(sources_resize(&s, sizes[_i]), _i == 0 ? 0 : -ENOMEM);
	ck_assert_uint_eq(s.size, 4);
	ck_assert_int_eq(enter(&a, &one_live), SOURCES_TOO_MANY);
}

/* Many threads come and go, while the table grows: the bound holds at every moment. */

#define THREADS 4
#define ROUNDS  20000
#define CROWD   16
#define AT_ONCE 2

static _Atomic int64_t live[CROWD];

static void *come_and_go(void *which)
{
	const struct sources_terms terms = {.per_address = AT_ONCE};
	uint32_t state = *(const uint32_t *)which;

	for (int i = 0; i < ROUNDS; i++) {
		state = state * 1664525 + 1013904223;
		uint32_t which_one = state >> 16 & (CROWD - 1);
		struct address a = numbered(which_one);
		if (sources_enter(&s, &a, &terms, START_NS) != SOURCES_ADMITTED)
			continue;
		ck_assert_int_le(atomic_fetch_add(&live[which_one], 1), AT_ONCE - 1);
		atomic_fetch_sub(&live[which_one], 1);
		sources_leave(&s, &a);
	}
	return NULL;
}

TEST(threads_that_come_and_go_never_pass_the_bound_while_the_table_grows)
{
	pthread_t threads[THREADS];
	uint32_t seeds[THREADS];

	sources_init(&s, THREADS);
	for (uint32_t i = 0; i < THREADS; i++) {
		seeds[i] = i;
		ck_assert_int_eq(pthread_create(&threads[i], NULL, come_and_go, &seeds[i]), 0);
	}
	for (size_t entries = THREADS; entries < 100 * THREADS; entries++)
		ck_assert_int_eq(sources_resize(&s, entries), 0);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	/* All have left. */
	for (uint32_t i = 1; i <= s.used; i++)
		ck_assert_uint_eq(s.entries[i].live, 0);
}
