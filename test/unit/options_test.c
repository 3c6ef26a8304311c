/* SPDX-License-Identifier: ISC */
/* Proves options: each type good and bad, the messages, the near misses, and the table itself. */
#include "server/settings/options.h"
#include "server/settings/settings.h"

#include "common/deadline.h"
#include "common/quantity.h"
#include "test/suite.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KIB (INT64_C(1) << 10)
#define GIB (INT64_C(1) << 30)
#define DAY (86400 * NS_PER_S)

static int64_t number(const struct option *row, struct settings *s)
{
	int64_t value;

	memcpy(&value, (char *)option_base(row, s) + row->offset, sizeof value);
	return value;
}

static bool set(
	struct settings *s, const char *key, const char *text, char mistake[OPTION_MISTAKE_MAX])
{
	const struct option *row = option_find(key);

	ck_assert_ptr_nonnull(row);
	mistake[0] = '\0';
	return option_set(row, option_base(row, s), text, mistake);
}

static void check_text(const struct option *row, struct settings *s, const char *expected)
{
	char *text = option_text(row, option_base(row, s));

	ck_assert_str_eq(text, expected);
	free(text);
}

/* Setting. */

static const struct {
	const char *key;
	const char *text;
	int64_t value;
} good[] = {
	{"limits.max_connections", "1", 1},
	{"limits.max_connections", "1000000", 1000000},
	{"limits.max_connections", "007", 7},
	{"threads.parked", "0", 0},
	{"timeouts.idle", "1ms", NS_PER_MS},
	{"timeouts.idle", "365d", 365 * DAY},
	{"timeouts.idle", "1.5s", 1500 * NS_PER_MS},
	{"timeouts.lifetime", "0", 0},
	{"timeouts.lifetime", "0s", 0},
	{"tcp.dead_after", "1d", DAY},
	{"linger.bytes", "0", 0},
	{"linger.bytes", "1024GiB", 1024 * GIB},
	{"line.max_line", "1B", 1},
	{"line.max_line", "1GiB", GIB},
	{"frame.max_frame", "0", 0},
	{"threads.stack", "64KiB", 64 * KIB},
	{"tcp.nodelay", "true", 1},
	{"tcp.nodelay", "false", 0},
	{"network", "tcp", 0},
	{"network", "tcp4", 1},
	{"network", "tcp6", 2},
	{"log.level", "debug", 0},
	{"log.level", "error", 3},
	{"log.format", "json", 1},
};

TEST_ROWS(a_good_value_is_taken, SUITE_COUNT(good))
{
	struct settings *s = settings_new();
	char mistake[OPTION_MISTAKE_MAX];

	ck_assert_msg(set(s, good[_i].key, good[_i].text, mistake), "%s", mistake);
	ck_assert_int_eq(number(option_find(good[_i].key), s), good[_i].value);
	settings_release(s);
}

#define IDLE_MUST        "; it must be a duration from 1ms to 365d (ns, us, ms, s, min, h, d)"
#define STACK_MUST       "; it must be a size from 64KiB to 1GiB (B, KiB, MiB, GiB)"
#define CONNECTIONS_MUST "; it must be a whole number from 1 to 1000000"

