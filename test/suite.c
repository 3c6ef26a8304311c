/* SPDX-License-Identifier: ISC */
/* suite - the tests of one program. */
#include "suite.h"

#include "mode.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TESTS_MAX 200

/* For a test that hangs, not for one that is slow: machines are noisy, and sanitizers cost much. */
#define HANGS_AFTER_S 180

/* The exit status by which meson knows a program that was skipped. */
#define SKIPPED 77

/* What TEST() puts after the name of a test's body. */
#define BODY "_body"

static struct suite_test tests[TESTS_MAX];
static size_t test_count;
static void (*set_up)(void);
static void (*tear_down)(void);
static const char *(*why_not)(void);

void suite_add(const struct suite_test *test)
{
	if (test_count == TESTS_MAX)
		abort();
	tests[test_count++] = *test;
}

void suite_set_fixture(void (*before)(void), void (*after)(void))
{
	set_up = before;
	tear_down = after;
}

void suite_set_need(const char *(*need)(void))
{
	why_not = need;
}

void suite_tell_skipped(const char *name, const char *reason)
{
	size_t len = strlen(name);
	size_t body = strlen(BODY);

	if (len > body && strcmp(name + len - body, BODY) == 0)
		len -= body;
	printf("skipped: %.*s: %s\n", (int)len, name, reason);
	fflush(stdout);
}

bool suite_knows_localhost(const char *name)
{
	struct addrinfo *found;

	if (getaddrinfo("localhost", NULL, NULL, &found) == 0) {
		freeaddrinfo(found);
		return true;
	}
	suite_tell_skipped(name, "localhost has no address here (put it into /etc/hosts)");
	return false;
}

static TCase *add_case(Suite *suite, const char *name)
{
	TCase *tcase = tcase_create(name);

	tcase_set_timeout(tcase, HANGS_AFTER_S);
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	suite_add_tcase(suite, tcase);
	return tcase;
}

static bool succeeds(Suite *suite)
{
	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0;
}

static bool pass(const char *name)
{
	static const char *const names[] = {
		[SUITE_PLAIN] = "plain",
		[SUITE_ANY_SERVER] = "server",
		[SUITE_TIMED] = "timed",
	};
	Suite *suite = suite_create(name);

	for (size_t kind = 0; kind < SUITE_COUNT(names); kind++) {
		TCase *tcase = add_case(suite, names[kind]);
		for (const struct suite_test *t = tests; t < tests + test_count; t++) {
			if (t->kind == kind)
				tcase_add_loop_test(tcase, t->test, t->first, t->first + t->rows);
		}
	}
	return succeeds(suite);
}

static bool keeps_its_bounds(const char *name, const struct suite_test *test)
{
	for (int i = 0; i < MODE_TRIES; i++) {
		Suite *suite = suite_create(name);
		tcase_add_loop_test(add_case(suite, "timing"), test->test, test->first,
			test->first + test->rows);
		if (succeeds(suite))
			return true;
	}
	return false;
}

static bool keep_their_bounds(const char *name)
{
	bool kept = true;

	for (const struct suite_test *t = tests; t < tests + test_count; t++) {
		if (t->kind >= SUITE_TIMED)
			kept = keeps_its_bounds(name, t) && kept;
	}
	return kept;
}

int suite_run(const char *name)
{
	const char *reason = why_not ? why_not() : NULL;

	if (reason) {
		suite_tell_skipped(name, reason);
		return SKIPPED;
	}
	bool good = mode_is_timing() ? keep_their_bounds(name) : pass(name);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
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
