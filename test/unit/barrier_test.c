/* SPDX-License-Identifier: ISC */
/*
 * Proves barrier: it counts exactly, wakes the waiter with the last leave, gives up in time, and
 * shuts for good.
 */
#include "common/barrier.h"

#include "common/deadline.h"
#include "test/mode.h"
#include "test/suite.h"

#include <stdatomic.h>

#define THREADS 8
#define ROUNDS  2000

/* Static, as a barrier must be: it is never destroyed. */
static struct barrier barrier;
static atomic_int working;
static atomic_bool go;
static pthread_t threads[THREADS];

static void must_start_all(void *(*run)(void *arg))
{
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, run, NULL), 0);
}

static void must_join_all(void)
{
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}

static int64_t soon(void)
{
	return deadline_after(60 * NS_PER_S);
}

TEST(the_wait_returns_how_many_are_inside_and_at_once_when_none_is)
{
	barrier_init(&barrier);
	ck_assert_uint_eq(barrier_wait(&barrier, DEADLINE_NEVER), 0);
	for (unsigned inside = 1; inside <= 5; inside++) {
		ck_assert(barrier_enter(&barrier));
		ck_assert_uint_eq(barrier_wait(&barrier, 0), inside);
	}
	for (unsigned inside = 5; inside-- > 0;) {
		barrier_leave(&barrier);
		ck_assert_uint_eq(barrier_wait(&barrier, 0), inside);
	}
	/* It was empty, and is still open. */
	ck_assert(barrier_enter(&barrier));
}

/* In the past, below a slice of the wait (lock_wait: 100 ms), and above one. */
static const int64_t patience_ms[] = {0, 40, 150};

TEST_TIMED_ROWS(the_wait_gives_up_at_the_deadline, SUITE_COUNT(patience_ms))
{
	int64_t patience = patience_ms[_i] * NS_PER_MS;

	barrier_init(&barrier);
	ck_assert(barrier_enter(&barrier));
	int64_t start = deadline_now();
	ck_assert_uint_eq(barrier_wait(&barrier, deadline_from(start, patience)), 1);
	mode_check_window(start, patience);
}

TEST(a_closed_barrier_refuses_and_keeps_those_inside)
{
	barrier_init(&barrier);
	ck_assert(barrier_enter(&barrier));
	barrier_close(&barrier);
	ck_assert(!barrier_enter(&barrier));
	ck_assert_uint_eq(barrier_wait(&barrier, 0), 1);
	barrier_leave(&barrier);
	ck_assert_uint_eq(barrier_wait(&barrier, 0), 0);
	barrier_close(&barrier);
	ck_assert(!barrier_enter(&barrier));
}

static void *leave_when_told(void *arg)
{
	while (!atomic_load(&go))
		sched_yield();
	atomic_fetch_sub(&working, 1);
	barrier_leave(&barrier);
	return arg;
}

TEST(the_last_leave_wakes_the_waiter)
{
	for (int round = 0; round < mode_times(20, 2000); round++) {
		barrier_init(&barrier);
		atomic_store(&go, false);
		atomic_store(&working, THREADS);
		for (int i = 0; i < THREADS; i++)
			ck_assert(barrier_enter(&barrier));
		must_start_all(leave_when_told);
		atomic_store(&go, true);
		ck_assert_uint_eq(barrier_wait(&barrier, soon()), 0);
		/* None was still at work when the wait ended. */
		ck_assert_int_eq(atomic_load(&working), 0);
		must_join_all();
	}
}

static void *wait_for_all(void *ended)
{
	atomic_store(&go, true);
	ck_assert_uint_eq(barrier_wait(&barrier, soon()), 0);
	*(int64_t *)ended = deadline_now();
	return NULL;
}

/*
 * The wait looks again every 100 ms even if no signal comes.  So: leave 30 ms after it began, and
 * be noticed in less than the 70 ms that remain, in one round of five at least.
 */
TEST_TIMED(the_leave_itself_wakes_the_waiter_and_not_its_looking_again)
{
	static struct barrier pause;
	int64_t best = DEADLINE_NEVER;

	barrier_init(&pause);
	ck_assert(barrier_enter(&pause));
	for (int round = 0; round < 5; round++) {
		int64_t ended;
		pthread_t waiter;
		barrier_init(&barrier);
		atomic_store(&go, false);
		ck_assert(barrier_enter(&barrier));
		ck_assert_int_eq(pthread_create(&waiter, NULL, wait_for_all, &ended), 0);
		while (!atomic_load(&go))
			sched_yield();
		ck_assert_uint_eq(barrier_wait(&pause, deadline_after(30 * NS_PER_MS)), 1);
		int64_t left = deadline_now();
		barrier_leave(&barrier);
		ck_assert_int_eq(pthread_join(waiter, NULL), 0);
		best = deadline_earlier(best, ended - left);
	}
	mode_check_most(best, 40 * NS_PER_MS);
}

static atomic_uint entered;

static void *come_and_go(void *arg)
{
	for (int i = 0; i < ROUNDS && barrier_enter(&barrier); i++) {
		atomic_fetch_add(&entered, 1);
		atomic_fetch_add(&working, 1);
		atomic_fetch_sub(&working, 1);
		barrier_leave(&barrier);
	}
	return arg;
}

TEST(after_close_and_wait_no_thread_is_inside_or_comes_in)
{
	for (int round = 0; round < mode_times(10, 1000); round++) {
		barrier_init(&barrier);
		must_start_all(come_and_go);
		barrier_close(&barrier);
		ck_assert_uint_eq(barrier_wait(&barrier, soon()), 0);
		ck_assert_int_eq(atomic_load(&working), 0);
		ck_assert(!barrier_enter(&barrier));
		must_join_all();
		ck_assert_uint_eq(barrier_wait(&barrier, 0), 0);
	}
}

TEST(the_count_is_exact_under_many_threads)
{
	barrier_init(&barrier);
	ck_assert(barrier_enter(&barrier));
	must_start_all(come_and_go);
	must_join_all();
	ck_assert_uint_eq(atomic_load(&entered), THREADS * ROUNDS);
	ck_assert_uint_eq(barrier_wait(&barrier, 0), 1);
	barrier_leave(&barrier);
	ck_assert_uint_eq(barrier_wait(&barrier, 0), 0);
}
