/* SPDX-License-Identifier: ISC */
/* suite - one Check suite, from a list of tests to an exit status. */
#include "suite.h"

#include "mode.h"

#include <stdlib.h>

/* For a test that hangs, not for one that is slow: the machine is noisy and the sanitizers cost
 * much. */
#define HANGS_AFTER_S 180

static int run(const char *name, const struct suite_test *tests, size_t count)
{
	Suite *suite = suite_create(name);
	TCase *group = tcase_create(name);

	tcase_set_timeout(group, HANGS_AFTER_S);
	for (size_t i = 0; i < count; i++) {
		if (tests[i].rows == 0)
			tcase_add_test(group, tests[i].test);
		else
			tcase_add_loop_test(group, tests[i].test, 0, (int)tests[i].rows);
	}
	suite_add_tcase(suite, group);

	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool keeps_its_bounds(const char *name, const struct suite_test *test)
{
	for (int i = 0; i < MODE_TRIES; i++) {
		if (run(name, test, 1) == EXIT_SUCCESS)
			return true;
	}
	return false;
}

int suite_run(const char *name, const struct suite_test *tests, size_t count)
{
	int status = EXIT_SUCCESS;

	if (!mode_is_timing())
		return run(name, tests, count);
	for (size_t i = 0; i < count; i++) {
		if (!keeps_its_bounds(name, &tests[i]))
			status = EXIT_FAILURE;
	}
	return status;
}
