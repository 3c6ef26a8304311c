/* SPDX-License-Identifier: ISC */
/* Proves program: the path at which a new version has to be installed. */
#include "server/succession/program.h"

#include "scratch.h"
#include "test/suite.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char here[PATH_MAX];

/* $ is the test's folder.  In it bin/me and current/me lead to this program, other/me does not. */
static const struct {
	const char *argv0;
	const char *path;   /* PATH; NULL: none */
	const char *folder; /* where it is started; NULL: $ */
	const char *found;  /* NULL: what /proc/self/exe says */
} rows[] = {
	{"$/bin/me", "/nowhere", NULL, "$/bin/me"},
	{"./bin/me", "/nowhere", NULL, "$/./bin/me"},
	/* PWD has the link. */
	{"./me", "/nowhere", "current", "$/current/./me"},
	{"me", "/nowhere::/usr/bin", "bin", "$/bin/me"},
	{"me", "/nowhere:", "bin", "$/bin/me"},
	/* Another program of the name. */
	{"me", "other:bin", NULL, "$/bin/me"},
	{"me", "other", NULL, NULL},
	/* It is in /bin, and is not this program. */
	{"sh", NULL, NULL, NULL},
	{"me", "/nowhere", NULL, NULL},
	{"/nowhere/me", "/nowhere", NULL, NULL},
	{NULL, "/nowhere", NULL, NULL},
};

/* The text with the folder's path for $.  It lasts for three calls more. */
static const char *expand(const char *text)
{
	static char texts[4][2 * PATH_MAX];
	static unsigned count;
	char *out = texts[count++ % SUITE_COUNT(texts)];
	const char *dollar = strchr(text, '$');

	snprintf(out, sizeof *texts, "%.*s%s%s", dollar ? (int)(dollar - text) : 0, text,
		dollar ? here : "", dollar ? dollar + 1 : text);
	return out;
}

static void begin(const char *own)
{
	scratch_enter();
	ck_assert_ptr_nonnull(getcwd(here, sizeof here));
	ck_assert_int_eq(mkdir("bin", 0777), 0);
	ck_assert_int_eq(symlink(own, "bin/me"), 0);
	ck_assert_int_eq(symlink("bin", "current"), 0);
	scratch_write("other/me", "#!/bin/sh\n");
	ck_assert_int_eq(chmod("other/me", 0777), 0);
}

TEST_ROWS(the_path_is_that_by_which_the_program_was_found, SUITE_COUNT(rows))
{
	char own[PATH_MAX] = "";

	ck_assert_int_gt(readlink("/proc/self/exe", own, sizeof own - 1), 0);
	begin(own);
	ck_assert_int_eq(chdir(rows[_i].folder ? rows[_i].folder : "."), 0);
	unsetenv("PWD");
	if (rows[_i].folder && strcmp(rows[_i].folder, "current") == 0)
		setenv("PWD", expand("$/current"), 1);
	unsetenv("PATH");
	if (rows[_i].path)
		setenv("PATH", expand(rows[_i].path), 1);
	char *path = program_path(rows[_i].argv0 ? expand(rows[_i].argv0) : NULL);
	ck_assert_str_eq(path, rows[_i].found ? expand(rows[_i].found) : own);
	free(path);
}
