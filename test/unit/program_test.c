/* SPDX-License-Identifier: ISC */
/* Proves program: which path an upgrade has to be installed at. */
#include "server/succession/program.h"

#include "scratch.h"
#include "test/suite.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char here[PATH_MAX];
static char own[PATH_MAX];

/* A folder with a link to this program in bin/, and another program of that name in other/. */
static void begin(void)
{
	ssize_t len = readlink("/proc/self/exe", own, sizeof own - 1);

	ck_assert_int_gt(len, 0);
	scratch_enter();
	ck_assert_ptr_nonnull(getcwd(here, sizeof here));
	ck_assert_int_eq(mkdir("bin", 0777), 0);
	ck_assert_int_eq(symlink(own, "bin/me"), 0);
	scratch_write("other/me", "#!/bin/sh\n");
	ck_assert_int_eq(chmod("other/me", 0777), 0);
	unsetenv("PWD");
}

static void check(const char *argv0, const char *expected)
{
	char *path = program_path(argv0);

	ck_assert_str_eq(path, expected);
	free(path);
}

/* The path of something in the folder; in static memory. */
static const char *in_here(const char *name)
{
	static char path[PATH_MAX + 16];

	snprintf(path, sizeof path, "%s/%s", here, name);
	return path;
}

TEST(an_absolute_path_stays_as_it_is_links_and_all)
{
	begin();
	check(in_here("bin/me"), in_here("bin/me"));
}

TEST(a_path_counts_from_the_working_directory)
{
	begin();
	check("bin/me", in_here("bin/me"));
	check("./bin/me", in_here("./bin/me"));
}

TEST(a_link_in_the_working_directory_stays_too)
{
	begin();
	ck_assert_int_eq(symlink("bin", "current"), 0);
	ck_assert_int_eq(chdir("current"), 0);
	setenv("PWD", in_here("current"), 1);
	check("./me", in_here("current/./me"));
}

TEST(a_name_is_looked_for_in_path)
{
	char path[PATH_MAX + 64];

	begin();
	snprintf(path, sizeof path, "/nowhere:%s:/usr/bin", in_here("bin"));
	setenv("PATH", path, 1);
	check("me", in_here("bin/me"));
}

TEST(a_relative_folder_in_path_counts_from_the_working_directory)
{
	begin();
	setenv("PATH", "/nowhere:bin", 1);
	check("me", in_here("bin/me"));
	ck_assert_int_eq(chdir("bin"), 0);
	setenv("PATH", "/nowhere::/usr/bin", 1);
	check("me", in_here("bin/me"));
	setenv("PATH", "/nowhere:", 1);
	check("me", in_here("bin/me"));
}

TEST(another_program_of_the_name_is_passed_over)
{
	begin();
	setenv("PATH", "other:bin", 1);
	check("me", in_here("bin/me"));
	setenv("PATH", "other", 1);
	check("me", own);
}

static const char *const nowhere[] = {"", "me", "/nowhere/me", "nowhere/me", NULL};

TEST_ROWS(where_nothing_is_found_the_system_tells, SUITE_COUNT(nowhere))
{
	begin();
	setenv("PATH", "/nowhere", 1);
	check(nowhere[_i], own);
}

TEST(without_path_the_usual_folders_are_looked_through)
{
	begin();
	unsetenv("PATH");
	/* It is there, and is not this program. */
	check("sh", own);
}
