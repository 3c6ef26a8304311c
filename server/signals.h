/* SPDX-License-Identifier: ISC */
/*
 * signals - which signals may arrive in which thread.
 *
 *   workers       the knock
 *   acceptors     the knock
 *   coordinator   waits for its own; the rest have their usual effect there (Ctrl-Z, Ctrl-\)
 *
 * Signals that a mistake of our own raises are never blocked: they would kill without a word to a
 * debugger or sanitizer.
 */
#ifndef BOBBIN_SERVER_SIGNALS_H
#define BOBBIN_SERVER_SIGNALS_H

#include <signal.h>

/*
 * The signal that makes a blocked accept(2) or recv(2) return with EINTR, and does nothing else.
 * For accept(2) neither close() nor a changed timeout would do, and shutdown() of the listener
 * would reset the clients in its queue and end it for every process that shares it.  For recv(2)
 * shutdown() of the reading side would do, but then a request that crosses our FIN gets RST.
 */
#define SIGNALS_KNOCK SIGURG

/* All but those of faults. */
sigset_t signals_all(void);

/* Those that the coordinator waits for. */
sigset_t signals_waited_for(void);

/*
 * Block all in this thread, and so in those that it starts.  Before the first one.  What was
 * blocked until then is kept.
 */
void signals_block(void);

/* What was blocked before signals_block(), for a process that is to begin as this one did. */
sigset_t signals_original(void);

/*
 * Let the knock in, or not: SIG_UNBLOCK or SIG_BLOCK.  Its handler does nothing, without
 * SA_RESTART.
 */
void signals_knock(int how);

/* In the coordinator: let in what nobody waits for. */
void signals_unblock_others(void);

#endif
