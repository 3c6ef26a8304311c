/* SPDX-License-Identifier: ISC */
/*
 * Proves of settings/ what no command line and no file shows: what holds for every option's row, the text
 * that libconfig gets, and the bounds of templates.  test/documents/settings.txt proves the rest.
 */
#include "server/settings/settings.h"

#include "common/quantity.h"
#include "scratch.h"
#include "server/settings/config_scan.h"
#include "server/settings/options.h"
#include "server/settings/template.h"
#include "test/suite.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* Every row of the options, also of those to come. */

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

/* What is smallest and largest is taken, what is one beyond is not, and changes nothing. */
TEST(every_range_ends_where_its_row_says)
{
	static const char *const units[] = {
		[OPTION_COUNT] = "", [OPTION_DURATION] = "ns", [OPTION_SIZE] = "B"};
	struct settings *s = settings_new();
	char mistake[OPTION_MISTAKE_MAX];
	char text[QUANTITY_TEXT_MAX + 4];

	for (const struct option *row = option_rows; row->key; row++) {
		if ((size_t)row->type >= SUITE_COUNT(units) || !units[row->type])
			continue;
		const int64_t values[] = {row->min, row->max, row->min - 1, row->max + 1};
		for (size_t i = 0; i < SUITE_COUNT(values); i++) {
			snprintf(text, sizeof text, "%" PRId64 "%s", values[i], units[row->type]);
			ck_assert_msg(
				option_set(row, option_base(row, s), text, mistake) == (i < 2),
				"%s=%s", row->key, text);
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
	if (option_is_text(row))
		ck_assert_str_eq(written, text);
	else
		ck_assert_int_eq(number(row, one), number(row, two));
	free(written);
	settings_release(one);
	settings_release(two);
}

TEST(what_is_written_of_a_value_reads_back_to_it)
{
	char text[QUANTITY_TEXT_MAX];

	for (const struct option *row = option_rows; row->key; row++) {
		for (const char *const *w = row->words; w && *w; w++)
			check_round_trip(row, *w);
		if (row->type == OPTION_DURATION) {
			check_round_trip(row, quantity_format_duration(row->min, text));
			check_round_trip(row, quantity_format_duration(row->max - 1, text));
		} else if (row->type == OPTION_SIZE) {
			check_round_trip(row, quantity_format_size(row->min, text));
			check_round_trip(row, quantity_format_size(row->max - 1, text));
		} else if (row->type == OPTION_SWITCH) {
			check_round_trip(row, "true");
			check_round_trip(row, "false");
		} else if (row->type == OPTION_TEXT) {
			check_round_trip(row, " odd \"\\ \n\x01\xc3\xa9");
		}
	}
}

TEST(every_row_is_complete)
{
	for (const struct option *row = option_rows; row->key; row++) {
		size_t len = strlen(row->help);
		ck_assert_msg(len > 10 && row->help[len - 1] == '.', "%s", row->key);
		ck_assert_msg(row->help[0] >= 'A' && row->help[0] <= 'Z', "%s", row->key);
		ck_assert_msg((row->type == OPTION_WORD) == !!row->words, "%s", row->key);
		/* What belongs to one listener has no group. */
		ck_assert_msg(row->scope == OPTION_SERVER ||
				!strchr(row->key, '.') == (row->scope == OPTION_LISTENER),
			"%s", row->key);
	}
}

/* The text that libconfig gets, whatever its version. */

static const struct {
	const char *text;
	const char *expected;
	const char *told;
} texts[] = {
	{"", "\n", ""},
	{"a = 010;\n", "a = 10 ;\n", ""},
	{"a = 0x10.5\n", "a = 16 .5\n", ""},
	{"a = 0xFFLL\n", "a = 255L \n", ""},
	{"a = 010.5\n", "a = 010.5\n", ""},
	{"a = 010e\n", "a = 10 e\n", ""},
	{"a-010", "a-010\n", ""},
	{"a = \"010, )\"\n", "a = \"010, )\"\n", ""},
	{"( \"a\" ,\n )\n", "( \"a\"  \n )\n", ""},
	{"( , )\n", "( , )\n", ""},
	{"( a,,)\n", "( a,?)\n", ""},
	{"{ a = 1, }\n", "{ a = 1 , }\n", ""},
	{"a # b\n/* c\nd */ e // f\n", "a \n \n e \n", ""},
	{"/* */ @include \"b\"\n", "  ?include \"b\"\n", ""},
	{"@include\"b\"\n", "?include\"b\"\n", ""},
	/* A number that was told is the only one in hexadecimal. */
	{"a = 0x7; b = 4294967376;\n", "a = 7 ; b = 0x0 ;\n",
		"a.conf:1: the number 4294967376 does not fit in 32 bits; the largest is 2147483647\n"},
};

TEST_ROWS(the_text_has_one_meaning, SUITE_COUNT(texts))
{
	struct mistakes m = {.to = NULL};
	char *told;
	size_t size;

	m.to = open_memstream(&told, &size);
	struct config_scan *s = config_scan_open(scratch_write("a.conf", texts[_i].text), &m);
	fclose(m.to);
	ck_assert_str_eq(told, texts[_i].told);
	ck_assert_str_eq(config_scan_text(s), texts[_i].expected);
	config_scan_free(s);
	free(told);
}

/* Templates. */

#define MISTAKE_MAX 256
#define ROOM        4096

static bool check(const char *text, size_t room, char mistake[MISTAKE_MAX])
{
	mistake[0] = '\0';
	bool good = template_check(text, room, mistake, MISTAKE_MAX);
	ck_assert_msg(good == (mistake[0] == '\0'), "\"%s\": %s", text, mistake);
	return good;
}

static const struct {
	const char *text;
	const char *expanded; /* NULL: it is none */
	size_t longest;
	const char *mistake;
} templates[] = {
	{"", "", 0, NULL},
	{"220 {instance} ready\r\n", "220 alpha ready\r\n", 267, NULL},
	{"{id} {peer} {listener}", "17 192.0.2.1:4711 front", 442, NULL},
	{"{{id}", "{id}", 4, NULL},
	{"{{{id}{{", "{17{", 42, NULL},
	{"a}b{id}}", "a}b17}", 44, NULL},
	{"%s%n\xc3\xa9\x01", "%s%n\xc3\xa9\x01", 7, NULL},
	{"{{{", NULL, 0, "a { is never closed"},
	{"{id}{", NULL, 0, "a { is never closed"},
	{"{ID}", NULL, 0, "{ID} is no placeholder"},
	{"{ids}", NULL, 0, "{ids} is no placeholder"},
	{"{id} {%s} {", NULL, 0, "{%s} is no placeholder"},
	{"{0123456789012345678901234567890123456789...}", NULL, 0,
		"{0123456789012345678901234567890123456789} is no placeholder"},
};

/* Values as long as they may be, and longer ones, fill the room that was checked exactly. */
static void check_longest(const char *text, size_t room)
{
	char mistake[MISTAKE_MAX];
	char said[MISTAKE_MAX];
	char huge[ROOM] = "";
	char to[ROOM];

	memset(huge, 'x', sizeof huge - 1);
	ck_assert(check(text, room, mistake));
	to[room] = '!';
	const struct template_values long_values = {huge, huge, huge, huge};
	ck_assert_uint_eq(template_expand(text, &long_values, to, room), room);
	ck_assert_int_eq(to[room], '!');
	if (room == 0)
		return;
	ck_assert(!check(text, room - 1, mistake));
	snprintf(said, sizeof said, "it can become %zu bytes long, and may have %zu at most", room,
		room - 1);
	ck_assert_str_eq(mistake, said);
}

TEST_ROWS(values_stand_where_their_placeholders_stood, SUITE_COUNT(templates))
{
	const struct template_values values = {
		.instance = "alpha", .id = "17", .peer = "192.0.2.1:4711", .listener = "front"};
	const char *text = templates[_i].text;
	const char *expanded = templates[_i].expanded;
	char mistake[MISTAKE_MAX];
	char to[ROOM];

	if (!expanded) {
		ck_assert(!check(text, ROOM, mistake));
		ck_assert(!template_is_plain(text));
		ck_assert_int_eq(
			strncmp(mistake, templates[_i].mistake, strlen(templates[_i].mistake)), 0);
		ck_assert_int_eq(mistake[strlen(templates[_i].mistake)], ':');
		return;
	}
	ck_assert_msg(check(text, ROOM, mistake), "%s", mistake);
	size_t len = template_expand(text, &values, to, sizeof to);
	ck_assert_uint_eq(len, strlen(expanded));
	ck_assert_mem_eq(to, expanded, len);
	ck_assert_int_eq(template_is_plain(text), strcmp(text, expanded) == 0);
	check_longest(text, templates[_i].longest);
}

TEST(a_mistake_is_cut_off_where_its_room_ends)
{
	char mistake[9] = "........";

	ck_assert(!template_check("{", ROOM, mistake, 4));
	ck_assert_str_eq(mistake, "a {");
	ck_assert_str_eq(mistake + 4, "....");
}
