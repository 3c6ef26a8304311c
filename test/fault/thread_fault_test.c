/* SPDX-License-Identifier: ISC */
/* Proves acceptor and worker: a thread that is not to be had costs one connection and nothing else.
 */
#include "acceptors.h"

#include "capture.h"
#include "common/deadline.h"
#include "pair.h"
#include "peer.h"
#include "rig.h"
#include "test/suite.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static atomic_int failures;
static atomic_int failed_with;

int __real_pthread_create(
	pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg);
int __wrap_pthread_create(
	pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg);

int __wrap_pthread_create(
	pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *), void *arg)
{
	if (atomic_load(&failures) == 0)
		return __real_pthread_create(thread, attr, start, arg);
	atomic_fetch_sub(&failures, 1);
	return atomic_load(&failed_with);
}

static void fail_next(int times, int error)
{
	atomic_store(&failed_with, error);
	atomic_store(&failures, times);
}

static void check_turned_away(int which)
{
	int fd = acceptors_dial(which);

	ck_assert_int_eq(peer_reads_to_end(fd, NULL), 0);
	close(fd);
}

static const int errors[] = {EAGAIN, ENOMEM, EPERM};

TEST_ROWS(the_connection_is_closed_and_all_that_was_done_for_it_is_undone, SUITE_COUNT(errors))
{
	char words[128];

	acceptors_begin(1);
	acceptors_open();
	acceptors_start();
	size_t before = open_descriptors();
	fail_next(1, errors[_i]);
	check_turned_away(0);
	acceptors_check_serves(0);
	rig_await_rest();

	struct counts c = rig_counts();
	ck_assert_uint_eq(c.of[COUNTER_ACCEPTED], 2);
	ck_assert_uint_eq(c.of[COUNTER_ACTIVE], 0);
	ck_assert_uint_eq(c.of[COUNTER_REFUSED], 1);
	ck_assert_uint_eq(c.of[COUNTER_THREADS_FAILED], 1);
	ck_assert_uint_eq(c.of[COUNTER_THREADS_STARTED], 1);
	ck_assert_uint_eq(c.of[COUNTER_ACCEPT_SHORTAGES], 1);
	ck_assert_uint_eq(c.of[COUNTER_ENDED], 1);
	rig_check_sum();
	ck_assert_uint_eq(open_descriptors(), before);
	/* The same slot served the second one. */
	ck_assert_uint_eq(rig.registry.used, 1);
	snprintf(words, sizeof words,
		" level=warn event=thread_shortage listener=127.0.0.1:0 error=\"%s\" untold_before=0\n",
		strerrordesc_np(errors[_i]));
	ck_assert_uint_eq(capture_count(STDERR_FILENO, words), 1);
	acceptors_stop();
}

TEST(connections_that_have_a_thread_are_not_touched)
{
	acceptors_begin(1);
	acceptors_open();
	acceptors_start();
	int fd = acceptors_dial(0);
	must_send_text(fd, "one\n");
	peer_expects(fd, "echo: one\n");
	fail_next(1, EAGAIN);
	check_turned_away(0);
	must_send_text(fd, "two\n");
	peer_expects(fd, "echo: two\n");
	ck_assert_uint_eq(barrier_wait(&rig.busy, 0), 1);
	close(fd);
	rig_await_rest();
	acceptors_stop();
	rig_check_sum();
}

TEST(a_parked_thread_serves_though_no_new_one_is_to_be_had)
{
	acceptors_begin(1);
	acceptors_open();
	acceptors_start();
	acceptors_check_serves(0);
	rig_await_rest();
	rig_await_parked(1);
	fail_next(1, EAGAIN);
	acceptors_check_serves(0);
	rig_await_rest();
	ck_assert_int_eq(atomic_load(&failures), 1);
	ck_assert_uint_eq(rig_count(COUNTER_THREADS_FAILED), 0);
	acceptors_stop();
}

TEST(a_row_of_failures_is_rested_after_each_and_told_once_a_second)
{
	const int times = 6;
	int64_t before = deadline_now();

	acceptors_begin(1);
	acceptors_open();
	acceptors_start();
	fail_next(times, EAGAIN);
	for (int i = 0; i < times; i++)
		check_turned_away(0);
	acceptors_check_serves(0);
	/* 5 + 10 + 20 + 40 + 80 + 160 ms. */
	ck_assert_int_ge(deadline_now() - before, 315 * NS_PER_MS);
	rig_await_rest();
	struct counts c = rig_counts();
	ck_assert_uint_eq(c.of[COUNTER_ACCEPTED], 7);
	ck_assert_uint_eq(c.of[COUNTER_REFUSED], 6);
	ck_assert_uint_eq(c.of[COUNTER_THREADS_FAILED], 6);
	rig_check_sum();
	size_t told = capture_count(STDERR_FILENO, "event=thread_shortage");
	ck_assert_uint_ge(told, 1);
	ck_assert_int_le((int64_t)told, 1 + (deadline_now() - before) / NS_PER_S);
	acceptors_stop();
}

TEST(with_one_place_only_the_place_is_free_again)
{
	acceptors_begin(2);
	rig_set("limits.max_connections", "1");
	acceptors_open();
	acceptors_start();
	fail_next(1, EAGAIN);
	check_turned_away(0);
	acceptors_check_serves(1);
	rig_await_rest();
	acceptors_check_serves(0);
	rig_await_rest();
	acceptors_stop();
	rig_check_sum();
}

/* A stop that comes right behind finds nobody inside. */
TEST(the_barrier_is_left_for_a_connection_that_got_no_thread)
{
	acceptors_begin(1);
	acceptors_open();
	acceptors_start();
	fail_next(1, EAGAIN);
	check_turned_away(0);
	acceptors_stop();
	ck_assert_uint_eq(barrier_wait(&rig.busy, 0), 0);
}
