/* SPDX-License-Identifier: ISC */
/* scratch - a folder of a test's own. */
#include "scratch.h"

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[256];

static int drop(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static void leave(void)
{
	(void)nftw(folder, drop, 8, FTW_DEPTH | FTW_PHYS);
}

void scratch_enter(void)
{
	const char *tmp = getenv("TMPDIR");

	if (folder[0])
		return;
	snprintf(folder, sizeof folder, "%s/bobbin-test-XXXXXX", tmp ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
	ck_assert_int_eq(atexit(leave), 0);
}

const char *scratch_write(const char *name, const char *text)
{
	char path[256];

	scratch_enter();
	for (const char *slash = name; (slash = strchr(slash, '/')); slash++) {
		snprintf(path, sizeof path, "%.*s", (int)(slash - name), name);
		(void)mkdir(path, 0700);
	}
	FILE *file = fopen(name, "we");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
	return name;
}
