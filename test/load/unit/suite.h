/* SPDX-License-Identifier: ISC */
/* suite - runs one Check case as a program. */
#ifndef BOBBIN_LOAD_SUITE_H
#define BOBBIN_LOAD_SUITE_H

#include <check.h>
#include <stdio.h>

/* Run the tests of a case; returns main's exit status.  Takes the case. */
static inline int suite_run(const char *name, TCase *tc)
{
	Suite *suite = suite_create(name);

	suite_add_tcase(suite, tc);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}

#endif
