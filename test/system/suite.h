/* SPDX-License-Identifier: ISC */
/* suite - running the tests of one file, and saying why one of them cannot run here. */
#ifndef BOBBIN_TEST_SYSTEM_SUITE_H
#define BOBBIN_TEST_SYSTEM_SUITE_H

#include <check.h>
#include <stdbool.h>

/* The exit status by which meson knows a test that was skipped. */
#define SUITE_SKIPPED 77

/* Seconds that one test may take. */
#define SUITE_TIMEOUT_S 120

struct suite_test {
	const TTest *test;
	bool bound; /* it checks a stated bound in time, and prints the figure */
};

/*
 * Run the tests (ended by a row with NULL) in fork mode.  With BOBBIN_FIGURES in the environment
 * only those with a bound. Returns the exit status for main().
 */
int suite_run(const char *name, const struct suite_test *tests);

/* True if the program is in PATH. */
bool suite_has_program(const char *name);

/* Say why and end the whole program as skipped.  Only in main(). */
_Noreturn void suite_skip(const char *reason);

/* Inside a test: say why, and end it.  Check has no word for skipped, so it counts as passed. */
#define SUITE_SKIP_TEST(reason)                                                                    \
	do {                                                                                       \
		printf("skipped: %s: %s\n", __func__, reason);                                     \
		return;                                                                            \
	} while (0)

#endif
