/* SPDX-License-Identifier: ISC */
/*
 * worker - one detached thread per connection: service, close, record, then park for the next
 * connection or end.
 *
 * Threads:  worker_dispatch() by any accepting thread.
 * Lifetime: as long as the process, because a detached thread may still be in its last instructions
 *           when the barrier is empty.
 */
#ifndef BOBBIN_SERVER_WORK_WORKER_H
#define BOBBIN_SERVER_WORK_WORKER_H

#include "common/barrier.h"
#include "identity.h"
#include "registry.h"
#include "server/admission/admission.h"

#include <pthread.h>
#include <stdint.h>

struct parked;

struct workers {                         /* fields belong to worker.c */
	struct registry *registry;       /* [const] */
	struct admission *admission;     /* [const] */
	struct counters *counters;       /* [const] */
	const struct identity *identity; /* [const] */
	struct barrier *barrier; /* [const] entered for each connection before its dispatch */
	pthread_mutex_t lock;
	int64_t park_time_ns; /* [lock] */
	int64_t parked_max;   /* [lock] */
	struct parked *top;   /* [lock] the threads that are parked, last in, first out */
	int64_t parked;       /* [lock] how many */
};

/* No thread yet. */
void worker_init(struct workers *w, struct registry *registry, struct admission *admission,
	struct counters *counters, const struct identity *identity, struct barrier *barrier);

/* So many threads may be parked at once, each for so long.  Both are 0 to begin with. */
void worker_set_parking(struct workers *w, int64_t parked_max, int64_t park_time_ns);

/*
 * The attributes of new workers: detached, the stack as asked, every signal blocked but the knock.
 * The caller destroys them with pthread_attr_destroy(3).
 */
void worker_attributes(pthread_attr_t *attributes, int64_t stack_bytes);

/*
 * Give the connection in the slot to a thread: one that is parked, or a new one with these
 * attributes.  The caller has entered the barrier for it and holds its settings; the worker leaves
 * the barrier and releases the settings.  Returns 0; or -errno of pthread_create(3), and then the
 * caller undoes all of it.
 */
int worker_dispatch(struct workers *w, struct slot *slot, const pthread_attr_t *attributes);

#endif
