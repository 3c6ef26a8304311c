/* SPDX-License-Identifier: ISC */
/* Proves reload: all of a file or nothing, what has changed by name, and that listeners stay. */
#include "server/life/reload.h"

#include "capture.h"
#include "common/deadline.h"
#include "rig.h"
#include "scratch.h"
#include "server/log.h"
#include "server/settings/options.h"
#include "test/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define A "{ name = \"a\"; address = \"127.0.0.1:0\"; }"
#define B "{ name = \"b\"; address = \"[::1]:7\"; network = \"tcp6\"; }"

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

static void end(void)
{
	settings_release(rig.current.settings);
}

static void check_told(const char *words)
{
	ck_assert_msg(capture_count(STDERR_FILENO, words) == 1, "not once %s in:\n%s", words,
		capture_text(STDERR_FILENO));
}

static void check_counted(uint64_t reloads, uint64_t failed)
{
	struct counts c = rig_counts();

	ck_assert_uint_eq(c.of[COUNTER_RELOADS], reloads);
	ck_assert_uint_eq(c.of[COUNTER_RELOADS_FAILED], failed);
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
	char text[64];
	struct settings *before = must_load(A, "");
	struct settings *after =
		must_load(A, "instance = \"x\"; limits: { max_connections = 7; rate = 1; };");
	const char *all = "instance limits.max_connections limits.rate";

	for (size_t size = 1; size < sizeof text; size++) {
		memset(text, '?', sizeof text);
		reload_changes(before, after, text, size);
		ck_assert_uint_lt(strlen(text), size);
		ck_assert_int_eq(strncmp(text, all, strlen(text)), 0);
		ck_assert_uint_eq(strlen(text), size - 1 < strlen(all) ? size - 1 : strlen(all));
		for (size_t i = size; i < sizeof text; i++)
			ck_assert_int_eq(text[i], '?');
	}
	settings_release(before);
	settings_release(after);
}

TEST(a_listener_is_compared_with_itself_in_whatever_order_they_stand)
{
	char text[256];
	struct settings *before = must_load(A ", " B, "");
	struct settings *after = must_load(B ", " A, "");

	ck_assert_str_eq(reload_changes(before, after, text, sizeof text), "");
	settings_release(before);
	settings_release(after);
}

/* All of it. */

TEST(a_good_file_is_in_force_and_the_set_before_is_its_holders)
{
	begin(must_load(A, ""));
	struct settings *before = current_hold(&rig.current);
	unsigned version = current_version(&rig.current);

	configure(A,
		"limits: { max_connections = 7; }; threads: { parked = 5; }; "
		"line: { prefix = \"x\"; };");
	ck_assert(reload(&rig.server, &command));
	struct settings *s = rig.current.settings;
	ck_assert_ptr_ne(s, before);
	ck_assert_uint_ne(current_version(&rig.current), version);
	ck_assert_uint_eq(s->holders, 1);
	ck_assert_uint_eq(before->holders, 1);
	ck_assert_int_eq(s->max_connections, 7);
	ck_assert_str_eq(s->endpoints[0].prefix, "x");
	ck_assert_str_eq(before->endpoints[0].prefix, "echo: ");
	/* Where the others look. */
	ck_assert_int_eq(rig.registry.limit, 7);
	ck_assert_int_eq(rig.workers.parked_max, 5);
	check_told("event=reloaded changed=\"limits.max_connections line.prefix threads.parked\"");
	check_counted(1, 0);
	settings_release(before);
	end();
}

TEST(a_set_that_nobody_holds_goes_with_the_reload)
{
	begin(must_load(A, ""));
	for (int i = 0; i < 100; i++) {
		configure(A, i % 2 ? "line: { prefix = \"x\"; };" : "limits: { rate = 100; };");
		ck_assert(reload(&rig.server, &command));
		ck_assert_uint_eq(rig.current.settings->holders, 1);
	}
	check_counted(100, 0);
	end();
}

TEST(the_log_has_level_and_format_of_the_new_set)
{
	begin(must_load(A, ""));
	configure(A, "log: { level = \"debug\"; format = \"json\"; };");
	ck_assert(reload(&rig.server, &command));
	ck_assert(log_wants(LOG_DEBUG));
	check_told("\"event\":\"reloaded\"");
	configure(A, "log: { level = \"error\"; };");
	ck_assert(reload(&rig.server, &command));
	ck_assert(!log_wants(LOG_WARN));
	ck_assert_uint_eq(capture_count(STDERR_FILENO, "reloaded"), 1);
	end();
}

TEST(more_connections_than_the_system_allows_are_warned_of)
{
	begin(must_load(A, ""));
	configure(A, "limits: { max_connections = 1000000; };");
	ck_assert(reload(&rig.server, &command));
	ck_assert_uint_ge(capture_count(STDERR_FILENO, "event=budget"), 1);
	end();
}

/* Nothing of it. */

static void check_as_before(const struct settings *before, unsigned version)
{
	ck_assert_ptr_eq(rig.current.settings, before);
	ck_assert_uint_eq(current_version(&rig.current), version);
	ck_assert_uint_eq(before->holders, 1);
	ck_assert_int_eq(rig.registry.limit, 4000);
	check_counted(0, 1);
}

static void check_refused(const char *words)
{
	struct settings *before = rig.current.settings;
	unsigned version = current_version(&rig.current);

	ck_assert(!reload(&rig.server, &command));
	check_as_before(before, version);
	check_told(words);
	check_told("event=reload_failed");
	check_told("effect=\"everything stays as it was\"");
	ck_assert_uint_eq(capture_count(STDERR_FILENO, "event=reloaded"), 0);
}

