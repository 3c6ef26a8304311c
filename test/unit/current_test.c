/* SPDX-License-Identifier: ISC */
/*
 * Proves current: settings live as long as they are held, and no longer, while others replace them.
 * The sanitizers see what is freed too early, or never.
 */
#include "server/settings/current.h"

#include "server/settings/options.h"
#include "test/suite.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static struct current current;

/* Settings that are known by their instance. */
static struct settings *make(int number)
{
	struct settings *s = settings_new();
	char mistake[OPTION_MISTAKE_MAX];
	char text[32];

	snprintf(text, sizeof text, "number %d", number);
	ck_assert(option_set(option_find("instance"), s, text, mistake));
	return s;
}

static atomic_bool enough;

/* As an acceptor and its workers do: hold, use, release. */
static void *use(void *arg)
{
	(void)arg;
	while (!atomic_load(&enough)) {
		struct settings *s = current_hold(&current);
		struct settings *again = settings_hold(s);
		ck_assert_int_eq(strncmp(s->instance, "number ", 7), 0);
		settings_release(s);
		ck_assert_int_eq(strncmp(again->instance, "number ", 7), 0);
		settings_release(again);
	}
	return NULL;
}

TEST(threads_use_them_while_they_are_replaced)
{
	pthread_t threads[4];

	current_init(&current, make(0));
	for (size_t i = 0; i < SUITE_COUNT(threads); i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, use, NULL), 0);
	for (int i = 1; i <= 500; i++)
		current_replace(&current, make(i));
	atomic_store(&enough, true);
	for (size_t i = 0; i < SUITE_COUNT(threads); i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	ck_assert_uint_eq(current.settings->holders, 1);
	ck_assert_str_eq(current.settings->instance, "number 500");
	settings_release(current.settings);
}
