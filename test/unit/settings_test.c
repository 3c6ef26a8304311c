/* SPDX-License-Identifier: ISC */
/*
 * Proves of settings/ what no command line and no file shows: what holds for every option's row, the text
 * that libconfig gets, what a reload leaves behind, copies that share nothing, and that templates have room.
 * test/documents/settings.txt proves the rest.
 */
#include "server/settings/settings.h"

#include "capture.h"
#include "common/deadline.h"
#include "common/quantity.h"
#include "scratch.h"
#include "server/service.h"
#include "server/settings/command_line.h"
#include "server/settings/config_scan.h"
#include "server/settings/options.h"
#include "server/settings/template.h"
#include "test/suite.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static void must_set(struct endpoint *e, const char *key, const char *value)
{
	char mistake[OPTION_MISTAKE_MAX];

	ck_assert_msg(option_set(option_find(key), e, value, mistake), "%s", mistake);
}

static struct endpoint *must_add(struct settings *s, const char *name, const char *address)
{
	struct endpoint *e = settings_add_endpoint(s);
	const char *key;

	must_set(e, "name", name);
	must_set(e, "address", address);
	ck_assert_ptr_null(settings_finish_endpoint(s, e, &key));
	return e;
}

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

/* Scan the file; what is told must be as expected. */
static struct config_scan *scan(const char *path, const char *expected, int status)
{
	struct mistakes m = {.to = NULL};
	char *told;
	size_t size;

	m.to = open_memstream(&told, &size);
	struct config_scan *s = config_scan_open(path, &m);
	fclose(m.to);
	ck_assert_str_eq(told, expected);
	ck_assert_int_eq(mistakes_status(&m), status);
	free(told);
	return s;
}

static const struct {
	const char *text;
	const char *expected;
	const char *told;
} texts[] = {
	{"", "\n", ""},
	{"a = 010;\n", "a = 10 ;\n", ""},
	{"a = 0x10.5\n", "a = 16 .5\n", ""},
	{"a = 0xFFLL\n", "a = 255L \n", ""},
	{"a = -007L\n", "a = -7L \n", ""},
	{"a = 010.5\n", "a = 010.5\n", ""},
	{"a = 010e1\n", "a = 010e1\n", ""},
	{"a = 010e\n", "a = 10 e\n", ""},
	{"a-010", "a-010\n", ""},
	{"a = \"010, )\"\n", "a = \"010, )\"\n", ""},
	{"( \"a\" ,\n )\n", "( \"a\"  \n )\n", ""},
	{"[ 1,]\n", "[ 1  ]\n", ""},
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
	struct config_scan *s = scan(scratch_write("a.conf", texts[_i].text), texts[_i].told,
		*texts[_i].told ? EX_CONFIG : EX_OK);

	ck_assert_ptr_nonnull(s);
	ck_assert_str_eq(config_scan_text(s), texts[_i].expected);
	config_scan_free(s);
}

/* The only place that no message of settings.txt shows: an included file that is entered twice. */
TEST(a_line_after_two_included_files_has_its_place)
{
	unsigned line = 1;

	scratch_write("sub/more", "/*\n*/ deep\n");
	scratch_write(
		"sub/a.conf", "@include \"more\"\n  @include \"more\" beside\n\"\n\" after\n");
	struct config_scan *s = scan("sub/a.conf", "", EX_OK);
	const char *text = config_scan_text(s);
	for (const char *p = text; p < strstr(text, "after"); p++)
		line += *p == '\n';
	struct config_place place = config_scan_place(s, line);
	ck_assert_str_eq(place.path, "sub/a.conf");
	ck_assert_uint_eq(place.line, 4);
	config_scan_free(s);
}

TEST(a_file_that_may_not_be_read_is_told_as_such)
{
	scratch_write("a.conf", "");
	ck_assert_int_eq(chmod("a.conf", 0), 0);
	if (geteuid() == 0)
		ck_assert(chmod(".", 0755) == 0 && seteuid(65534) == 0);
	ck_assert_ptr_null(scan("a.conf", "bobbind: a.conf: Permission denied\n", EX_NOINPUT));
	ck_assert_int_eq(seteuid(getuid()), 0);
}

TEST(a_reload_that_fails_tells_no_other_stream_and_leaves_nothing_open)
{
	static char *arguments[] = {(char *)"bobbind", (char *)"-c", (char *)"a.conf", NULL};
	static const char *const wrong[] = {"nonsense = 1;", "limits: {"};
	const struct command_line c = {3, arguments};
	char *told;
	size_t size;

	capture_begin(STDERR_FILENO);
	for (size_t i = 0; i < SUITE_COUNT(wrong); i++) {
		scratch_write("a.conf", wrong[i]);
		size_t before = open_descriptors();
		FILE *to = open_memstream(&told, &size);
		ck_assert_ptr_null(command_line_reload(&c, to));
		fclose(to);
		ck_assert_uint_eq(open_descriptors(), before);
		ck_assert_int_eq(strncmp(told, "a.conf:", 7), 0);
		free(told);
	}
	ck_assert_str_eq(capture_text(STDERR_FILENO), "");
}

/* Copies, and the same listener in another set. */

