/* SPDX-License-Identifier: ISC */
/* histogram_test - percentiles against those of the sorted values themselves. */
#include "test/load/figures/histogram.h"
#include "test/suite.h"

#include <stdlib.h>

#define VALUES 20000

static struct histogram h;
static struct histogram other;
static struct histogram expected;

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a;
	int64_t y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* A repeatable value, from 1 us to 1 h, each decade equally often. */
static int64_t value_at(uint64_t i)
{
	uint64_t x = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
	uint64_t low = 1000;

	for (uint64_t decade = x % 10; decade > 0; decade--)
		low *= 10;
	int64_t value = (int64_t)(low + (x >> 16) % (9 * low));
	return value > HISTOGRAM_MAX_NS ? HISTOGRAM_MAX_NS : value;
}

TEST(percentiles_agree_with_the_exact_ones_to_three_digits)
{
	static const double percentiles[] = {0, 1, 25, 50, 75, 90, 95, 99, 99.9, 99.99, 100};
	static int64_t values[VALUES];

	for (size_t i = 0; i < VALUES; i++) {
		values[i] = value_at(i);
		histogram_record(&h, values[i]);
	}
	qsort(values, VALUES, sizeof *values, by_size);
	for (size_t i = 0; i < SUITE_COUNT(percentiles); i++) {
		double rank = percentiles[i] * VALUES / 100;
		int64_t exact = values[rank < 1 ? 0 : (size_t)(rank + 0.5) - 1];
		int64_t got = histogram_percentile(&h, percentiles[i]);
		ck_assert_int_ge(got, exact);
		ck_assert_double_le((double)got, (double)exact * 1.001);
	}
}

TEST(no_bucket_is_wider_than_a_thousandth)
{
	size_t last = histogram_bucket(HISTOGRAM_MAX_NS);

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		int64_t low = histogram_bucket_low(i);
		int64_t high = histogram_bucket_high(i);
		ck_assert_uint_eq(histogram_bucket(low), i < last ? i : last);
		ck_assert_int_ge(high, low);
		ck_assert_int_le((high - low) * 1000, low);
		ck_assert(i == 0 || histogram_bucket_high(i - 1) + 1 == low);
	}
}

TEST(the_ends_of_the_range_are_kept)
{
	static const int64_t values[] = {-5, 1, HISTOGRAM_MAX_NS, 3 * HISTOGRAM_MAX_NS};

	for (size_t i = 0; i < SUITE_COUNT(values); i++)
		histogram_record(&h, values[i]);
	ck_assert_int_eq(histogram_percentile(&h, 25), 0);
	ck_assert_int_eq(histogram_percentile(&h, 50), 1);
	ck_assert_int_ge(histogram_percentile(&h, 75), HISTOGRAM_MAX_NS);
	ck_assert_int_eq(histogram_percentile(&h, 100), 3 * HISTOGRAM_MAX_NS);
	ck_assert_int_eq(h.min_ns, 0);
}

TEST(merged_histograms_are_one_that_had_it_all)
{
	for (uint64_t i = 0; i < 1000; i++) {
		histogram_record(i % 3 ? &h : &other, value_at(i));
		histogram_record(&expected, value_at(i));
	}
	histogram_add(&h, &other);
	ck_assert_uint_eq(h.count, expected.count);
	ck_assert_int_eq(h.min_ns, expected.min_ns);
	ck_assert_int_eq(h.max_ns, expected.max_ns);
	ck_assert_double_eq_tol(histogram_mean(&h), histogram_mean(&expected), 1);
	ck_assert_mem_eq(h.buckets, expected.buckets, sizeof h.buckets);
}

TEST(nothing_recorded_is_nothing)
{
	histogram_add(&h, &other);
	ck_assert_int_eq(histogram_percentile(&h, 99), 0);
	ck_assert_double_eq(histogram_mean(&h), 0);
	histogram_record(&h, 10);
	histogram_record(&h, 20);
	ck_assert_double_eq(histogram_mean(&h), 15);
}

TEST(what_never_came_is_slower_than_all_that_did)
{
	for (int i = 0; i < 90; i++)
		histogram_record(&h, 10);
	histogram_record_never(&other, 10);
	histogram_add(&h, &other);
	ck_assert_uint_eq(histogram_total(&h), 100);
	ck_assert_int_eq(histogram_percentile(&h, 90), 10);
	ck_assert_int_eq(histogram_percentile(&h, 91), HISTOGRAM_NEVER);
	ck_assert_int_eq(histogram_percentile(&h, 100), HISTOGRAM_NEVER);
	ck_assert_int_eq(histogram_percentile(&other, 1), HISTOGRAM_NEVER);
	ck_assert_double_eq(histogram_mean(&h), 10);
}

TEST(what_is_subtracted_might_never_have_been_there)
{
	for (uint64_t i = 0; i < 1000; i++) {
		histogram_record(&h, value_at(i));
		histogram_record(i % 3 ? &expected : &other, value_at(i));
	}
	histogram_record_never(&h, 3);
	histogram_record_never(&other, 3);
	histogram_subtract(&h, &other);
	ck_assert_uint_eq(h.count, expected.count);
	ck_assert_uint_eq(h.never, 0);
	ck_assert_mem_eq(h.buckets, expected.buckets, sizeof h.buckets);
	ck_assert_int_eq(histogram_bucket(h.max_ns), histogram_bucket(expected.max_ns));
	ck_assert_int_eq(histogram_bucket(h.min_ns), histogram_bucket(expected.min_ns));
	histogram_subtract(&h, &expected);
	ck_assert_uint_eq(histogram_total(&h), 0);
	ck_assert_int_eq(h.max_ns, 0);
}
