/* SPDX-License-Identifier: ISC */
/* Proves quantity: every unit, every way to be wrong, and that what is written reads back. */
#include "common/quantity.h"

#include "test/suite.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define UNTOUCHED 4711
#define S         INT64_C(1000000000)

enum kind {
	DURATION,
	SIZE,
};

static int parse(enum kind kind, const char *text, int64_t *value)
{
	return kind == DURATION ? quantity_parse_duration(text, value)
				: quantity_parse_size(text, value);
}

static char *format(enum kind kind, int64_t value, char text[QUANTITY_TEXT_MAX])
{
	return kind == DURATION ? quantity_format_duration(value, text)
				: quantity_format_size(value, text);
}

static const struct {
	enum kind kind;
	const char *text;
	int64_t value;
} good[] = {
	{DURATION, "0.0", 0},
	{DURATION, "000", 0},
	{DURATION, "0s", 0},
	{DURATION, "0d", 0},
	{DURATION, "30s", 30 * S},
	{DURATION, "007ms", 7000000},
	{DURATION, "1.5s", 1500000000},
	{DURATION, "0.5min", 30 * S},
	{DURATION, "0.25h", 900 * S},
	{DURATION, "0.1d", 8640 * S},
	{DURATION, "1.0ns", 1},
	{DURATION, "0.001us", 1},
	{DURATION, "0.000000001s", 1},
	{DURATION, "2.000000001s", 2 * S + 1},
	{DURATION, "12.345678901s", 12345678901},
	{DURATION, "100.000000000s", 100 * S},
	{DURATION, "99999.999999999s", 99999999999999},
	{DURATION, "9223372036.854775807s", INT64_MAX},
	{DURATION, "106751d", INT64_C(106751) * 86400 * S},
	{SIZE, "0B", 0},
	{SIZE, "1GiB", 1073741824},
	{SIZE, "0.5KiB", 512},
	{SIZE, "1.5MiB", 1572864},
	{SIZE, "0.125KiB", 128},
	{SIZE, "0.0009765625KiB", 1},
	{SIZE, "8589934591GiB", INT64_C(8589934591) << 30},
};

TEST_ROWS(a_number_with_a_unit_is_read, SUITE_COUNT(good))
{
	int64_t value = UNTOUCHED;
	int rc = parse(good[_i].kind, good[_i].text, &value);

	ck_assert_msg(rc == 0, "\"%s\": %s", good[_i].text, strerror(-rc));
	ck_assert_msg(value == good[_i].value, "\"%s\" is %" PRId64 ", read as %" PRId64,
		good[_i].text, good[_i].value, value);
}

static const struct {
	enum kind kind;
	int error;
	const char *texts[40];
} bad[] = {
	{DURATION, EINVAL,
		{"", " ", "s", "1", "1.5", "0.5", "-1s", "+1s", "-0", " 1s", "1 s", "1s ", "1s\n",
			"1S", "1sec", "1m", "1M", "1Min", "1w", "1y", "1h30min", "1KiB", "1B",
			".5s", "1.s", "1.", ".", "1..5s", "1.5.5s", "1,5s", "0x10s", "1e3s", "inf",
			"nans", "0.5ns", "1.5ns", "0.0001us", "0.0000000001s"}},
	{DURATION, ERANGE,
		{"9223372036854775808ns", "9223372036854775807us", "9223372036.854775808s",
			"106752d", "99999999999999999999s", "18446744073709551617s"}},
	{SIZE, EINVAL,
		{"", "1", "1b", "1K", "1k", "1KB", "1kiB", "1KIB", "1KiBs", "1TiB", "1s", "-1B",
			"0.5B", "0.1KiB"}},
	{SIZE, ERANGE, {"8589934592GiB", "9223372036854775808B", "99999999999999999999B"}},
};