static const struct {
	const char *key;
	const char *text;
	const char *mistake;
} bad[] = {
	{"limits.max_connections", "0", "limits.max_connections is \"0\"" CONNECTIONS_MUST},
	{"limits.max_connections", "1000001",
		"limits.max_connections is \"1000001\"" CONNECTIONS_MUST},
	{"limits.max_connections", "-1", "limits.max_connections is \"-1\"" CONNECTIONS_MUST},
	{"limits.max_connections", "", "limits.max_connections is \"\"" CONNECTIONS_MUST},
	{"limits.max_connections", " 5", "limits.max_connections is \" 5\"" CONNECTIONS_MUST},
	{"limits.max_connections", "5 ", "limits.max_connections is \"5 \"" CONNECTIONS_MUST},
	{"limits.max_connections", "\r5", "limits.max_connections is \"\r5\"" CONNECTIONS_MUST},
	{"limits.max_connections", "5s", "limits.max_connections is \"5s\"" CONNECTIONS_MUST},
	{"limits.max_connections", "0x10", "limits.max_connections is \"0x10\"" CONNECTIONS_MUST},
	{"limits.max_connections", "4294967376",
		"limits.max_connections is \"4294967376\"" CONNECTIONS_MUST},
	{"limits.max_connections", "18446744073709551617",
		"limits.max_connections is \"18446744073709551617\"" CONNECTIONS_MUST},
	{"timeouts.idle", "10", "timeouts.idle is \"10\"" IDLE_MUST},
	{"timeouts.idle", "0", "timeouts.idle is \"0\"" IDLE_MUST},
	{"timeouts.idle", "999us", "timeouts.idle is \"999us\"" IDLE_MUST},
	{"timeouts.idle", "366d", "timeouts.idle is \"366d\"" IDLE_MUST},
	{"timeouts.idle", "10 s", "timeouts.idle is \"10 s\"" IDLE_MUST},
	{"timeouts.idle", "10KiB", "timeouts.idle is \"10KiB\"" IDLE_MUST},
	{"timeouts.idle", "-1s", "timeouts.idle is \"-1s\"" IDLE_MUST},
	{"timeouts.idle", "true", "timeouts.idle is \"true\"" IDLE_MUST},
	{"timeouts.idle", "99999999999999999999d",
		"timeouts.idle is \"99999999999999999999d\"" IDLE_MUST},
	{"threads.stack", "65535B", "threads.stack is \"65535B\"" STACK_MUST},
	{"threads.stack", "2GiB", "threads.stack is \"2GiB\"" STACK_MUST},
	{"threads.stack", "64k", "threads.stack is \"64k\"" STACK_MUST},
	{"threads.stack", "1min", "threads.stack is \"1min\"" STACK_MUST},
	{"tcp.nodelay", "yes", "tcp.nodelay is \"yes\"; it must be true or false"},
	{"tcp.nodelay", "1", "tcp.nodelay is \"1\"; it must be true or false"},
	{"tcp.nodelay", "TRUE", "tcp.nodelay is \"TRUE\"; it must be true or false"},
	{"network", "udp", "network is \"udp\"; it must be one of \"tcp\", \"tcp4\", \"tcp6\""},
	{"network", "", "network is \"\"; it must be one of \"tcp\", \"tcp4\", \"tcp6\""},
	{"log.format", "xml", "log.format is \"xml\"; it must be one of \"logfmt\", \"json\""},
	{"service", "", "service is empty; it must be text of 1 to 64 bytes"},
};

TEST_ROWS(a_bad_value_is_refused_with_what_would_be_right_and_changes_nothing, SUITE_COUNT(bad))
{
	struct settings *s = settings_new();
	char mistake[OPTION_MISTAKE_MAX];
	const struct option *row = option_find(bad[_i].key);
	char *before = option_text(row, option_base(row, s));

	ck_assert(!set(s, bad[_i].key, bad[_i].text, mistake));
	ck_assert_str_eq(mistake, bad[_i].mistake);
	check_text(row, s, before);
	free(before);
	settings_release(s);
}

TEST(text_is_taken_up_to_its_bound_and_refused_beyond)
{
	struct settings *s = settings_new();
	char mistake[OPTION_MISTAKE_MAX];
	char text[1026];

	memset(text, 'x', sizeof text);
	text[1025] = '\0';
	ck_assert(!set(s, "line.prefix", text, mistake));
	ck_assert_str_eq(mistake, "line.prefix is too long; it must be text of 0 to 1024 bytes");
	ck_assert_str_eq(s->defaults.prefix, "echo: ");
	text[1024] = '\0';
	ck_assert(set(s, "line.prefix", text, mistake));
	ck_assert_str_eq(s->defaults.prefix, text);
	ck_assert(set(s, "line.prefix", "", mistake));
	ck_assert_str_eq(s->defaults.prefix, "");
	settings_release(s);
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
		}
	}
	settings_release(s);
}

/* Bare numbers. */

static const struct {
	const char *key;
	int64_t value;
	const char *mistake; /* NULL: it is good */
} bare[] = {
	{"limits.max_connections", 1, NULL},
	{"limits.max_connections", 1000000, NULL},
	{"limits.max_connections", 0, "limits.max_connections is 0" CONNECTIONS_MUST},
	{"limits.max_connections", -1, "limits.max_connections is -1" CONNECTIONS_MUST},
	{"limits.max_connections", INT64_MAX,
		"limits.max_connections is 9223372036854775807" CONNECTIONS_MUST},
	{"timeouts.lifetime", 0, NULL},
	{"frame.max_frame", 0, NULL},
	{"timeouts.idle", 0, "timeouts.idle is 0" IDLE_MUST},
	{"timeouts.idle", 10, "timeouts.idle is 10" IDLE_MUST},
	{"timeouts.idle", 1000000000, "timeouts.idle is 1000000000" IDLE_MUST},
	{"threads.stack", 65536, "threads.stack is 65536" STACK_MUST},
	{"tcp.nodelay", 1, "tcp.nodelay is 1; it must be true or false"},
	{"log.format", 1, "log.format is 1; it must be one of \"logfmt\", \"json\""},
};

