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
	{DURATION, "0", 0},
	{DURATION, "0.0", 0},
	{DURATION, "000", 0},
	{DURATION, "0s", 0},
	{DURATION, "0d", 0},
	{DURATION, "1ns", 1},
	{DURATION, "1us", 1000},
	{DURATION, "1ms", 1000000},
	{DURATION, "1s", S},
	{DURATION, "1min", 60 * S},
	{DURATION, "1h", 3600 * S},
	{DURATION, "1d", 86400 * S},
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
	{DURATION, "9223372036854775807ns", INT64_MAX},
	{DURATION, "106751d", INT64_C(106751) * 86400 * S},
	{SIZE, "0", 0},
	{SIZE, "0B", 0},
	{SIZE, "1B", 1},
	{SIZE, "1KiB", 1024},
	{SIZE, "1MiB", 1048576},
	{SIZE, "1GiB", 1073741824},
	{SIZE, "64KiB", 65536},
	{SIZE, "0.5KiB", 512},
	{SIZE, "1.5MiB", 1572864},
	{SIZE, "0.125KiB", 128},
	{SIZE, "0.0009765625KiB", 1},
	{SIZE, "8589934591GiB", INT64_C(8589934591) << 30},
	{SIZE, "9223372036854775807B", INT64_MAX},
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
	const char *text;
	int error;
} bad[] = {
	{DURATION, "", EINVAL},
	{DURATION, " ", EINVAL},
	{DURATION, "s", EINVAL},
	{DURATION, "1", EINVAL},
	{DURATION, "1.5", EINVAL},
	{DURATION, "0.5", EINVAL},
	{DURATION, "-1s", EINVAL},
	{DURATION, "+1s", EINVAL},
	{DURATION, "-0", EINVAL},
	{DURATION, " 1s", EINVAL},
	{DURATION, "1 s", EINVAL},
	{DURATION, "1s ", EINVAL},
	{DURATION, "1s\n", EINVAL},
	{DURATION, "1S", EINVAL},
	{DURATION, "1sec", EINVAL},
	{DURATION, "1m", EINVAL},
	{DURATION, "1M", EINVAL},
	{DURATION, "1Min", EINVAL},
	{DURATION, "1w", EINVAL},
	{DURATION, "1y", EINVAL},
	{DURATION, "1h30min", EINVAL},
	{DURATION, "1KiB", EINVAL},
	{DURATION, "1B", EINVAL},
	{DURATION, ".5s", EINVAL},
	{DURATION, "1.s", EINVAL},
	{DURATION, "1.", EINVAL},
	{DURATION, ".", EINVAL},
	{DURATION, "1..5s", EINVAL},
	{DURATION, "1.5.5s", EINVAL},
	{DURATION, "1,5s", EINVAL},
	{DURATION, "0x10s", EINVAL},
	{DURATION, "1e3s", EINVAL},
	{DURATION, "inf", EINVAL},
	{DURATION, "nans", EINVAL},
	{DURATION, "0.5ns", EINVAL},
	{DURATION, "1.5ns", EINVAL},
	{DURATION, "0.0001us", EINVAL},
	{DURATION, "0.0000000001s", EINVAL},
	{DURATION, "9223372036854775808ns", ERANGE},
	{DURATION, "9223372036854775807us", ERANGE},
	{DURATION, "9223372036.854775808s", ERANGE},
	{DURATION, "106752d", ERANGE},
	{DURATION, "99999999999999999999s", ERANGE},
	{DURATION, "18446744073709551617s", ERANGE},
	{SIZE, "", EINVAL},
	{SIZE, "1", EINVAL},
	{SIZE, "1b", EINVAL},
	{SIZE, "1K", EINVAL},
	{SIZE, "1k", EINVAL},
	{SIZE, "1KB", EINVAL},
	{SIZE, "1kiB", EINVAL},
	{SIZE, "1KIB", EINVAL},
	{SIZE, "1KiBs", EINVAL},
	{SIZE, "1TiB", EINVAL},
	{SIZE, "1s", EINVAL},
	{SIZE, "-1B", EINVAL},
	{SIZE, "0.5B", EINVAL},
	{SIZE, "0.1KiB", EINVAL},
	{SIZE, "8589934592GiB", ERANGE},
	{SIZE, "9223372036854775808B", ERANGE},
	{SIZE, "99999999999999999999B", ERANGE},
};

TEST_ROWS(what_is_no_quantity_is_refused_and_the_value_left_alone, SUITE_COUNT(bad))
{
	int64_t value = UNTOUCHED;
	int rc = parse(bad[_i].kind, bad[_i].text, &value);

	ck_assert_msg(rc == -bad[_i].error, "\"%s\" gave %d", bad[_i].text, rc);
	ck_assert_int_eq(value, UNTOUCHED);
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
	char *returned = format(written[_i].kind, written[_i].value, text);

	ck_assert_ptr_eq(returned, text);
	ck_assert_str_eq(text, written[_i].text);
}

static void reads_back(enum kind kind, int64_t value)
{
	char text[QUANTITY_TEXT_MAX];
	int64_t again = UNTOUCHED;
	int rc = parse(kind, format(kind, value, text), &again);

	ck_assert_msg(rc == 0 && again == value, "%" PRId64 " was written \"%s\", read as %" PRId64,
		value, text, again);
}

TEST_ROWS(what_is_written_reads_back_to_the_same_value, 2)
{
	const enum kind kinds[] = {DURATION, SIZE};
	const enum kind kind = kinds[_i];

	for (int64_t v = 0; v < 5000; v++)
		reads_back(kind, v);
	for (int64_t v = INT64_MAX; v > INT64_MAX - 1000; v--)
		reads_back(kind, v);
	/* All magnitudes, and the neighbours of round values. */
	for (int64_t v = 1; v < INT64_MAX / 7; v = v * 7 / 5 + 1) {
		reads_back(kind, v - 1);
		reads_back(kind, v);
		reads_back(kind, v + 1);
	}
	for (int64_t v = 1; v <= INT64_MAX / 60; v *= 60)
		reads_back(kind, v);
	for (int64_t v = 1; v <= INT64_MAX / 10; v *= 10)
		reads_back(kind, v);
	for (int bit = 0; bit < 63; bit++)
		reads_back(kind, INT64_C(1) << bit);
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
