/* SPDX-License-Identifier: ISC */
#include "test/bench/judge.h"

#include "test/suite.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct outcome outcomes[CONTESTANTS];

static void set_rates(enum contestant who, const double *rates, size_t count)
{
	outcomes[who] = (struct outcome){.count = count};
	memcpy(outcomes[who].of[RATE], rates, count * sizeof *rates);
}

static const struct row to_floor = {.id = "T",
	.of = bench_cases,
	.metric = RATE,
	.against = FLOOR,
	.sense = AT_LEAST,
	.bound = 0.97};

TEST(ratios_are_taken_within_a_round)
{
	/* The machine slows down: the figures differ by 2, the ratios do not. */
	set_rates(BOBBIND, (double[]){98, 49, 49}, 3);
	set_rates(FLOOR, (double[]){100, 50, 50}, 3);
	struct judgement j = judge(&to_floor, outcomes);
	ck_assert_int_eq(j.verdict, VERDICT_HELD);
	ck_assert_double_eq_tol(j.spread.q1, 0.98, 1e-12);
	ck_assert_double_eq_tol(j.spread.q3, 0.98, 1e-12);
	ck_assert_double_eq(j.own, 49);
	ck_assert_double_eq(j.other, 50);
	ck_assert_ptr_null(j.why);
}

TEST(a_fault_of_either_makes_the_row_invalid)
{
	set_rates(BOBBIND, (double[]){100, 100}, 2);
	set_rates(FLOOR, (double[]){100, 100}, 2);
	snprintf(outcomes[FLOOR].fault, FAULT_MAX, "3 failures");
	struct judgement j = judge(&to_floor, outcomes);
	ck_assert_int_eq(j.verdict, VERDICT_INVALID);
	ck_assert_str_eq(j.why, "3 failures");
	ck_assert_int_eq(j.whose, FLOOR);
	outcomes[FLOOR].fault[0] = '\0';
	snprintf(outcomes[BOBBIND].fault, FAULT_MAX, "1 mismatched");
	j = judge(&to_floor, outcomes);
	ck_assert_int_eq(j.verdict, VERDICT_INVALID);
	ck_assert_str_eq(j.why, "1 mismatched");
	ck_assert_int_eq(j.whose, BOBBIND);
	/* One that is not compared is no matter. */
	outcomes[BOBBIND].fault[0] = '\0';
	snprintf(outcomes[LOOP].fault, FAULT_MAX, "dead");
	ck_assert_int_eq(judge(&to_floor, outcomes).verdict, VERDICT_HELD);
	outcomes[LOOP].fault[0] = '\0';
}

TEST(what_was_not_built_is_left_out)
{
	set_rates(BOBBIND, (double[]){100}, 1);
	outcomes[FLOOR] = (struct outcome){.absent = true, .fault = "was not built"};
	ck_assert_int_eq(judge(&to_floor, outcomes).verdict, VERDICT_ABSENT);
}

TEST(no_rounds_and_no_numbers_are_invalid)
{
	set_rates(BOBBIND, (double[]){100}, 0);
	set_rates(FLOOR, (double[]){100}, 1);
	ck_assert_int_eq(judge(&to_floor, outcomes).verdict, VERDICT_INVALID);
	set_rates(BOBBIND, (double[]){NAN}, 1);
	ck_assert_int_eq(judge(&to_floor, outcomes).verdict, VERDICT_INVALID);
	set_rates(BOBBIND, (double[]){100}, 1);
	set_rates(FLOOR, (double[]){0}, 1);
	ck_assert_int_eq(judge(&to_floor, outcomes).verdict, VERDICT_INVALID);
}

TEST(a_figure_that_stands_alone_is_compared_itself)
{
	struct row row = to_floor;

	row.against = NOBODY;
	row.sense = AT_MOST;
	row.bound = 10;
	set_rates(BOBBIND, (double[]){9, 10, 11}, 3);
	struct judgement j = judge(&row, outcomes);
	ck_assert_int_eq(j.verdict, VERDICT_HELD);
	ck_assert_double_eq(j.own, 10);
	ck_assert(isnan(j.other));
}

TEST(a_row_is_judged_by_the_figures_of_its_subject)
{
	struct row row = to_floor;

	row.subject = LOOP;
	set_rates(BOBBIND, (double[]){1, 1}, 2);
	set_rates(LOOP, (double[]){100, 100}, 2);
	set_rates(FLOOR, (double[]){100, 100}, 2);
	ck_assert_int_eq(judge(&row, outcomes).verdict, VERDICT_HELD);
	snprintf(outcomes[BOBBIND].fault, FAULT_MAX, "dead");
	ck_assert_int_eq(judge(&row, outcomes).verdict, VERDICT_HELD);
	snprintf(outcomes[LOOP].fault, FAULT_MAX, "dead too");
	struct judgement j = judge(&row, outcomes);
	ck_assert_int_eq(j.verdict, VERDICT_INVALID);
	ck_assert_int_eq(j.whose, LOOP);
}

TEST(a_client_at_its_limit_is_told)
{
	set_rates(BOBBIND, (double[]){100, 100, 100}, 3);
	set_rates(FLOOR, (double[]){100, 100, 100}, 3);
	outcomes[BOBBIND].client_limited = 1;
	ck_assert(!judge(&to_floor, outcomes).client_limited);
	outcomes[BOBBIND].client_limited = 2;
	ck_assert(judge(&to_floor, outcomes).client_limited);
}

TEST_ROWS(each_row_can_be_judged_from_its_case, row_count)
{
	const struct row *row = &rows[_i];

	ck_assert(row->bound > 0);
	ck_assert(row->of->contestants & BIT(row->subject));
	ck_assert(row->against == NOBODY || (row->of->contestants & BIT(row->against)));
	if (row->of->half_of) {
		ck_assert(row->of->half_of < row->of);
		ck_assert(row->of->half_of->contestants & BIT(FLOOR));
	}
}
