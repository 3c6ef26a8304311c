/* SPDX-License-Identifier: ISC */
/*
 * Proves budget and reload where no scene does: a limit that binds, in figures, and the names of what a
 * reload changes.
 */
#include "capture.h"
#include "rig.h"
#include "scratch.h"
#include "server/life/budget.h"
#include "server/life/reload.h"
#include "server/log.h"
#include "test/suite.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Descriptors bind. */

static const struct {
	struct rlimit limit;
	const char *max_connections;
	const char *level;
	int allowed;
} budgets[] = {
	{{100, 100}, "68", "info", 68},
	{{100, 100}, "69", "warn", 68},
	{{64, 128}, "4000", "warn", 96},
	/* The server needs more for itself. */
	{{20, 20}, "4000", "warn", 0},
};

TEST_ROWS(the_soft_limit_of_descriptors_is_raised_and_too_few_are_a_warning, SUITE_COUNT(budgets))
{
	char words[256];
	struct rlimit limit;

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &budgets[_i].limit), 0);
	capture_begin(STDERR_FILENO);
	log_open(LOG_INFO, LOG_LOGFMT);
	rig_begin();
	rig_set("limits.max_connections", budgets[_i].max_connections);
	rig_add_endpoint("127.0.0.1:0", "line");
	budget_check(rig.settings);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, "\n"), 1);
	snprintf(words, sizeof words,
		" level=%s event=budget max_connections=%s allowed=%d binding=descriptors "
		"descriptors=%d ",
		budgets[_i].level, budgets[_i].max_connections, budgets[_i].allowed,
		budgets[_i].allowed);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, words), 1);
	ck_assert_uint_eq(
		capture_count(STDERR_FILENO, " effect="), strcmp(budgets[_i].level, "warn") == 0);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	ck_assert_uint_eq(limit.rlim_cur, limit.rlim_max);
}

/* What has changed. */

static char *argv[] = {(char *)"bobbind", (char *)"-c", (char *)"conf", NULL};
static const struct command_line command = {3, argv};

static struct settings *must_load(const char *text)
{
	int status;

	scratch_write("conf", text);
	struct settings *s = command_line_load(&command, &status);
	ck_assert_ptr_nonnull(s);
	return s;
}

static const struct {
	const char *text;
	const char *changes;
} changes[] = {
	/* The same in other words. */
	{"timeouts: { idle = \"60000ms\"; }; limits: { deny = ( ); };", ""},
	{"instance = \"x\"; timeouts: { idle = \"61s\"; }; drain: { force = \"1s\"; };",
		"instance timeouts.idle drain.force"},
	{"limits: { deny = ( \"192.0.2.1\" ); allow = ( \"::/0\" ); };",
		"limits.allow limits.deny"},
	{"listeners = ( { address = \"127.0.0.1:7007\"; service = \"echo\"; max_connections = 3; } );",
		"service max_connections"},
	/* A default that no listener has. */
	{"listeners = ( { address = \"127.0.0.1:7007\"; timeouts: { idle = \"1min\"; }; } );\n"
	 "timeouts: { idle = \"1h\"; };",
		""},
};

TEST_ROWS(the_keys_whose_values_differ_are_named_in_their_order, SUITE_COUNT(changes))
{
	char text[256] = "?";
	struct settings *before = must_load("");
	struct settings *after = must_load(changes[_i].text);

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
	struct settings *before = must_load("");
	struct settings *after =
		must_load("instance = \"x\"; limits: { max_connections = 7; rate = 1; };");

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
