/* SPDX-License-Identifier: ISC */
/*
 * signals - which signals may arrive in which thread.
 *
 *   workers       the knock
 *   acceptors     the knock
 *   coordinator   takes its own with sigtimedwait(2); all others have their usual effect (Ctrl-Z,
 *                 Ctrl-\)
 *
 * The signals that a mistake of ours raises (SIGSEGV and the like) are never blocked: a blocked one
 * kills the process before a debugger or sanitizer sees it.
 *
 * Threads:  signals_block() before threads start; the rest any, each for its own mask.
 */
#ifndef BOBBIN_SERVER_SIGNALS_H
#define BOBBIN_SERVER_SIGNALS_H

#include <signal.h>

/*
 * The signal that makes a blocked accept(2) or recv(2) return with EINTR, and does nothing else.
 *
 * accept(2) does not return upon close() or a changed timeout, and shutdown() of the listener
 * resets the clients in its queue and ends it for every process that shares it.  recv(2) does
 * return upon shutdown() of the reading side, but then a request that crosses our FIN gets RST.
 */
#define SIGNALS_KNOCK SIGURG

/* All signals but those that a mistake of ours raises. */
sigset_t signals_all(void);

/* The signals that the coordinator takes: SIGTERM, SIGINT, SIGHUP, SIGUSR1 and SIGUSR2. */
sigset_t signals_waited_for(void);

/*
 * Block signals_all() in this thread, and so in the threads that it starts, and install the knock's
 * handler, which does nothing, without SA_RESTART.  The mask from before is kept.
 */
void signals_block(void);

/* The mask from before signals_block(), for a process that is to start as this one did. */
sigset_t signals_original(void);

/* Unblock or block the knock in this thread: SIG_UNBLOCK or SIG_BLOCK. */
void signals_knock(int how);

/* In the coordinator: block the knock and signals_waited_for(), and unblock all others. */
void signals_unblock_others(void);

#endif
