/* SPDX-License-Identifier: ISC */
/* suite - running the tests of one file. */
#include "suite.h"

#include "test/unit/mode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * A test ends with its process, and what the harness holds ends with it: LeakSanitizer is to look at
 * the servers, which are processes of their own.
 */
int __lsan_is_turned_off(void);

int __lsan_is_turned_off(void)
{
	return 1;
}

/* Those up to, and without, the end. */
static int run(const char *name, const struct suite_test *tests, const struct suite_test *end)
{
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create(name);

	tcase_set_timeout(tcase, SUITE_TIMEOUT_S);
	for (const struct suite_test *t = tests; t < end; t++)
		tcase_add_test(tcase, t->test);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool keeps_its_bounds(const char *name, const struct suite_test *test)
{
	for (int i = 0; i < MODE_TRIES; i++) {
		if (run(name, test, test + 1) == EXIT_SUCCESS)
			return true;
	}
	return false;
}

int suite_run(const char *name, const struct suite_test *tests)
{
	const struct suite_test *end = tests;
	int status = EXIT_SUCCESS;

	while (end->test)
		end++;
	if (!mode_is_timing())
		return run(name, tests, end);
	for (const struct suite_test *t = tests; t < end; t++) {
		if (t->bound && !keeps_its_bounds(name, t))
			status = EXIT_FAILURE;
	}
	return status;
}

static bool is_in(const char *folder, size_t len, const char *name)
{
	char path[4096];

	snprintf(path, sizeof path, "%.*s/%s", (int)len, folder, name);
	return access(path, X_OK) == 0;
}

bool suite_has_program(const char *name)
{
	const char *path = getenv("PATH");

	while (path && *path) {
		size_t len = strcspn(path, ":");
		if (is_in(path, len, name))
			return true;
		path += len;
		path += *path == ':';
	}
	return false;
}

void suite_skip(const char *name, const char *reason)
{
	skip_tell(name, reason);
	exit(SUITE_SKIPPED);
}
