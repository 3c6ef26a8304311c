/* SPDX-License-Identifier: ISC */
/*
 * suite - one Check suite, from a list of tests to an exit status.
 */
#ifndef BOBBIN_TEST_UNIT_SUITE_H
#define BOBBIN_TEST_UNIT_SUITE_H

#include "skip.h"

#include <check.h>
#include <stddef.h>

/* The count of an array that is one. */
#define SUITE_COUNT(array) (sizeof(array) / sizeof *(array))

struct suite_test {
	const TTest *test;
	size_t rows; /* 0: it runs once; else once for each row of its table, the row being _i */
};

/*
 * Run the tests, each in a process of its own.  Returns main()'s status.  With BOBBIN_TIMING a test
 * passes if one of three tries does.
 */
int suite_run(const char *name, const struct suite_test *tests, size_t count);

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
