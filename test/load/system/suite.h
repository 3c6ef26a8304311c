/* SPDX-License-Identifier: ISC */
/*
 * suite - a test registers itself, and runs in one of three cases:
 *
 *   server   TEST_OF_ANY_SERVER: it wants nothing but right replies, so bobbind does as well
 *   ledger   TEST: it wants a server that behaves as it is told, or its record
 *   timing   TEST_OF_TIME: a tight upper bound in time, for a quiet machine; these run only, and
 *            alone, if BOBBIN_TIMING is in the environment
 */
#ifndef BOBBIN_LOAD_SYSTEM_SUITE_H
#define BOBBIN_LOAD_SYSTEM_SUITE_H

#include <check.h>

enum suite_case {
	SUITE_SERVER,
	SUITE_LEDGER,
	SUITE_TIMING,
};

void suite_add(enum suite_case of, const TTest *test);

/* Run what was added; returns main's exit status. */
int suite_run(const char *name);

#define SUITE_TEST(of, sentence)                                                                   \
	static void sentence##_body(int);                                                          \
	static const TTest sentence##_test = {#sentence, sentence##_body, __FILE__, __LINE__};     \
	__attribute__((constructor)) static void sentence##_is_added(void)                         \
	{                                                                                          \
		suite_add((of), &sentence##_test);                                                 \
	}                                                                                          \
	static void sentence##_body(int loop __attribute__((unused)))

#define TEST(sentence)               SUITE_TEST(SUITE_LEDGER, sentence)
#define TEST_OF_ANY_SERVER(sentence) SUITE_TEST(SUITE_SERVER, sentence)
#define TEST_OF_TIME(sentence)       SUITE_TEST(SUITE_TIMING, sentence)

/* Inside a test: say why it cannot be run here, and end it.  Check counts it as passed. */
#define SUITE_SKIP(reason)                                                                         \
	do {                                                                                       \
		suite_skip(__func__, reason);                                                      \
		return;                                                                            \
	} while (0)

void suite_skip(const char *body, const char *reason);

#endif
