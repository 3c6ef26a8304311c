/* SPDX-License-Identifier: ISC */
/*
 * acceptor - the accept loop of one listener: its errno table, the hand-over to a worker, and the
 * end of its queue.
 *
 * Threads:  each acceptor_run() in a thread of its own, with every signal blocked but the knock
 *           (signals.h).
 */
#ifndef BOBBIN_SERVER_ACCEPTOR_H
#define BOBBIN_SERVER_ACCEPTOR_H

#include "common/barrier.h"
#include "listener.h"
#include "registry.h"
#include "worker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

struct acceptor {                  /* fields belong to acceptor.c but for those marked [result] */
	struct listener listener;  /* [its thread] */
	struct registry *registry; /* [const] */
	struct workers *workers;   /* [const] */
	struct barrier *busy;      /* [const] entered for each connection */
	struct barrier
		*accepting; /* [const] entered before the thread starts, left when it is done */
	pthread_t thread;   /* [const] once started */
	atomic_bool acknowledged; /* [atomic] it is done with its listener: no more knocks */
	atomic_bool lost;       /* [atomic] [result] the listener failed; it was not asked to end */
	int64_t back_off_ns;    /* [its thread] 0: no shortage */
	int64_t quiet_until_ns; /* [its thread] a shortage is told once a second */
	uint64_t untold;        /* [its thread] shortages since the last one told */
};

/*
 * Make an acceptor of a listener, which it owns from now on, and enter accepting for it.
 */
void acceptor_init(struct acceptor *a, const struct listener *listener, struct registry *registry,
	struct workers *workers, struct barrier *busy, struct barrier *accepting);

/*
 * Accept until the stop, then what is queued as slots get free, refuse the rest, close the
 * listener, leave accepting. A thread's start function: the argument is the acceptor.
 */
void *acceptor_run(void *acceptor);

/*
 * Wake it if it sleeps in accept(2).  One knock can come just before that call, so knock until it
 * has left accepting. Its thread must not have been joined.
 */
void acceptor_knock(struct acceptor *a);

#endif