static const struct {
	const char *rest;
	const char *what;
} mistakes[] = {
	{"limits: { max_connections = 7; rate = -1; };",
		"event=configuration_mistake what=\"conf:2: limits.rate"},
	{"limits: { max_connections = 7; };\nnonsense = 1;",
		"event=configuration_mistake what=\"conf:3: there is no option nonsense"},
	{"limits: { max_connections = 7; };\nlimits: {",
		"event=configuration_mistake what=\"conf:"},
	{"limits: { max_connections = 7; rate = \"fast\"; };",
		"event=configuration_mistake what=\"conf:2: limits.rate"},
};

TEST_ROWS(of_a_file_with_a_mistake_nothing_is_taken, SUITE_COUNT(mistakes))
{
	begin(must_load(A, ""));
	configure(A, mistakes[_i].rest);
	check_refused(mistakes[_i].what);
	end();
}

TEST(a_file_that_is_gone_is_a_mistake)
{
	begin(must_load(A, ""));
	ck_assert_int_eq(unlink("conf"), 0);
	check_refused("No such file or directory");
	end();
}

static const struct {
	const char *listeners;
	const char *what;
} moved[] = {
	{A, "reason=\"a listener has gone: needs SIGUSR2\" listener=b"},
	{A ", " B ", { name = \"c\"; address = \":1\"; }",
		"reason=\"a listener has been added: needs SIGUSR2\" listener=c"},
	{A ", { name = \"c\"; address = \"[::1]:7\"; network = \"tcp6\"; }",
		"reason=\"a listener has been added: needs SIGUSR2\" listener=c"},
	{A ", { name = \"b\"; address = \"[::1]:8\"; network = \"tcp6\"; }",
		"reason=\"a listener has been added: needs SIGUSR2\" listener=b"},
	{A ", { name = \"b\"; address = \"[::2]:7\"; network = \"tcp6\"; }",
		"reason=\"a listener has been added: needs SIGUSR2\" listener=b"},
	{A ", { name = \"b\"; address = \"[::1]:7\"; network = \"tcp\"; }",
		"reason=\"a listener has been added: needs SIGUSR2\" listener=b"},
	{A ", { name = \"b\"; address = \"[::1]:7\"; network = \"tcp6\"; "
	   "listen: { reuse_port = true; }; }",
		"reason=\"listen.reuse_port has changed: needs a stop and a start\" listener=b"},
};

TEST_ROWS(other_listeners_need_a_successor, SUITE_COUNT(moved))
{
	begin(must_load(A ", " B, ""));
	configure(moved[_i].listeners, "limits: { max_connections = 7; };");
	check_refused(moved[_i].what);
	end();
}

/* Listeners of a supervisor's sockets. */

/* As at the start, when nobody asks for the socket. */
static void add_passed(struct settings *s, const char *name, const char *address)
{
	struct endpoint *e = settings_add_endpoint(s);
	char mistake[OPTION_MISTAKE_MAX];
	const char *key;

	e->from_supervisor = true;
	ck_assert(option_set(option_find("name"), e, name, mistake));
	ck_assert(option_set(option_find("address"), e, address, mistake));
	ck_assert_ptr_null(settings_finish_endpoint(s, e, &key));
}

static void check_passed(const char *name, const char *address, const char *prefix)
{
	const struct settings *s = rig.current.settings;
	const struct endpoint *e = &s->endpoints[s->endpoint_count - 1];

	ck_assert_str_eq(e->name, name);
	ck_assert_str_eq(e->address, address);
	ck_assert_str_eq(e->prefix, prefix);
	ck_assert(e->from_supervisor);
	ck_assert_ptr_eq(e->settings, s);
	ck_assert_ptr_nonnull(e->service);
}

TEST(listeners_of_passed_sockets_stay_beside_those_of_the_file_with_the_new_defaults)
{
	struct settings *s = must_load(A, "");

	add_passed(s, "spare", "127.0.0.1:9");
	begin(s);
	for (int i = 0; i < 3; i++) {
		configure(A, i % 2 ? "" : "line: { prefix = \"x\"; };");
		ck_assert(reload(&rig.server, &command));
		ck_assert_uint_eq(rig.current.settings->endpoint_count, 2);
		check_passed("spare", "127.0.0.1:9", i % 2 ? "echo: " : "x");
	}
	end();
}

TEST(listeners_of_passed_sockets_stand_in_for_the_built_in_one_again)
{
	int status;

	scratch_write("conf", "");
	struct settings *s = command_line_load(&command, &status);
	ck_assert(s->built_in_listener);
	settings_clear_endpoints(s);
	s->built_in_listener = false;
	add_passed(s, "one", "127.0.0.1:8");
	add_passed(s, "two", "127.0.0.1:9");
	begin(s);
	scratch_write("conf", "line: { prefix = \"x\"; };");
	for (int i = 0; i < 2; i++) {
		ck_assert(reload(&rig.server, &command));
		ck_assert_uint_eq(rig.current.settings->endpoint_count, 2);
		ck_assert_str_eq(rig.current.settings->endpoints[0].name, "one");
		check_passed("two", "127.0.0.1:9", "x");
	}
	end();
}

TEST(a_listener_of_the_file_with_the_name_of_a_passed_one_is_refused)
{
	struct settings *s = must_load(A, "");

	add_passed(s, "spare", "127.0.0.1:9");
	begin(s);
	configure(A ", { name = \"spare\"; address = \"127.0.0.1:0\"; }", "");
	check_refused("needs SIGUSR2");
	end();
}
