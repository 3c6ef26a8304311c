/* SPDX-License-Identifier: ISC */
/* suite - running the tests of one file, and saying why one of them cannot run here. */
#ifndef BOBBIN_TEST_SYSTEM_SUITE_H
#define BOBBIN_TEST_SYSTEM_SUITE_H

#include "test/unit/skip.h"

#include <check.h>
#include <stdbool.h>

/* The exit status by which meson knows a test that was skipped. */
#define SUITE_SKIPPED 77

/* Seconds after which a test hangs. */
#define SUITE_TIMEOUT_S 300

struct suite_test {
	const TTest *test;
	bool bound; /* it checks a stated bound in time, and prints the figure */
};

/*
 * Run the tests (ended by a row with NULL) in fork mode.  With BOBBIN_TIMING in the environment
 * only those with a bound, each of which has three tries.  Returns the exit status for main().
 */
int suite_run(const char *name, const struct suite_test *tests);

/* True if the program is in PATH. */
bool suite_has_program(const char *name);

/* Say that this suite is skipped, and why, and end the whole program so.  Only in main(). */
_Noreturn void suite_skip(const char *name, const char *reason);

/*
 * Inside a test: say why, once however many rows it has, and end it.  Check has no word for skipped,
 * so it counts as passed.
 */
#define SUITE_SKIP_TEST(reason)                                                                    \
	do {                                                                                       \
		if (_i == 0)                                                                       \
			skip_tell(__func__, reason);                                               \
		return;                                                                            \
	} while (0)

#endif
