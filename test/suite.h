/* SPDX-License-Identifier: ISC */
/*
 * suite - the tests of one program: each registers itself, runs in a process of its own, and is
 * named by a sentence.
 *
 *	TEST(the_sentence) { ... }
 *
 * main.c is the main() of every program of tests.  BOBBIN_TIMING in the environment asks for the
 * tests with an upper bound in time: one at a time, each of which passes if one of three tries does.
 */
#ifndef BOBBIN_TEST_SUITE_H
#define BOBBIN_TEST_SUITE_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>

/* When a test runs.  CK_RUN_CASE=NAME runs one of the first three kinds alone. */
enum suite_kind {
	SUITE_PLAIN,      /* "plain": by default */
	SUITE_ANY_SERVER, /* "server": the same, and against any server that answers rightly */
	SUITE_TIMED,  /* "timed": the same, and with BOBBIN_TIMING, where its bounds are tight */
	SUITE_TIMING, /* with BOBBIN_TIMING only */
};

struct suite_test {
	const TTest *test;
	enum suite_kind kind;
	int rows;  /* it runs once for each, as _i says, */
	int first; /* from here on */
};

#define SUITE_TEST(of, sentence, count)                                                            \
	static void sentence##_body(int);                                                          \
	static const TTest sentence##_test = {#sentence, sentence##_body, __FILE__, __LINE__};     \
	__attribute__((constructor)) static void sentence##_is_added(void)                         \
	{                                                                                          \
		suite_add(&(struct suite_test){                                                    \
			.test = &sentence##_test, .kind = (of), .rows = (int)(count)});            \
	}                                                                                          \
	static void sentence##_body(int _i __attribute__((unused)))

#define TEST(sentence)               SUITE_TEST(SUITE_PLAIN, sentence, 1)
#define TEST_OF_ANY_SERVER(sentence) SUITE_TEST(SUITE_ANY_SERVER, sentence, 1)
#define TEST_TIMED(sentence)         SUITE_TEST(SUITE_TIMED, sentence, 1)
#define TEST_OF_TIME(sentence)       SUITE_TEST(SUITE_TIMING, sentence, 1)

/* So often, for instance once for each row of a table: _i is the index. */
#define TEST_ROWS(sentence, count)       SUITE_TEST(SUITE_PLAIN, sentence, count)
#define TEST_TIMED_ROWS(sentence, count) SUITE_TEST(SUITE_TIMED, sentence, count)

/* The count of an array that is one. */
#define SUITE_COUNT(array) (sizeof(array) / sizeof *(array))

/* Called before and after each test of the program, in its process; either may be NULL. */
#define SUITE_FIXTURE(set_up, tear_down)                                                           \
	__attribute__((constructor)) static void suite_fixture_is_set(void)                        \
	{                                                                                          \
		suite_set_fixture((set_up), (tear_down));                                          \
	}

/* Without it no test of the program can run: a function that returns why not, or NULL. */
#define SUITE_NEEDS(why_not)                                                                       \
	__attribute__((constructor)) static void suite_need_is_set(void)                           \
	{                                                                                          \
		suite_set_need(why_not);                                                           \
	}

/* Inside a test: say why, once however many rows it has, and end it.  Check counts it as passed. */
#define SUITE_SKIP(reason)                                                                         \
	do {                                                                                       \
		if (_i == 0)                                                                       \
			suite_tell_skipped(__func__, reason);                                      \
		return;                                                                            \
	} while (0)

void suite_add(const struct suite_test *test);
void suite_set_fixture(void (*set_up)(void), void (*tear_down)(void));
void suite_set_need(const char *(*why_not)(void));

/*
 * Say which test does not run here and why, in the one form that is looked for in meson's log:
 * "skipped: NAME: REASON".  The reason ends with what to install, if that helps.
 */
void suite_tell_skipped(const char *name, const char *reason);

/* Whether the name localhost has an address; where it has none, that is told of the test. */
bool suite_knows_localhost(const char *name);

/* Run what was added; returns main's status.  Only for a program with a main() of its own. */
int suite_run(const char *name);

/* True if the program is in PATH. */
bool suite_has_program(const char *name);

#endif
