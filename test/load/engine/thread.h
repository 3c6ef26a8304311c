/* SPDX-License-Identifier: ISC */
/*
 * thread - one thread of the load: an epoll loop over its part of the connections, and their
 * schedule.
 *
 * It opens its connections, reports that it is ready, waits for the common start, loads until its
 * time or its messages are over, waits for the last replies, and ends.
 */
#ifndef BOBBIN_LOAD_THREAD_H
#define BOBBIN_LOAD_THREAD_H

#include "agenda.h"
#include "connection.h"
#include "control.h"
#include "cost.h"
#include "lane.h"
#include "opening.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct thread {
	/* For the engine. */
	pthread_t handle;
	int wake_fd;             /* [const] an eventfd: look at the control */
	struct figures *figures; /* the thread's until it has been joined */

	/* The thread's own. */
	struct control *control; /* shared; see there */
	struct lane lane;
	struct connection *connections;
	struct stamp *stamps;
	uint32_t count;
	uint32_t index;
	struct opening opening;
	struct agenda agenda;
	int64_t ended_ns;    /* since when nothing more comes due; 0: it still does */
	int64_t sweep_ns;    /* when timeouts are looked for next */
	int64_t turn_end_ns; /* when this turn of the loop has taken long enough */
	bool gave_up_due;    /* at the end: it gave up what waited */
	bool ready;          /* said so */
	bool over;           /* nothing more to do */
	unsigned marks_seen;
	unsigned looks_seen;
	struct cost cost_at_start;
};

/*
 * Make thread index of settings->threads.  All that is passed is borrowed until thread_fini().
 * Returns 0 or -errno; after a failure only thread_fini() may be called.
 */
int thread_init(struct thread *t, uint32_t index, const struct settings *settings,
	const struct wire *wire, const struct schedule *schedule, struct control *control);
void thread_fini(struct thread *t);

/* The thread's life; arg is the struct thread.  For pthread_create(3). */
void *thread_run(void *arg);

/* Make it look at the control.  Main thread. */
void thread_wake(struct thread *t);

#endif
