/* SPDX-License-Identifier: ISC */
/* Proves reload: the names of what has changed, and what a reload frees, warns of or refuses. */
#include "server/life/reload.h"

#include "capture.h"
#include "rig.h"
#include "scratch.h"
#include "server/log.h"
#include "server/settings/options.h"
#include "test/suite.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define A "{ name = \"a\"; address = \"127.0.0.1:0\"; }"

static char *argv[] = {(char *)"bobbind", (char *)"-c", (char *)"conf", NULL};
static const struct command_line command = {3, argv};

static void configure(const char *listeners, const char *rest)
{
	char text[2048];

	snprintf(text, sizeof text, "listeners = ( %s );\n%s\n", listeners, rest);
	scratch_write("conf", text);
}

static struct settings *must_load(const char *listeners, const char *rest)
{
	int status;

	configure(listeners, rest);
	struct settings *s = command_line_load(&command, &status);
	ck_assert_ptr_nonnull(s);
	return s;
}

/* A server with these settings in force, its log captured. */
static void begin(struct settings *s)
{
	capture_begin(STDERR_FILENO);
	log_open(LOG_INFO, LOG_LOGFMT);
	rig.settings = s;
	rig_build();
}

static void check_told(const char *words)
{
	ck_assert_msg(capture_count(STDERR_FILENO, words) == 1, "not once %s in:\n%s", words,
		capture_text(STDERR_FILENO));
}

static bool reload_it(void)
{
	return reload(&rig.server, &command);
}

/* What has changed. */

static const struct {
	const char *listeners;
	const char *rest;
	const char *changes;
} changes[] = {
	{A, "", ""},
	{A, "instance = \"x\";", "instance"},
	{A, "limits: { max_connections = 7; };", "limits.max_connections"},
	/* The same in other words. */
	{A, "timeouts: { idle = \"60000ms\"; }; limits: { deny = ( ); };", ""},
	{A, "timeouts: { idle = \"61s\"; }; drain: { force = \"1s\"; };",
		"timeouts.idle drain.force"},
	{A, "limits: { deny = ( \"192.0.2.1\" ); allow = ( \"::/0\" ); };",
		"limits.allow limits.deny"},
	{"{ name = \"a\"; address = \"127.0.0.1:0\"; service = \"echo\"; max_connections = 3; }",
		"", "service max_connections"},
	/* A default that no listener has. */
	{"{ name = \"a\"; address = \"127.0.0.1:0\"; timeouts: { idle = \"1min\"; }; }",
		"timeouts: { idle = \"1h\"; };", ""},
	{A, "log: { level = \"debug\"; format = \"json\"; };", "log.level log.format"},
};

TEST_ROWS(the_keys_whose_values_differ_are_named_in_their_order, SUITE_COUNT(changes))
{
	char text[256] = "?";
	struct settings *before = must_load(A, "");
	struct settings *after = must_load(changes[_i].listeners, changes[_i].rest);

	ck_assert_ptr_eq(reload_changes(before, after, text, sizeof text), text);
	ck_assert_str_eq(text, changes[_i].changes);
	reload_changes(after, before, text, sizeof text);
	ck_assert_str_eq(text, changes[_i].changes);
	settings_release(before);
	settings_release(after);
}

TEST(the_names_are_cut_off_at_the_room_there_is)
{
	static const char all[] = "instance limits.max_connections limits.rate";
	struct settings *before = must_load(A, "");
	struct settings *after =
		must_load(A, "instance = \"x\"; limits: { max_connections = 7; rate = 1; };");

	for (size_t size = 1; size <= sizeof all; size++) {
		char text[sizeof all + 1];
		memset(text, '?', sizeof text);
		reload_changes(before, after, text, size);
		ck_assert_uint_eq(strlen(text), size - 1);
		ck_assert_int_eq(strncmp(text, all, size - 1), 0);
		ck_assert_int_eq(text[size], '?');
	}
	settings_release(before);
	settings_release(after);
}

/* Putting in force. */

TEST(a_set_goes_when_it_is_replaced_and_nothing_else_holds_it)
{
	begin(must_load(A, ""));
	struct settings *first = current_hold(&rig.current);
	configure(A, "line: { prefix = \"x\"; };");
	ck_assert(reload_it());
	ck_assert_uint_eq(first->holders, 1);
	ck_assert_uint_eq(rig.current.settings->holders, 1);
	configure(A, "listen: { reuse_port = true; };");
	ck_assert(!reload_it());
	ck_assert_uint_eq(rig.current.settings->holders, 1);
	settings_release(first);
	settings_release(rig.current.settings);
}

TEST(more_connections_than_the_system_allows_are_warned_of)
{
	begin(must_load(A, ""));
	for (int i = 0; i < 2; i++) {
		configure(A, "limits: { max_connections = 1000000; };");
		ck_assert(reload_it());
	}
	check_told("event=budget");
	settings_release(rig.current.settings);
}

TEST(a_listener_of_the_file_with_the_name_of_a_passed_one_is_refused)
{
	struct settings *s = must_load(A, "");
	struct endpoint *e = settings_add_endpoint(s);
	char mistake[OPTION_MISTAKE_MAX];
	const char *key;

	e->from_supervisor = true;
	ck_assert(option_set(option_find("name"), e, "spare", mistake));
	ck_assert(option_set(option_find("address"), e, "127.0.0.1:9", mistake));
	ck_assert_ptr_null(settings_finish_endpoint(s, e, &key));
	begin(s);
	configure(A ", { name = \"spare\"; address = \"127.0.0.1:0\"; }", "");
	ck_assert(!reload_it());
	check_told("event=reload_failed");
	check_told("needs SIGUSR2");
	settings_release(rig.current.settings);
}
