/* SPDX-License-Identifier: ISC */
#include "test/bench/verdict.h"

#include "test/suite.h"

#include <math.h>

/* Observations near 1, as runs on a shared machine give them. */
#define STEADY 0.99, 1.00, 1.01, 1.00, 0.99, 1.01, 1.00, 1.00
#define NOISY  0.80, 1.25, 0.90, 1.10, 1.00, 0.85, 1.20, 1.05

static const struct {
	const char *says;
	double values[OBSERVATIONS_MAX];
	size_t count;
	enum sense sense;
	double bound;
	enum state state;
	bool is_narrow;
} cases[] = {
	{"the whole interval keeps it", {STEADY}, 8, AT_LEAST, 0.97, HELD, true},
	{"the whole interval breaks it", {STEADY}, 8, AT_LEAST, 1.05, MISSED, true},
	{"the bound is within", {STEADY}, 8, AT_LEAST, 1.00, OPEN, true},
	{"at most, kept", {STEADY}, 8, AT_MOST, 1.05, HELD, true},
	{"at most, broken", {STEADY}, 8, AT_MOST, 0.97, MISSED, true},
	{"at most, within", {STEADY}, 8, AT_MOST, 1.00, OPEN, true},
	{"the median keeps it, and noise could be why", {NOISY}, 8, AT_LEAST, 0.97, OPEN, false},
	{"the median breaks it, and noise could be why", {NOISY}, 8, AT_LEAST, 1.05, OPEN, false},
	{"noise cannot be why", {NOISY}, 8, AT_LEAST, 0.7, HELD, false},
	{"one bad run of eight", {0.2, 1, 1, 1, 1, 1, 1, 1}, 8, AT_LEAST, 0.97, HELD, true},
	{"the bound itself keeps", {1, 1, 1, 1, 1, 1, 1, 1}, 8, AT_LEAST, 1, HELD, true},
	{"too few to stop, enough to judge", {1, 1, 1, 1, 1, 1}, 6, AT_LEAST, 0.97, HELD, false},
	{"too few to judge", {1, 1, 1, 1, 1}, 5, AT_LEAST, 0.97, OPEN, false},
	{"none", {0}, 0, AT_LEAST, 0.97, INVALID, false},
	{"one is not a number", {1, 1, 1, 1, 1, 1, 1, NAN}, 8, AT_LEAST, 0.97, INVALID, false},
	{"one is infinite", {1, 1, 1, 1, 1, 1, 1, INFINITY}, 8, AT_LEAST, 0.97, INVALID, false},
	{"one is 0", {1, 1, 1, 1, 1, 1, 1, 0}, 8, AT_MOST, 0.97, INVALID, false},
};

TEST_ROWS(a_bound_is_held_missed_or_open_by_the_interval_of_the_median, SUITE_COUNT(cases))
{
	struct verdict v = verdict_of(
		cases[_i].values, NULL, cases[_i].count, cases[_i].sense, cases[_i].bound);

	ck_assert_msg(v.state == cases[_i].state, "%s: %s", cases[_i].says, state_name(v.state));
	ck_assert_msg(verdict_is_narrow(&v) == cases[_i].is_narrow, "%s", cases[_i].says);
}

TEST(the_interval_is_the_bootstrap_s)
{
	double values[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
	struct verdict v = verdict_of(values, NULL, 9, AT_LEAST, 1);

	/*
	 * The median of a sample is 2 or less if at least 5 of 9 draws are, which has a chance of
	 * 3.0 %; and 1, of 0.1 %.  So 2.5 % of all medians are 2 or less.
	 */
	ck_assert_double_eq(v.median, 5);
	ck_assert_double_eq(v.low, 2);
	ck_assert_double_eq(v.high, 8);
	ck_assert_double_eq(median_of((double[]){4, 1, 3, 2}, 4), 2.5);
}

TEST(ratios_are_taken_within_a_round)
{
	/* The machine slows down to a half, and the ratios stay. */
	double values[] = {98, 49, 49, 98, 49, 98};
	double to[] = {100, 50, 50, 100, 50, 100};
	struct verdict v = verdict_of(values, to, 6, AT_LEAST, 0.97);

	ck_assert_int_eq(v.state, HELD);
	ck_assert_double_eq_tol(v.low, 0.98, 1e-12);
	ck_assert_double_eq_tol(v.high, 0.98, 1e-12);
}
