/* SPDX-License-Identifier: ISC */
/* rate_test - what is a rate, and when its events come. */
#include "common/deadline.h"
#include "test/load/text/rate.h"
#include "test/suite.h"

static struct rate must_parse(const char *text)
{
	struct rate rate = {.count = 0};
	const char *wrong = rate_parse(text, &rate);

	ck_assert_msg(wrong == NULL, "%s: %s", text, wrong);
	return rate;
}

TEST(numbers_prefixes_and_units_are_read)
{
	static const struct {
		const char *text;
		double per_s;
	} rows[] = {
		{"20000", 20000},
		{"20000/s", 20000},
		{"20k/s", 20000},
		{"20k", 20000},
		{"1.5k/s", 1500},
		{"0.5/s", 0.5},
		{"30/min", 0.5},
		{"1/h", 1.0 / 3600},
		{"0.001/h", 0.001 / 3600},
		{"1M/min", 1e6 / 60},
		{"1G/s", 1e9},
		{"1G /s", 1e9},
		{"0", 0},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rate rate = must_parse(rows[i].text);
		ck_assert_double_le(rate_per_s(&rate), rows[i].per_s * (1 + 1e-12));
		ck_assert_double_ge(rate_per_s(&rate), rows[i].per_s * (1 - 1e-12));
	}
}

TEST(what_is_no_rate_is_refused_and_changes_nothing)
{
	static const char *const wrong[] = {"", "/s", "k", ".", "1/ms", "1/", "-1", "+1", "1e3",
		"0x10", "1..5", "1.5.5", "0.0001", "1kk", "1K", " 1", "1 k", "2G", "1001M/s",
		"99999999999"};

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct rate rate = {1, 2};
		ck_assert_msg(rate_parse(wrong[i], &rate) != NULL, "\"%s\"", wrong[i]);
		ck_assert(rate.count == 1 && rate.per_ns == 2);
	}
}

TEST(events_do_not_drift)
{
	struct rate third = must_parse("20/min");
	struct rate odd = must_parse("333333/s");

	ck_assert_int_eq(rate_moment(&third, 1), 3 * NS_PER_S);
	ck_assert_int_eq(rate_moment(&third, 1000000), 3000000 * NS_PER_S);
	/* A day later. */
	ck_assert_int_eq(rate_moment(&odd, UINT64_C(333333) * 86400), 86400 * NS_PER_S);
}

TEST(a_moment_beyond_all_is_never)
{
	struct rate slow = must_parse("0.001/h");

	ck_assert_int_eq(rate_moment(&slow, UINT64_MAX), INT64_MAX);
}
