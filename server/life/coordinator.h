/* SPDX-License-Identifier: ISC */
/*
 * coordinator - the thread that acts on what signals ask for: a report of the counters, other
 * settings, a successor, and the stop.
 *
 * requests.h has what was asked; stop.h and handover.h have what takes its time.
 *
 * Threads:  one, joinable; every signal that it waits for is blocked in all.
 */
#ifndef BOBBIN_SERVER_LIFE_COORDINATOR_H
#define BOBBIN_SERVER_LIFE_COORDINATOR_H

#include "handover.h"
#include "reserve.h"
#include "server/door/acceptor.h"
#include "server/settings/command_line.h"
#include "stop.h"

#include <pthread.h>

struct coordinator {                        /* fields belong to coordinator.c */
	const struct server *server;        /* [const] */
	const struct command_line *command; /* [const] what a reload reads again */
	struct handover handover;           /* [const] */
	struct requests requests;           /* [its thread] */
	struct reserve reserve;             /* [its thread] */
	pthread_t thread;                   /* [const] once started */
	struct stop_result result;          /* [its thread] until it is joined */
};

/*
 * Start the thread.  The acceptors' threads are started and are joined only after this one.
 * Returns 0 or -errno.
 */
int coordinator_start(struct coordinator *c);

/*
 * Wait for the stop to be over.  Returns the exit status: EX_OK, ANSWER_STATUS_CUT or EX_OSERR.
 * With c->result.left above 0 there are workers from under which main must not return.
 */
int coordinator_join(struct coordinator *c);

/* Tell the service manager that we serve, and where. */
void coordinator_notify_ready(const struct coordinator *c);

#endif
