/* SPDX-License-Identifier: ISC */
/* Proves signals: who is blocked where, and that the knock interrupts. */
#include "server/signals.h"

#include "test/suite.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

static const int of_mistakes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
static const int of_stops[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};

static sigset_t mask(void)
{
	sigset_t now;

	ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, NULL, &now), 0);
	return now;
}

TEST(all_leaves_the_signals_of_faults_alone)
{
	sigset_t all = signals_all();

	for (size_t i = 0; i < SUITE_COUNT(of_mistakes); i++)
		ck_assert(!sigismember(&all, of_mistakes[i]));
	for (size_t i = 0; i < SUITE_COUNT(of_stops); i++)
		ck_assert(sigismember(&all, of_stops[i]));
	ck_assert(sigismember(&all, SIGNALS_KNOCK));
	ck_assert(sigismember(&all, SIGALRM));
}

TEST(the_coordinator_waits_for_five)
{
	sigset_t set = signals_waited_for();
	size_t count = 0;

	for (int i = 1; i < NSIG; i++)
		count += sigismember(&set, i) == 1;
	ck_assert_uint_eq(count, SUITE_COUNT(of_stops));
	for (size_t i = 0; i < SUITE_COUNT(of_stops); i++)
		ck_assert(sigismember(&set, of_stops[i]));
}

TEST(blocking_blocks_all)
{
	signals_block();
	sigset_t blocked = mask();
	for (size_t i = 0; i < SUITE_COUNT(of_stops); i++)
		ck_assert(sigismember(&blocked, of_stops[i]));
	ck_assert(sigismember(&blocked, SIGNALS_KNOCK));
	ck_assert(!sigismember(&blocked, SIGSEGV));
}

TEST(what_was_blocked_before_is_kept)
{
	sigset_t before;

	sigemptyset(&before);
	sigaddset(&before, SIGWINCH);
	ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
	signals_block();
	sigset_t original = signals_original();
	ck_assert(sigismember(&original, SIGWINCH));
	ck_assert(!sigismember(&original, SIGTERM));
}

TEST(the_knock_is_let_in_and_kept_out_alone)
{
	signals_block();
	signals_knock(SIG_UNBLOCK);
	sigset_t now = mask();
	ck_assert(!sigismember(&now, SIGNALS_KNOCK));
	ck_assert(sigismember(&now, SIGTERM));
	signals_knock(SIG_BLOCK);
	now = mask();
	ck_assert(sigismember(&now, SIGNALS_KNOCK));
}

TEST(the_coordinator_lets_in_what_nobody_waits_for)
{
	signals_block();
	signals_unblock_others();
	sigset_t now = mask();
	for (size_t i = 0; i < SUITE_COUNT(of_stops); i++)
		ck_assert(sigismember(&now, of_stops[i]));
	ck_assert(sigismember(&now, SIGNALS_KNOCK));
	ck_assert(!sigismember(&now, SIGALRM));
	ck_assert(!sigismember(&now, SIGQUIT));
}

static sem_t done;
static int result;

static void *read_for_ever(void *fd)
{
	char byte;

	signals_knock(SIG_UNBLOCK);
	result = read(*(int *)fd, &byte, 1) < 0 ? errno : 0;
	sem_post(&done);
	return NULL;
}

/* One knock may come before the call, hence again and again, as the coordinator does. */
TEST(a_knock_interrupts_a_blocked_call)
{
	pthread_t thread;
	int fds[2];

	signals_block();
	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(sem_init(&done, 0, 0), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, read_for_ever, &fds[0]), 0);
	while (sem_trywait(&done) < 0)
		ck_assert_int_eq(pthread_kill(thread, SIGNALS_KNOCK), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_eq(result, EINTR);
}
