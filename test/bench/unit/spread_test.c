/* SPDX-License-Identifier: ISC */
#include "test/bench/spread.h"

#include "test/suite.h"

#include <math.h>

#define NEAR 1e-12

static struct spread of(const double *values, size_t count)
{
	return spread_of(values, count);
}

TEST(one_value_is_all_three)
{
	struct spread s = of((double[]){7}, 1);

	ck_assert_double_eq(s.q1, 7);
	ck_assert_double_eq(s.median, 7);
	ck_assert_double_eq(s.q3, 7);
	ck_assert_uint_eq(s.count, 1);
}

TEST(the_median_of_an_odd_number_is_the_middle_one_in_any_order)
{
	ck_assert_double_eq(of((double[]){5, 1, 3}, 3).median, 3);
	ck_assert_double_eq(of((double[]){3, 5, 1}, 3).median, 3);
	ck_assert_double_eq(of((double[]){1, 1, 9}, 3).median, 1);
}

TEST(the_median_of_an_even_number_lies_between_the_middle_two)
{
	ck_assert_double_eq(of((double[]){4, 1, 3, 2}, 4).median, 2.5);
	ck_assert_double_eq(of((double[]){1, 2}, 2).median, 1.5);
}

TEST(quartiles_are_interpolated)
{
	struct spread s = of((double[]){50, 10, 40, 20, 30}, 5);

	ck_assert_double_eq(s.q1, 20);
	ck_assert_double_eq(s.q3, 40);
	s = of((double[]){1, 2, 3, 4}, 4);
	ck_assert_double_eq_tol(s.q1, 1.75, NEAR);
	ck_assert_double_eq_tol(s.q3, 3.25, NEAR);
}

TEST(the_values_stay_as_they_are)
{
	double values[] = {3, 1, 2};

	spread_of(values, 3);
	ck_assert_double_eq(values[0], 3);
	ck_assert_double_eq(values[1], 1);
}

TEST(of_nothing_there_is_no_number)
{
	struct spread s = spread_of(NULL, 0);

	ck_assert(isnan(s.q1) && isnan(s.median) && isnan(s.q3));
	ck_assert_uint_eq(s.count, 0);
}

TEST(as_many_as_fit_are_taken)
{
	double values[SPREAD_MAX];

	for (size_t i = 0; i < SPREAD_MAX; i++)
		values[i] = (double)(SPREAD_MAX - i);
	ck_assert_double_eq(spread_of(values, SPREAD_MAX).median, (SPREAD_MAX + 1) / 2.0);
}
