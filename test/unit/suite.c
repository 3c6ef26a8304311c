/* SPDX-License-Identifier: ISC */
/* suite - one Check suite, from a list of tests to an exit status. */
#include "suite.h"

#include <stdlib.h>

/* For a test that hangs, not for one that is slow: the machine is noisy and the sanitizers cost
 * much. */
#define HANGS_AFTER_S 30

int suite_run(const char *name, const struct suite_test *tests, size_t count)
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