TEST(a_listener_copies_the_defaults_and_shares_none_of_their_text)
{
	struct settings *s = settings_new();

	must_set(&s->defaults, "line.prefix", "one ");
	struct endpoint *e = settings_add_endpoint(s);
	ck_assert_ptr_ne(e->name, s->defaults.name);
	ck_assert_ptr_ne(e->address, s->defaults.address);
	ck_assert_ptr_ne(e->service_name, s->defaults.service_name);
	must_set(&s->defaults, "line.prefix", "two ");
	ck_assert_str_eq(e->prefix, "one ");
	must_set(e, "line.prefix", "three ");
	ck_assert_str_eq(s->defaults.prefix, "two ");
	settings_release(s);
}

TEST(cleared_listeners_are_gone_and_others_can_come)
{
	struct settings *s = settings_new();

	must_add(s, "a", ":1");
	must_add(s, "b", ":2");
	settings_clear_endpoints(s);
	settings_clear_endpoints(s);
	must_add(s, "a", ":1");
	ck_assert_uint_eq(s->endpoint_count, 1);
	settings_release(s);
	settings_release(NULL);
}

static const struct {
	const char *name;
	const char *address;
	const char *network;
	bool same;
} others[] = {
	{"a", "127.0.0.1:1", "tcp", true},
	{"b", "127.0.0.1:1", "tcp", false},
	{"a", "127.0.0.1:2", "tcp", false},
	{"a", "127.0.0.2:1", "tcp", false},
	{"a", ":1", "tcp", false},
	{"a", "127.0.0.1:1", "tcp4", false},
};

TEST_ROWS(a_listener_is_found_by_name_network_and_address, SUITE_COUNT(others))
{
	struct settings *one = settings_new();
	struct settings *other = settings_new();

	const struct endpoint *wanted = must_add(one, "a", "127.0.0.1:1");
	ck_assert_ptr_null(settings_find_endpoint(other, wanted));
	must_add(other, "first", ":7");
	struct endpoint *e = must_add(other, others[_i].name, others[_i].address);
	must_set(e, "network", others[_i].network);
	/* What else it has is no matter. */
	must_set(e, "service", "echo");
	ck_assert_ptr_eq(settings_find_endpoint(other, wanted), others[_i].same ? e : NULL);
	settings_release(one);
	settings_release(other);
}

TEST(a_copy_has_the_listeners_own_keys_and_the_rest_from_the_defaults_of_its_set)
{
	struct settings *one = settings_new();
	struct settings *other = settings_new();
	const char *key;

	struct endpoint *of = must_add(one, "a", "[::1]:1");
	must_set(of, "network", "tcp6");
	must_set(of, "service", "frame");
	must_set(of, "max_connections", "3");
	must_set(of, "timeouts.idle", "5s");
	must_set(of, "line.prefix", "one");
	of->from_supervisor = true;
	must_set(&other->defaults, "timeouts.idle", "7s");
	struct endpoint *copy = settings_add_copy(other, of);
	ck_assert_ptr_null(settings_finish_endpoint(other, copy, &key));
	settings_release(one);
	ck_assert_ptr_eq(copy, &other->endpoints[0]);
	ck_assert_str_eq(copy->name, "a");
	ck_assert_str_eq(copy->address, "[::1]:1");
	ck_assert_str_eq(copy->where.host, "::1");
	ck_assert_ptr_eq(copy->service, service_find("frame"));
	ck_assert_int_eq(copy->network, NETWORK_TCP6);
	ck_assert_int_eq(copy->max_connections, 3);
	ck_assert(copy->from_supervisor);
	ck_assert_int_eq(copy->terms.idle_ns, 7 * NS_PER_S);
	ck_assert_int_eq(copy->terms.framing, STREAM_FRAME);
	ck_assert_str_eq(copy->prefix, "echo: ");
	ck_assert_ptr_eq(copy->settings, other);
	settings_release(other);
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
	{"{{", "{", 1, NULL},
	{"{{id}", "{id}", 4, NULL},
	{"{{{id}{{", "{17{", 42, NULL},
	{"a}b{id}}", "a}b17}", 44, NULL},
	{"%s%n\xc3\xa9\x01", "%s%n\xc3\xa9\x01", 7, NULL},
	{"{{{", NULL, 0, "a { is never closed"},
	{"{id}{", NULL, 0, "a { is never closed"},
	{"{i{id}", NULL, 0, "a { is never closed"},
	{"{}", NULL, 0, "{} is no placeholder"},
	{"{ID}", NULL, 0, "{ID} is no placeholder"},
	{"{i}", NULL, 0, "{i} is no placeholder"},
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

/* Every text of a few words is a template within its room, or has a mistake; no step is beyond its end. */
static void check_all(const char *const *words, size_t most, char *text)
{
	const struct template_values values = {"", "", "", ""};
	char *end = text + strlen(text);
	char mistake[MISTAKE_MAX];
	char *exact = strdup(text); /* so that a sanitizer sees a step beyond */
	char *to = malloc(ROOM);

	if (check(exact, ROOM, mistake))
		ck_assert_uint_le(template_expand(exact, &values, to, ROOM), strlen(exact));
	else
		ck_assert_msg(!template_is_plain(exact), "\"%s\": %s", exact, mistake);
	free(exact);
	free(to);
	for (const char *const *w = words; most > 0 && *w; w++) {
		memcpy(end, *w, strlen(*w) + 1);
		check_all(words, most - 1, text);
	}
	*end = '\0';
}

TEST(every_text_can_be_expanded_or_has_a_mistake)
{
	static const char *const words[] = {"{", "{{", "}", "i", "d", "{peer}", NULL};
	char text[64] = "";

	check_all(words, 5, text);
}
