/* SPDX-License-Identifier: ISC */
/*
 * Proves command_line where no program shows it: that a reload reads everything again, and leaves
 * nothing behind.  test/documents/settings.txt proves the rest.
 */
#include "server/settings/command_line.h"

#include "capture.h"
#include "scratch.h"
#include "test/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

static char *arguments[] = {(char *)"bobbind", (char *)"-o", (char *)"line.prefix=typed",
	(char *)"-c", (char *)"a.conf", (char *)"-l", (char *)":1", NULL};
static const struct command_line with_file = {5, arguments};
static const struct command_line with_listener = {7, arguments};

static struct settings *must_load(const struct command_line *c)
{
	int status = -1;
	struct settings *s = command_line_load(c, &status);

	ck_assert_int_eq(status, EX_OK);
	ck_assert_ptr_nonnull(s);
	return s;
}

static struct settings *reload(const char *text, char **told)
{
	size_t size;
	FILE *to = open_memstream(told, &size);

	ck_assert_ptr_nonnull(to);
	scratch_write("a.conf", text);
	struct settings *s = command_line_reload(&with_file, to);
	fclose(to);
	return s;
}

TEST(a_reload_reads_the_arguments_and_the_file_as_it_is_then)
{
	char *told;

	capture_begin(STDOUT_FILENO);
	capture_begin(STDERR_FILENO);
	scratch_write("a.conf", "limits: { rate = 1; };\n");
	settings_release(must_load(&with_file));
	struct settings *s =
		reload("limits: { rate = 2; }; line: { prefix = \"written\"; };\n", &told);
	ck_assert_ptr_nonnull(s);
	ck_assert_str_eq(told, "");
	ck_assert_int_eq(s->rate, 2);
	ck_assert_str_eq(s->endpoints[0].prefix, "typed");
	settings_release(s);
	free(told);

	size_t before = open_descriptors();
	ck_assert_ptr_null(reload("limits: { rate = -2; };\nnonsense = 1;\n", &told));
	ck_assert_str_eq(told,
		"a.conf:1: limits.rate is -2; it must be a whole number from 0 to 1000000\n"
		"a.conf:2: there is no option nonsense\n");
	free(told);
	ck_assert_ptr_null(reload("limits: {", &told));
	ck_assert_str_eq(told, "a.conf:2: syntax error\n");
	free(told);
	ck_assert_uint_eq(open_descriptors(), before);
	ck_assert_str_eq(capture_text(STDERR_FILENO), "");
	ck_assert_str_eq(capture_text(STDOUT_FILENO), "");
}

TEST(the_default_listener_is_known_as_such)
{
	scratch_write("a.conf", "");
	struct settings *s = must_load(&with_file);
	ck_assert(s->built_in_listener);
	settings_release(s);
	s = must_load(&with_listener);
	ck_assert(!s->built_in_listener);
	settings_release(s);
}
