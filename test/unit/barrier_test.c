/* SPDX-License-Identifier: ISC */
/* Proves barrier: it counts exactly, wakes the waiter with the last leave, gives up in time, and
 * shuts for good. */
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

static pthread_t must_start(void *(*run)(void *arg), void *arg)
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, run, arg), 0);
	return thread;
}

static void must_join(pthread_t thread)
{
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

static int64_t soon(void)
{
	return deadline_after(60 * NS_PER_S);
}

TEST(the_wait_on_an_empty_barrier_returns_at_once)
{
	barrier_init(&barrier);
	ck_assert_uint_eq(barrier_wait(&barrier, DEADLINE_NEVER), 0);
	ck_assert_uint_eq(barrier_wait(&barrier, 0), 0);
}

TEST(the_wait_returns_how_many_are_inside)
{
	barrier_init(&barrier);
	for (unsigned inside = 1; inside <= 5; inside++) {
		ck_assert(barrier_enter(&barrier));
		ck_assert_uint_eq(barrier_wait(&barrier, 0), inside);
	}
	for (unsigned inside = 5; inside-- > 0;) {
		barrier_leave(&barrier);
		ck_assert_uint_eq(barrier_wait(&barrier, 0), inside);
	}
}

/* One below a slice of the wait (lock_wait: 100 ms), one above. */
static const int64_t patience_ms[] = {40, 150};

TEST_TIMED_ROWS(the_wait_gives_up_at_the_deadline, SUITE_COUNT(patience_ms))
{
	int64_t patience = patience_ms[_i] * NS_PER_MS;

	barrier_init(&barrier);
	ck_assert(barrier_enter(&barrier));
	int64_t start = deadline_now();
	ck_assert_uint_eq(barrier_wait(&barrier, deadline_from(start, patience)), 1);
	mode_check_window(start, patience);
}

TEST_TIMED(a_deadline_in_the_past_does_not_wait)
{
	barrier_init(&barrier);
	ck_assert(barrier_enter(&barrier));
	int64_t start = deadline_now();
	ck_assert_uint_eq(barrier_wait(&barrier, start - NS_PER_S), 1);
	mode_check_most(deadline_now() - start, 10 * NS_PER_MS);
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
	ck_assert(!barrier_enter(&barrier));
	barrier_close(&barrier);
	ck_assert(!barrier_enter(&barrier));
}

TEST(an_open_barrier_lets_in_after_it_was_empty)
{
	barrier_init(&barrier);
	for (int i = 0; i < 3; i++) {
		ck_assert(barrier_enter(&barrier));
		barrier_leave(&barrier);
		ck_assert_uint_eq(barrier_wait(&barrier, 0), 0);
	}
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
	pthread_t threads[THREADS];

	for (int round = 0; round < mode_times(20, 2000); round++) {
		barrier_init(&barrier);
		atomic_store(&go, false);
		atomic_store(&working, THREADS);
		for (int i = 0; i < THREADS; i++) {
			ck_assert(barrier_enter(&barrier));
			threads[i] = must_start(leave_when_told, NULL);
		}
		atomic_store(&go, true);
		ck_assert_uint_eq(barrier_wait(&barrier, soon()), 0);
		/* None was still at work when the wait ended. */
		ck_assert_int_eq(atomic_load(&working), 0);
		for (int i = 0; i < THREADS; i++)
			must_join(threads[i]);
	}
}

static void *wait_for_all(void *arg)
{
	int64_t *ended = arg;

	atomic_store(&go, true);
	unsigned inside = barrier_wait(&barrier, soon());
	*ended = inside == 0 ? deadline_now() : DEADLINE_NEVER;
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
		barrier_init(&barrier);
		atomic_store(&go, false);
		ck_assert(barrier_enter(&barrier));
		pthread_t waiter = must_start(wait_for_all, &ended);
		while (!atomic_load(&go))
			sched_yield();
		ck_assert_uint_eq(barrier_wait(&pause, deadline_after(30 * NS_PER_MS)), 1);
		int64_t left = deadline_now();
		barrier_leave(&barrier);
		must_join(waiter);
		best = deadline_earlier(best, ended - left);
	}
	mode_check_most(best, 40 * NS_PER_MS);
}

static void *come_and_go(void *arg)
{
	unsigned *entered = arg;

	for (int i = 0; i < ROUNDS; i++) {
		if (!barrier_enter(&barrier))
			break;
		++*entered;
		atomic_fetch_add(&working, 1);
		atomic_fetch_sub(&working, 1);
		barrier_leave(&barrier);
	}
	return NULL;
}

TEST(after_close_and_wait_nobody_is_inside_or_comes_in)
{
	pthread_t threads[THREADS];
	unsigned entered[THREADS];

	for (int round = 0; round < mode_times(10, 1000); round++) {
		barrier_init(&barrier);
		atomic_store(&working, 0);
		for (int i = 0; i < THREADS; i++) {
			entered[i] = 0;
			threads[i] = must_start(come_and_go, &entered[i]);
		}
		barrier_close(&barrier);
		ck_assert_uint_eq(barrier_wait(&barrier, soon()), 0);
		ck_assert_int_eq(atomic_load(&working), 0);
		ck_assert(!barrier_enter(&barrier));
		for (int i = 0; i < THREADS; i++)
			must_join(threads[i]);
		ck_assert_uint_eq(barrier_wait(&barrier, 0), 0);
	}
}

TEST(the_count_is_exact_under_many_threads)
{
	pthread_t threads[THREADS];
	unsigned entered[THREADS] = {0};

	barrier_init(&barrier);
	ck_assert(barrier_enter(&barrier));
	for (int i = 0; i < THREADS; i++)
		threads[i] = must_start(come_and_go, &entered[i]);
	for (int i = 0; i < THREADS; i++)
		must_join(threads[i]);
	for (int i = 0; i < THREADS; i++)
		ck_assert_uint_eq(entered[i], ROUNDS);
	ck_assert_uint_eq(barrier_wait(&barrier, 0), 1);
	barrier_leave(&barrier);
	ck_assert_uint_eq(barrier_wait(&barrier, 0), 0);
}