TEST_ROWS(what_is_no_quantity_is_refused_and_the_value_left_alone, SUITE_COUNT(bad))
{
	for (const char *const *text = bad[_i].texts; *text; text++) {
		int64_t value = UNTOUCHED;
		ck_assert_msg(
			parse(bad[_i].kind, *text, &value) == -bad[_i].error, "\"%s\"", *text);
		ck_assert_int_eq(value, UNTOUCHED);
	}
}

static const struct {
	enum kind kind;
	int64_t value;
	const char *text;
} written[] = {
	{DURATION, 0, "0"},
	{DURATION, 1, "1ns"},
	{DURATION, 999, "999ns"},
	{DURATION, 1000, "1us"},
	{DURATION, 1500, "1500ns"},
	{DURATION, 1000000, "1ms"},
	{DURATION, 1500000000, "1500ms"},
	{DURATION, S, "1s"},
	{DURATION, 60 * S, "1min"},
	{DURATION, 90 * S, "90s"},
	{DURATION, 3600 * S, "1h"},
	{DURATION, 5400 * S, "90min"},
	{DURATION, 86400 * S, "1d"},
	{DURATION, 36 * 3600 * S, "36h"},
	{DURATION, INT64_MAX, "9223372036854775807ns"},
	{SIZE, 0, "0"},
	{SIZE, 1, "1B"},
	{SIZE, 1023, "1023B"},
	{SIZE, 1024, "1KiB"},
	{SIZE, 1025, "1025B"},
	{SIZE, 65536, "64KiB"},
	{SIZE, 1048576, "1MiB"},
	{SIZE, 1572864, "1536KiB"},
	{SIZE, INT64_C(3) << 30, "3GiB"},
	{SIZE, INT64_C(1) << 62, "4294967296GiB"},
	{SIZE, INT64_MAX, "9223372036854775807B"},
};

TEST_ROWS(a_value_is_written_with_the_largest_unit_that_needs_no_point, SUITE_COUNT(written))
{
	char text[QUANTITY_TEXT_MAX];
	int64_t value = UNTOUCHED;

	ck_assert_ptr_eq(format(written[_i].kind, written[_i].value, text), text);
	ck_assert_str_eq(text, written[_i].text);
	ck_assert_int_eq(parse(written[_i].kind, text, &value), 0);
	ck_assert_int_eq(value, written[_i].value);
}

static void reads_back(enum kind kind, int64_t value)
{
	char text[QUANTITY_TEXT_MAX];
	int64_t again = UNTOUCHED;
	int rc = parse(kind, format(kind, value, text), &again);

	ck_assert_msg(rc == 0 && again == value, "%" PRId64 " was written \"%s\"", value, text);
}

/* All magnitudes and their neighbours, powers of what units differ by, and both ends. */
TEST_ROWS(what_is_written_reads_back_to_the_same_value, 2)
{
	static const int64_t factors[] = {2, 10, 60, 3};

	for (size_t f = 0; f < SUITE_COUNT(factors); f++) {
		for (int64_t v = 1; v < INT64_MAX / 60; v *= factors[f]) {
			for (int64_t near = v - 1; near <= v + 1; near++) {
				reads_back((enum kind)_i, near);
				reads_back((enum kind)_i, INT64_MAX - near);
			}
		}
	}
}

/* The lists in the header are for messages: each word of them is a unit. */
TEST_ROWS(every_unit_that_messages_name_is_known, 2)
{
	const char *const lists[] = {QUANTITY_DURATION_UNITS, QUANTITY_SIZE_UNITS};
	char list[64];
	char text[64];
	int64_t value;
	int units = 0;

	snprintf(list, sizeof list, "%s", lists[_i]);
	for (char *name = strtok(list, ", "); name; name = strtok(NULL, ", ")) {
		snprintf(text, sizeof text, "3%s", name);
		ck_assert_int_eq(parse((enum kind)_i, text, &value), 0);
		units++;
	}
	ck_assert_int_eq(units, _i == DURATION ? 7 : 4);
}
