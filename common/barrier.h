/* SPDX-License-Identifier: ISC */
/*
 * barrier - a counting barrier: counts the threads at work; one thread can wait for the last to
 * leave.
 *
 * Threads:  once barrier_init() has returned, any thread may call anything here.
 * Lifetime: as long as the process.  A detached worker may still be returning from barrier_leave()
 *           when barrier_wait() ends, so a barrier is never destroyed.
 * Errors:   none to handle.  A lock that fails aborts.
 */
#ifndef BOBBIN_COMMON_BARRIER_H
#define BOBBIN_COMMON_BARRIER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct barrier { /* fields belong to barrier.c */
	pthread_mutex_t lock;
	pthread_cond_t empty; /* signalled, under lock, when inside drops to 0 */
	unsigned inside;      /* [lock] entered and not left */
	bool closed;          /* [lock] becomes true once, for good */
};

/* Make *b an open barrier with no thread inside. */
void barrier_init(struct barrier *b);

/*
 * Step in, for the calling thread or for one that it is about to start: a thread that entered only
 * once it runs could be missed by a wait.  True: that thread owes one barrier_leave().  False: the
 * barrier is closed.
 */
bool barrier_enter(struct barrier *b);

/* Step out.  Afterwards the caller touches nothing that the waiter may take away. */
void barrier_leave(struct barrier *b);

/* From now on no thread enters.  Threads inside stay until they leave. */
void barrier_close(struct barrier *b);

/*
 * Sleep until no thread is inside or the monotonic clock passes deadline_ns (deadline.h).  Returns
 * how many are still inside; 0 means that all have left.  Only one thread may wait; with a deadline
 * that has passed the call does not wait, and any thread may make it.
 */
unsigned barrier_wait(struct barrier *b, int64_t deadline_ns);

#endif
