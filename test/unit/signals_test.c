/* SPDX-License-Identifier: ISC */
/* Proves signals: which signals each kind of thread blocks. */
#include "server/signals.h"

#include "test/suite.h"

#include <pthread.h>

static bool is_blocked(int signal)
{
	sigset_t now;

	ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, NULL, &now), 0);
	return sigismember(&now, signal) == 1;
}

static const struct {
	int signal;
	bool worker; /* blocks it */
	bool coordinator;
	bool waited_for;
} rows[] = {
	{SIGTERM, true, true, true},
	{SIGUSR1, true, true, true},
	{SIGUSR2, true, true, true},
	{SIGNALS_KNOCK, false, true, false},
	{SIGQUIT, true, false, false},
	{SIGSEGV, false, false, false},
	{SIGSYS, false, false, false},
};

TEST(each_kind_of_thread_blocks_what_is_not_for_it)
{
	sigset_t waited_for = signals_waited_for();
	sigset_t before;

	sigemptyset(&before);
	sigaddset(&before, SIGWINCH);
	ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
	signals_block();
	for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
		int signal = rows[i].signal;
		ck_assert(is_blocked(signal) == (rows[i].worker || signal == SIGNALS_KNOCK));
		ck_assert(sigismember(&waited_for, signal) == rows[i].waited_for);
	}
	signals_knock(SIG_UNBLOCK);
	for (size_t i = 0; i < SUITE_COUNT(rows); i++)
		ck_assert(is_blocked(rows[i].signal) == rows[i].worker);
	signals_knock(SIG_BLOCK);
	ck_assert(is_blocked(SIGNALS_KNOCK));
	signals_unblock_others();
	for (size_t i = 0; i < SUITE_COUNT(rows); i++)
		ck_assert(is_blocked(rows[i].signal) == rows[i].coordinator);
	before = signals_original();
	for (int i = 1; i < NSIG; i++)
		ck_assert(sigismember(&before, i) == (i == SIGWINCH));
}
