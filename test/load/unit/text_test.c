/* SPDX-License-Identifier: ISC */
/* text_test - what is written for a person and what a person writes: numbers, rates, rows, JSON. */
#include "common/deadline.h"
#include "test/load/text/json.h"
#include "test/load/text/layout.h"
#include "test/load/text/rate.h"
#include "test/load/text/text.h"
#include "test/suite.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static char *text;
static size_t size;
static FILE *to;

static void set_up(void)
{
	to = open_memstream(&text, &size);
	ck_assert_ptr_nonnull(to);
}

static void must_be(const char *wanted)
{
	fclose(to);
	ck_assert_str_eq(text, wanted);
	free(text);
}

/* Rows. */

TEST(a_row_breaks_at_its_last_space_and_goes_on_below_its_text)
{
	/* 67 columns are left, and this many characters come before the break. */
	layout_row(to, "load",
		"123456789 123456789 123456789 123456789 123456789 123456789 1234567 next one");
	must_be("load         123456789 123456789 123456789 123456789 123456789 123456789 1234567\n"
		"             next one\n");
}

TEST(a_word_too_long_for_any_line_is_cut)
{
	layout_text(to, 70, "%s", "123456789 123456");
	layout_text(to, 74, "%s", "12345678");
	must_be("                                                                      123456789\n"
		"                                                                          123456\n"
		"                                                                          123456\n"
		"                                                                              78\n");
}

TEST(a_label_too_wide_has_a_line_of_its_own)
{
	layout_pair(to, "a long label", 4, "text");
	must_be("a long label\n    text\n");
}

/* Numbers. */

static const struct {
	int64_t ns;
	const char *text;
} durations[] = {
	{0, "0 ns"},
	{999, "999 ns"},
	{1000, "1.00 us"},
	{1312499, "1.31 ms"},
	{9996000, "10.0 ms"},
	{99960000, "100 ms"},
	{999499999, "999 ms"},
	{999500000, "1.00 s"},
	{12000000000, "12.0 s"},
};

static const struct {
	double per_s;
	const char *text;
} rates[] = {
	{19999.4, "19,999"},
	{1183220, "1,183,220"},
	{99.5, "100"},
	{99.4, "99.4"},
	{9.995, "10.0"},
	{8.8, "8.80"},
	{0.5, "0.50"},
	{0.0012, "0.0012"},
};

TEST(numbers_have_three_digits_and_a_unit_or_thousands_apart)
{
	char number[TEXT_NUMBER_MAX];

	for (size_t i = 0; i < SUITE_COUNT(durations); i++)
		ck_assert_str_eq(
			text_duration(durations[i].ns, number, sizeof number), durations[i].text);
	for (size_t i = 0; i < SUITE_COUNT(rates); i++)
		ck_assert_str_eq(text_rate(rates[i].per_s, number, sizeof number), rates[i].text);
	ck_assert_str_eq(text_byte_rate(7570000, number, sizeof number), "7.57 MB/s");
	ck_assert_str_eq(text_byte_rate(12, number, sizeof number), "12 B/s");
	ck_assert_str_eq(text_number_of(1, "time", number, sizeof number), "1 time");
	ck_assert_str_eq(text_number_of(2000, "time", number, sizeof number), "2,000 times");
}

/* JSON. */

TEST(json_is_written_as_its_grammar_has_it)
{
	struct json j;

	json_init(&j, to);
	json_open_object(&j, NULL);
	json_string(&j, "a", "\"\\\n\x7f\xc3\xa9\xff");
	json_open_array(&j, "b", true);
	json_integer(&j, NULL, -1);
	json_count(&j, NULL, UINT64_MAX);
	json_close_array(&j);
	json_open_array(&j, "c", false);
	json_close_array(&j);
	json_real(&j, "d", INFINITY);
	json_real(&j, "e", 0.5);
	json_bool(&j, "f", false);
	json_close_object(&j);
	must_be("{\n  \"a\": \"\\\"\\\\\\u000a\\u007f\xc3\xa9\\ufffd\",\n"
		"  \"b\": [-1, 18446744073709551615],\n  \"c\": [],\n"
		"  \"d\": null,\n  \"e\": 0.5,\n  \"f\": false\n}\n");
}

/* Rates. */

static const struct {
	const char *text;
	double per_s;
} right[] = {
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

static const char *const wrong[] = {"", "/s", "k", ".", "1/ms", "1/", "-1", "+1", "1e3", "0x10",
	"1..5", "1.5.5", "0.0001", "1kk", "1K", " 1", "1 k", "2G", "1001M/s", "99999999999"};

TEST(a_rate_is_a_number_a_multiple_and_a_time)
{
	for (size_t i = 0; i < SUITE_COUNT(right); i++) {
		struct rate rate = {.count = 0};
		ck_assert_ptr_null(rate_parse(right[i].text, &rate));
		ck_assert_double_eq_tol(
			rate_per_s(&rate), right[i].per_s, right[i].per_s * 1e-12 + 1e-12);
	}
	for (size_t i = 0; i < SUITE_COUNT(wrong); i++) {
		struct rate rate = {1, 2};
		ck_assert_msg(rate_parse(wrong[i], &rate) != NULL, "\"%s\"", wrong[i]);
		ck_assert(rate.count == 1 && rate.per_ns == 2);
	}
}

TEST(events_do_not_drift_and_never_come_too_late_to_count)
{
	struct rate rate;

	ck_assert_ptr_null(rate_parse("20/min", &rate));
	ck_assert_int_eq(rate_moment(&rate, 1), 3 * NS_PER_S);
	ck_assert_int_eq(rate_moment(&rate, 1000000), 3000000 * NS_PER_S);
	/* A day later. */
	ck_assert_ptr_null(rate_parse("333333/s", &rate));
	ck_assert_int_eq(rate_moment(&rate, 1), 3000);
	ck_assert_int_eq(rate_moment(&rate, UINT64_C(333333) * 86400), 86400 * NS_PER_S);
	ck_assert_ptr_null(rate_parse("0.001/h", &rate));
	ck_assert_int_eq(rate_moment(&rate, UINT64_MAX), INT64_MAX);
}

SUITE_FIXTURE(set_up, NULL)
