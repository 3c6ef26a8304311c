/* SPDX-License-Identifier: ISC */
#include "test/bench/verdict.h"

#include "test/suite.h"

#include <math.h>

static const struct {
	struct spread spread;
	enum sense sense;
	double bound;
	enum verdict verdict;
} cases[] = {
	/* At least. */
	{{1.0, 1.1, 1.2, 3}, AT_LEAST, 1.1, VERDICT_HELD},
	{{0.5, 1.1, 1.2, 3}, AT_LEAST, 1.0, VERDICT_HELD},
	{{0.9, 0.96, 0.97, 3}, AT_LEAST, 0.97, VERDICT_OPEN},
	{{0.9, 0.95, 0.96, 3}, AT_LEAST, 0.97, VERDICT_MISSED},
	/* At most. */
	{{1.0, 2.0, 3.0, 3}, AT_MOST, 2.0, VERDICT_HELD},
	{{1.0, 2.1, 3.0, 3}, AT_MOST, 2.0, VERDICT_OPEN},
	{{2.1, 2.2, 2.3, 3}, AT_MOST, 2.0, VERDICT_MISSED},
	/* No figures. */
	{{1.0, 1.0, 1.0, 0}, AT_LEAST, 1.0, VERDICT_INVALID},
	{{NAN, NAN, NAN, 3}, AT_LEAST, 1.0, VERDICT_INVALID},
	{{NAN, NAN, NAN, 3}, AT_MOST, 1.0, VERDICT_INVALID},
	{{1.0, INFINITY, INFINITY, 3}, AT_LEAST, 1.0, VERDICT_INVALID},
	{{1.0, 2.0, INFINITY, 3}, AT_LEAST, 1.0, VERDICT_INVALID},
};

TEST(a_bound_is_held_open_or_missed)
{
	ck_assert_int_eq(
		verdict_of(&cases[_i].spread, cases[_i].sense, cases[_i].bound), cases[_i].verdict);
}

TEST(a_score_is_one_at_the_bound_and_more_is_better)
{
	ck_assert_double_eq(verdict_score(0.97, AT_LEAST, 0.97), 1);
	ck_assert_double_eq(verdict_score(10, AT_LEAST, 20), 0.5);
	ck_assert_double_eq(verdict_score(10, AT_MOST, 10), 1);
	ck_assert_double_eq(verdict_score(5, AT_MOST, 10), 2);
}

TEST(what_is_no_figure_scores_nothing)
{
	ck_assert_double_eq(verdict_score(NAN, AT_LEAST, 1), 0);
	ck_assert_double_eq(verdict_score(0, AT_MOST, 1), 0);
}
