/* SPDX-License-Identifier: ISC */
/* Proves deadline: moments add up, never overflow, and say the same as a timespec. */
#include "common/deadline.h"

#include "test/suite.h"

static int64_t monotonic(void)
{
	struct timespec ts;

	ck_assert_int_eq(clock_gettime(CLOCK_MONOTONIC, &ts), 0);
	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

TEST(now_is_the_monotonic_clock_and_after_counts_from_it)
{
	int64_t before = monotonic();
	int64_t now = deadline_now();
	int64_t then = deadline_after(3 * NS_PER_S);

	ck_assert_int_le(before, now);
	ck_assert_int_le(now + 3 * NS_PER_S, then);
	ck_assert_int_le(then, monotonic() + 3 * NS_PER_S);
	ck_assert_int_eq(deadline_after(DEADLINE_NEVER), DEADLINE_NEVER);
}

static const struct {
	int64_t start;
	int64_t duration;
	int64_t sum;
} sums[] = {
	{0, 0, 0},
	{0, 1, 1},
	{5, 7, 12},
	{DEADLINE_NEVER, 0, DEADLINE_NEVER},
	{DEADLINE_NEVER, 1, DEADLINE_NEVER},
	{DEADLINE_NEVER - 1, 1, DEADLINE_NEVER},
	{DEADLINE_NEVER - 1, 2, DEADLINE_NEVER},
	{1, DEADLINE_NEVER, DEADLINE_NEVER},
	{0, DEADLINE_NEVER, DEADLINE_NEVER},
	{1, DEADLINE_NEVER - 1, DEADLINE_NEVER},
	{1, DEADLINE_NEVER - 2, DEADLINE_NEVER - 1},
	{DEADLINE_NEVER, DEADLINE_NEVER, DEADLINE_NEVER},
};

TEST_ROWS(a_moment_and_a_duration_add_up_and_never_pass_never, SUITE_COUNT(sums))
{
	ck_assert_int_eq(deadline_from(sums[_i].start, sums[_i].duration), sums[_i].sum);
}

TEST(the_earlier_of_two_moments_is_found_on_either_side)
{
	ck_assert_int_eq(deadline_earlier(1, 2), 1);
	ck_assert_int_eq(deadline_earlier(2, 1), 1);
	ck_assert_int_eq(deadline_earlier(2, 2), 2);
	ck_assert_int_eq(deadline_earlier(DEADLINE_NEVER, 0), 0);
	ck_assert_int_eq(deadline_earlier(0, DEADLINE_NEVER), 0);
}

static const struct {
	int64_t ns;
	time_t seconds;
	long rest;
} moments[] = {
	{0, 0, 0},
	{1, 0, 1},
	{NS_PER_S - 1, 0, 999999999},
	{NS_PER_S, 1, 0},
	{NS_PER_S + 1, 1, 1},
	{90 * NS_PER_S + 5 * NS_PER_MS, 90, 5000000},
	{DEADLINE_NEVER, 9223372036, 854775807},
};

TEST_ROWS(a_timespec_says_the_same_moment, SUITE_COUNT(moments))
{
	struct timespec ts = deadline_timespec(moments[_i].ns);

	ck_assert_int_eq(ts.tv_sec, moments[_i].seconds);
	ck_assert_int_eq(ts.tv_nsec, moments[_i].rest);
}
