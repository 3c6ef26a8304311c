/* SPDX-License-Identifier: ISC */
/* Proves template: what expands to what, what is refused, and that the room always suffices. */
#include "server/settings/template.h"

#include "test/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MISTAKE_MAX 256
#define ROOM        4096

static const struct template_values values = {
	.instance = "alpha",
	.id = "17",
	.peer = "192.0.2.1:4711",
	.listener = "front",
};

static bool check(const char *text, size_t room, char mistake[MISTAKE_MAX])
{
	mistake[0] = '\0';
	bool good = template_check(text, room, mistake, MISTAKE_MAX);
	ck_assert_msg(good == (mistake[0] == '\0'), "\"%s\": %s", text, mistake);
	return good;
}

static const struct {
	const char *text;
	const char *expanded;
	size_t longest;
} good[] = {
	{"", "", 0},
	{"{instance}", "alpha", 255},
	{"{id}", "17", 40},
	{"{peer}", "192.0.2.1:4711", 80},
	{"{listener}", "front", 320},
	{"220 {instance} ready\r\n", "220 alpha ready\r\n", 267},
	{"{id} {peer} {listener} {instance}", "17 192.0.2.1:4711 front alpha", 698},
	{"{{", "{", 1},
	{"{{id}", "{id}", 4},
	{"{{{id}", "{17", 41},
	{"{id}{{", "17{", 41},
	{"}", "}", 1},
	{"a}b", "a}b", 3},
	{"{id}}", "17}", 41},
	{"{{}", "{}", 2},
	{"%s%n", "%s%n", 4},
	{"\xc3\xa9\x01", "\xc3\xa9\x01", 3},
};

TEST_ROWS(values_stand_where_their_placeholders_stood, SUITE_COUNT(good))
{
	char mistake[MISTAKE_MAX];
	char to[ROOM];

	ck_assert_msg(check(good[_i].text, ROOM, mistake), "%s", mistake);
	size_t len = template_expand(good[_i].text, &values, to, sizeof to);
	ck_assert_uint_eq(len, strlen(good[_i].expanded));
	ck_assert_mem_eq(to, good[_i].expanded, len);
	ck_assert_int_eq(
		template_is_plain(good[_i].text), strcmp(good[_i].text, good[_i].expanded) == 0);
}

/* Values as long as they may be, and longer ones, fill the room that was checked exactly. */
TEST_ROWS(the_room_must_do_for_the_longest_values_and_not_for_a_byte_more, SUITE_COUNT(good))
{
	const size_t room = good[_i].longest;
	char mistake[MISTAKE_MAX];
	char said[MISTAKE_MAX];
	char huge[ROOM];
	const struct template_values long_values = {huge, huge, huge, huge};

	memset(huge, 'x', sizeof huge);
	huge[sizeof huge - 1] = '\0';
	ck_assert(check(good[_i].text, room, mistake));
	char *to = malloc(room + 1);
	ck_assert_ptr_nonnull(to);
	to[room] = '!';
	ck_assert_uint_eq(template_expand(good[_i].text, &long_values, to, room), room);
	ck_assert_int_eq(to[room], '!');
	free(to);
	if (room == 0)
		return;
	ck_assert(!check(good[_i].text, room - 1, mistake));
	snprintf(said, sizeof said, "it can become %zu bytes long, and may have %zu at most", room,
		room - 1);
	ck_assert_str_eq(mistake, said);
}

static const struct {
	const char *text;
	const char *mistake;
} bad[] = {
	{"{", "a { is never closed"},
	{"{id", "a { is never closed"},
	{"{{{", "a { is never closed"},
	{"{id}{", "a { is never closed"},
	{"{i{id}", "a { is never closed"},
	{"{id{{", "a { is never closed"},
	{"{}", "{} is no placeholder"},
	{"{foo}", "{foo} is no placeholder"},
	{"{ID}", "{ID} is no placeholder"},
	{"{i}", "{i} is no placeholder"},
	{"{ids}", "{ids} is no placeholder"},
	{"{ id }", "{ id } is no placeholder"},
	{"{id}{%s}", "{%s} is no placeholder"},
	{"{id} {foo} {", "{foo} is no placeholder"},
	{"{0123456789012345678901234567890123456789...}",
		"{0123456789012345678901234567890123456789} is no placeholder"},
};

TEST_ROWS(a_mistake_is_told_with_what_there_is, SUITE_COUNT(bad))
{
	char mistake[MISTAKE_MAX];
	char said[MISTAKE_MAX];

	ck_assert(!check(bad[_i].text, ROOM, mistake));
	snprintf(said, sizeof said,
		"%s: there are {instance}, {id}, {peer} and {listener}, and {{ for one {",
		bad[_i].mistake);
	ck_assert_str_eq(mistake, said);
}

TEST(a_mistake_is_cut_off_where_its_room_ends)
{
	char mistake[9] = "........";

	ck_assert(!template_check("{", ROOM, mistake, 4));
	ck_assert_str_eq(mistake, "a {");
	ck_assert_str_eq(mistake + 4, "....");
}

/* Every text of a few words: what passes is expanded within its room. */

static const struct {
	const char *const *words;
	size_t most;
} languages[] = {
	{(const char *const[]){"{", "}", "i", "d", NULL}, 6},
	{(const char *const[]){"{", "{{", "}", "id", "{id}", "{peer}", "x", NULL}, 4},
};

static void check_any(const char *text)
{
	char mistake[MISTAKE_MAX];
	char *exact = strdup(text); /* so that a sanitizer sees a step beyond */
	size_t room = 0;

	ck_assert_ptr_nonnull(exact);
	if (check(exact, ROOM, mistake)) {
		while (!check(exact, room, mistake))
			room++;
		char *to = malloc(room + 1);
		ck_assert_ptr_nonnull(to);
		size_t len = template_expand(exact, &values, to, room);
		ck_assert_uint_le(len, room);
		if (template_is_plain(exact)) {
			ck_assert_uint_eq(len, strlen(exact));
			ck_assert_mem_eq(to, exact, len);
		}
		free(to);
	} else {
		ck_assert_msg(!template_is_plain(exact), "\"%s\": %s", exact, mistake);
	}
	free(exact);
}

static void check_all(const char *const *words, size_t most, char *text)
{
	char *end = text + strlen(text);

	check_any(text);
	for (const char *const *w = words; most > 0 && *w; w++) {
		memcpy(end, *w, strlen(*w) + 1);
		check_all(words, most - 1, text);
	}
	*end = '\0';
}

TEST_ROWS(every_text_can_be_expanded_or_has_a_mistake, SUITE_COUNT(languages))
{
	char text[64] = "";

	check_all(languages[_i].words, languages[_i].most, text);
}
