/* SPDX-License-Identifier: ISC */
/*
 * Proves of every row of options what must hold for it, also for rows to come.
 * test/documents/settings.txt proves what each type takes and tells.
 */
#include "server/settings/options.h"

#include "common/quantity.h"
#include "server/settings/settings.h"
#include "test/suite.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t number(const struct option *row, struct settings *s)
{
	int64_t value;

	memcpy(&value, (char *)option_base(row, s) + row->offset, sizeof value);
	return value;
}

TEST(a_message_has_room_for_any_value)
{
	struct settings *s = settings_new();
	char mistake[OPTION_MISTAKE_MAX];
	char text[5000];

	memset(text, '9', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	for (const struct option *row = option_rows; row->key; row++) {
		ck_assert(!option_set(row, option_base(row, s), text, mistake));
		/* Of a list it names the piece that is wrong. */
		if (row->type == OPTION_BLOCKS)
			continue;
		char *expects = option_expects(row);
		ck_assert_msg(strstr(mistake, expects), "%s", mistake);
		free(expects);
	}
	settings_release(s);
}

/* What is smallest and largest is taken, what is one beyond is not. */
TEST(every_range_ends_where_its_row_says)
{
	struct settings *s = settings_new();
	char mistake[OPTION_MISTAKE_MAX];
	char text[QUANTITY_TEXT_MAX + 4];
	const char *unit;

	for (const struct option *row = option_rows; row->key; row++) {
		if (row->type == OPTION_COUNT)
			unit = "";
		else if (row->type == OPTION_DURATION)
			unit = "ns";
		else if (row->type == OPTION_SIZE)
			unit = "B";
		else
			continue;
		const int64_t values[] = {row->min, row->max, row->min - 1, row->max + 1};
		for (size_t i = 0; i < SUITE_COUNT(values); i++) {
			snprintf(text, sizeof text, "%" PRId64 "%s", values[i], unit);
			ck_assert_msg(
				option_set(row, option_base(row, s), text, mistake) == (i < 2),
				"%s=%s", row->key, text);
			/* What is refused changes nothing. */
			ck_assert_int_eq(number(row, s), i == 0 ? row->min : row->max);
		}
	}
	settings_release(s);
}

static void check_round_trip(const struct option *row, const char *text)
{
	struct settings *one = settings_new();
	struct settings *two = settings_new();
	char mistake[OPTION_MISTAKE_MAX];

	ck_assert_msg(option_set(row, option_base(row, one), text, mistake), "%s", mistake);
	char *written = option_text(row, option_base(row, one));
	ck_assert_msg(option_set(row, option_base(row, two), written, mistake), "%s", mistake);
	char *again = option_text(row, option_base(row, two));
	ck_assert_str_eq(again, written);
	free(again);
	if (!option_is_text(row))
		ck_assert_int_eq(number(row, one), number(row, two));
	else
		ck_assert_str_eq(written, text);
	free(written);
	settings_release(one);
	settings_release(two);
}

TEST(what_is_written_of_a_value_reads_back_to_it)
{
	char text[QUANTITY_TEXT_MAX];

	for (const struct option *row = option_rows; row->key; row++) {
		if (row->type == OPTION_WORD) {
			for (const char *const *w = row->words; *w; w++)
				check_round_trip(row, *w);
		} else if (row->type == OPTION_DURATION) {
			check_round_trip(row, quantity_format_duration(row->min, text));
			check_round_trip(row, quantity_format_duration(row->max - 1, text));
		} else if (row->type == OPTION_SIZE) {
			check_round_trip(row, quantity_format_size(row->min, text));
			check_round_trip(row, quantity_format_size(row->max - 1, text));
		} else if (row->type == OPTION_TEXT) {
			check_round_trip(row, " odd \"\\ \n\x01\xc3\xa9");
		}
	}
	check_round_trip(option_find("tcp.nodelay"), "true");
	check_round_trip(option_find("tcp.nodelay"), "false");
	check_round_trip(option_find("limits.max_connections"), "1000000");
}

TEST(a_row_of_a_listener_has_no_group_and_what_it_may_override_has_one)
{
	for (const struct option *row = option_rows; row->key; row++) {
		if (row->scope != OPTION_SERVER)
			ck_assert_msg(!strchr(row->key, '.') == (row->scope == OPTION_LISTENER),
				"%s", row->key);
	}
}

TEST(every_row_is_explained_in_sentences)
{
	for (const struct option *row = option_rows; row->key; row++) {
		size_t len = strlen(row->help);
		ck_assert_msg(len > 10 && row->help[len - 1] == '.', "%s", row->key);
		ck_assert_msg(row->help[0] >= 'A' && row->help[0] <= 'Z', "%s", row->key);
	}
}

TEST(words_are_asked_for_where_there_are_words)
{
	for (const struct option *row = option_rows; row->key; row++)
		ck_assert_msg((row->type == OPTION_WORD) == !!row->words, "%s", row->key);
}
