/* SPDX-License-Identifier: ISC */
/* suite - the tests of one program. */
#include "suite.h"

#include "fixture.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TESTS_MAX 100
#define TIMEOUT_S 120

static struct {
	enum suite_case of;
	const TTest *test;
} tests[TESTS_MAX];

static size_t test_count;

void suite_add(enum suite_case of, const TTest *test)
{
	if (test_count == TESTS_MAX)
		abort();
	tests[test_count].of = of;
	tests[test_count++].test = test;
}

/* The form that config/bootstrap looks for. */
void suite_skip(const char *body, const char *reason)
{
	int len = (int)(strlen(body) - strlen("_body"));

	printf("skipped: %.*s: %s\n", len, body, reason);
}

static void add_case(Suite *suite, const char *name, enum suite_case of)
{
	TCase *tc = tcase_create(name);

	tcase_set_timeout(tc, TIMEOUT_S);
	tcase_add_checked_fixture(tc, fixture_set_up, fixture_tear_down);
	for (size_t i = 0; i < test_count; i++) {
		if (tests[i].of == of)
			tcase_add_test(tc, tests[i].test);
	}
	suite_add_tcase(suite, tc);
}

int suite_run(const char *name)
{
	Suite *suite = suite_create(name);

	if (getenv("BOBBIN_TIMING")) {
		add_case(suite, "timing", SUITE_TIMING);
	} else {
		add_case(suite, "server", SUITE_SERVER);
		add_case(suite, "ledger", SUITE_LEDGER);
	}
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