TEST_ROWS(a_bare_number_is_a_count_and_of_something_measured_only_nought, SUITE_COUNT(bare))
{
	struct settings *s = settings_new();
	char mistake[OPTION_MISTAKE_MAX] = "";
	const struct option *row = option_find(bare[_i].key);
	int64_t before = number(row, s);
	bool taken = option_set_number(row, option_base(row, s), bare[_i].value, mistake);

	ck_assert_msg(taken == !bare[_i].mistake, "%s", mistake);
	ck_assert_int_eq(number(row, s), taken ? bare[_i].value : before);
	if (!taken)
		ck_assert_str_eq(mistake, bare[_i].mistake);
	settings_release(s);
}

/* Writing. */

static void check_round_trip(const struct option *row, const char *text)
{
	struct settings *one = settings_new();
	struct settings *two = settings_new();
	char mistake[OPTION_MISTAKE_MAX];

	ck_assert_msg(option_set(row, option_base(row, one), text, mistake), "%s", mistake);
	char *written = option_text(row, option_base(row, one));
	ck_assert_msg(option_set(row, option_base(row, two), written, mistake), "%s", mistake);
	check_text(row, two, written);
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

/* The table. */

TEST(every_default_is_good_and_in_range)
{
	struct settings *s = settings_new();
	char mistake[OPTION_MISTAKE_MAX];

	for (const struct option *row = option_rows; row->key; row++) {
		ck_assert_msg(option_set(row, option_base(row, s), row->fallback, mistake), "%s",
			mistake);
		check_round_trip(row, row->fallback);
	}
	settings_release(s);
}

static size_t group_length(const char *key)
{
	const char *dot = strchr(key, '.');

	return dot ? (size_t)(dot - key) : 0;
}

static bool same_group(const struct option *a, const struct option *b)
{
	size_t len = group_length(a->key);

	return len == group_length(b->key) && strncmp(a->key, b->key, len) == 0;
}

TEST(the_rows_of_a_group_stand_together)
{
	for (const struct option *a = option_rows; a->key; a++) {
		bool left = false;
		for (const struct option *b = a + 1; b->key; b++) {
			left = left || !same_group(a, b);
			ck_assert_msg(!left || !same_group(a, b), "%s and %s", a->key, b->key);
		}
	}
}

TEST(every_row_can_be_found_and_only_one_has_its_key)
{
	for (const struct option *row = option_rows; row->key; row++)
		ck_assert_ptr_eq(option_find(row->key), row);
	ck_assert_ptr_null(option_find("nonsense"));
	ck_assert_ptr_null(option_find(""));
	ck_assert_ptr_null(option_find("limits"));
}

TEST(a_row_of_a_listener_has_no_group_and_what_it_may_override_has_one)
{
	for (const struct option *row = option_rows; row->key; row++) {
		if (row->scope != OPTION_SERVER)
			ck_assert_msg(
				(group_length(row->key) == 0) == (row->scope == OPTION_LISTENER),
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

/* Near misses. */

static const struct {
	const char *key;
	const char *near;
} misses[] = {
	{"timeouts.idel", "timeouts.idle"},
	{"timeout.idle", "timeouts.idle"},
	{"timouts.idle", "timeouts.idle"},
	{"log.levl", "log.level"},
	{"adress", "address"},
	{"threads.max_connections", "limits.max_connections"},
	{"timeouts.max_frame", "frame.max_frame"},
	{"limits.prefix", "line.prefix"},
	{"idle", "timeouts.idle"},
	{"log.address", "address"},
	{"nonsense", NULL},
	{"", NULL},
	{"timeouts.nonsense", NULL},
};

TEST_ROWS(a_near_miss_is_recognised, SUITE_COUNT(misses))
{
	const char *near = option_near(misses[_i].key);

	if (misses[_i].near)
		ck_assert_pstr_eq(near, misses[_i].near);
	else
		ck_assert_ptr_null(near);
}

TEST(a_key_of_any_length_may_be_asked_for)
{
	char key[5000];

	memset(key, 'k', sizeof key - 1);
	key[sizeof key - 1] = '\0';
	ck_assert_ptr_null(option_near(key));
	memcpy(key + sizeof key - 6, ".idle", 6);
	ck_assert_str_eq(option_near(key), "timeouts.idle");
}
