/* SPDX-License-Identifier: ISC */
/*
 * control - where the main thread and the threads of the load meet: what the main thread asks, and
 * what the threads have done.
 *
 * Each request is a number that the main thread raises before it wakes the threads; each answer is
 * a count that the threads raise before they write to news_fd.
 */
#ifndef BOBBIN_LOAD_CONTROL_H
#define BOBBIN_LOAD_CONTROL_H

#include "test/load/figures/figures.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum control_stop {
	CONTROL_RUN,
	CONTROL_FINISH,  /* begin nothing more, and wait for what is under way */
	CONTROL_ABANDON, /* end now */
};

struct control {
	int news_fd; /* [const] an eventfd that the main thread reads */

	atomic_int stop;          /* [atomic] enum control_stop */
	_Atomic int64_t start_ns; /* [atomic] when the load began; 0: it has not */
	atomic_uint marks;        /* [atomic] how many marks were asked for */
	atomic_uint looks;        /* [atomic] how many looks at the figures were asked for */

	atomic_uint ready;      /* [atomic] threads that have tried to open all their connections */
	atomic_uint winding_up; /* [atomic] threads that begin nothing more */
	atomic_uint done;       /* [atomic] threads that have ended */
	atomic_uint marked;     /* [atomic] marks taken, of all threads together */
	atomic_uint looked;     /* [atomic] looks answered, of all threads together */
	atomic_uint_least64_t
		open; /* [atomic] connections that were open when their thread was ready */
	atomic_uint_least64_t mark_connections; /* [atomic] connections in the newest mark */
	atomic_uint_least64_t mark_owed;        /* [atomic] unanswered requests marked by it */

	/*
	 * What the threads that have ended had answered by then; each is raised before done is, and
	 * stands for all that they are asked afterwards.
	 */
	atomic_uint gone_marks; /* [atomic] */
	atomic_uint gone_looks; /* [atomic] */

	pthread_mutex_t lock;
	struct figures *seen;  /* [lock] where a look is added up */
	struct figures *ended; /* [lock] those of the threads that have ended */
};

#endif
