/* SPDX-License-Identifier: ISC */
/*
 * Proves current: a set lives as long as it is held, and no longer.  The sanitizers see what is freed
 * too early, or never.
 */
#include "server/settings/current.h"

#include "server/settings/options.h"
#include "test/suite.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static struct current current;

/* A set that is known by its instance. */
static struct settings *make(const char *instance)
{
	struct settings *s = settings_new();
	char mistake[OPTION_MISTAKE_MAX];

	ck_assert(option_set(option_find("instance"), s, instance, mistake));
	return s;
}

static void check_in_force(const char *instance)
{
	struct settings *s = current_hold(&current);

	ck_assert_str_eq(s->instance, instance);
	settings_release(s);
}

TEST(the_settings_in_force_are_held_for_the_caller)
{
	struct settings *s = make("one");

	current_init(&current, s);
	ck_assert_uint_eq(s->holders, 1);
	ck_assert_ptr_eq(current_hold(&current), s);
	ck_assert_uint_eq(s->holders, 2);
	settings_release(s);
	ck_assert_uint_eq(s->holders, 1);
	settings_release(s);
}

TEST(replaced_settings_are_released_and_live_on_while_they_are_held)
{
	struct settings *one = make("one");
	struct settings *two = make("two");

	current_init(&current, one);
	(void)current_hold(&current);
	current_replace(&current, two);
	check_in_force("two");
	ck_assert_uint_eq(two->holders, 1);
	ck_assert_uint_eq(one->holders, 1);
	ck_assert_str_eq(one->instance, "one");
	settings_release(one);
	current_replace(&current, make("three"));
	check_in_force("three");
	settings_release(current.settings);
}

TEST(each_replacement_has_another_version_even_by_the_same_settings)
{
	struct settings *s = make("one");

	current_init(&current, s);
	unsigned first = current_version(&current);
	ck_assert_uint_eq(current_version(&current), first);
	current_replace(&current, current_hold(&current));
	unsigned second = current_version(&current);
	ck_assert_uint_ne(second, first);
	ck_assert_ptr_eq(current.settings, s);
	ck_assert_uint_eq(s->holders, 1);
	current_replace(&current, make("two"));
	ck_assert_uint_ne(current_version(&current), second);
	ck_assert_uint_ne(current_version(&current), first);
	settings_release(current.settings);
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
	enum {
		THREADS = 4,
		REPLACEMENTS = 500
	};
	pthread_t threads[THREADS];
	char instance[32];

	current_init(&current, make("number 0"));
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, use, NULL), 0);
	for (int i = 1; i <= REPLACEMENTS; i++) {
		snprintf(instance, sizeof instance, "number %d", i);
		current_replace(&current, make(instance));
	}
	atomic_store(&enough, true);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	check_in_force("number 500");
	ck_assert_uint_eq(current.settings->holders, 1);
	settings_release(current.settings);
}
