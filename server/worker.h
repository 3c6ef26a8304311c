/* SPDX-License-Identifier: ISC */
/*
 * worker - one detached thread per connection: service, close, record, then park for the next
 * connection or end.
 *
 * Threads:  worker_hand_over() by any accepting thread.
 * Lifetime: as long as the process: a detached thread may still be in its last instructions when
 *           the barrier is empty.
 */
#ifndef BOBBIN_SERVER_WORKER_H
#define BOBBIN_SERVER_WORKER_H

#include "common/barrier.h"
#include "registry.h"

#include <pthread.h>
#include <stdint.h>

struct parked;

struct workers {                   /* fields belong to worker.c */
	struct registry *registry; /* [const] */
	struct barrier *barrier;   /* [const] entered for each connection before the hand-over */
	pthread_attr_t attr;       /* [const] detached, with the configured stack */
	int64_t park_time_ns;      /* [const] */
	int64_t parked_max;        /* [const] */
	pthread_mutex_t lock;
	struct parked *top; /* [lock] the threads that wait, last in, first out */
	int64_t parked;     /* [lock] how many */
};

/*
 * parked_max threads may wait for work at once, each for park_time_ns.
 */
void worker_init(struct workers *w, struct registry *registry, struct barrier *barrier,
	int64_t stack_bytes, int64_t parked_max, int64_t park_time_ns);

/*
 * Give the connection in the slot to a thread: one that is parked, or a new one.  The barrier has
 * been entered for it. Returns 0; or -errno of pthread_create(3) when there is no thread to be had,
 * and the slot is the caller's to undo.
 */
int worker_hand_over(struct workers *w, struct slot *slot);

#endif
