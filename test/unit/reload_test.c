/* SPDX-License-Identifier: ISC */
/* Proves reload where no scene does: the names of what it changes. */
#include "server/life/reload.h"

#include "scratch.h"
#include "test/suite.h"

#include <string.h>

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
