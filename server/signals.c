/* SPDX-License-Identifier: ISC */
/* signals - which signals may arrive in which thread. */
#include "signals.h"

#include <pthread.h>
#include <stddef.h>

static const int of_mistakes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
static const int waited_for[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};

static sigset_t original; /* [const] after signals_block() */

sigset_t signals_all(void)
{
	sigset_t set;

	sigfillset(&set);
	for (size_t i = 0; i < sizeof of_mistakes / sizeof *of_mistakes; i++)
		sigdelset(&set, of_mistakes[i]);
	return set;
}

sigset_t signals_waited_for(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof waited_for / sizeof *waited_for; i++)
		sigaddset(&set, waited_for[i]);
	return set;
}

static void ignore(int signal)
{
	(void)signal;
}

void signals_block(void)
{
	sigset_t all = signals_all();
	struct sigaction knock = {.sa_handler = ignore};

	(void)pthread_sigmask(SIG_SETMASK, &all, &original);
	sigemptyset(&knock.sa_mask);
	(void)sigaction(SIGNALS_KNOCK, &knock, NULL);
}

sigset_t signals_original(void)
{
	return original;
}

void signals_knock(int how)
{
	sigset_t knock;

	sigemptyset(&knock);
	sigaddset(&knock, SIGNALS_KNOCK);
	(void)pthread_sigmask(how, &knock, NULL);
}

void signals_unblock_others(void)
{
	sigset_t blocked = signals_waited_for();

	sigaddset(&blocked, SIGNALS_KNOCK);
	(void)pthread_sigmask(SIG_SETMASK, &blocked, NULL);
}
