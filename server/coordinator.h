/* SPDX-License-Identifier: ISC */
/*
 * coordinator - the one thread that takes signals: counters on SIGUSR1, other settings on SIGHUP, a
 * successor on SIGUSR2, and on SIGTERM or SIGINT the stop.
 *
 * The stop, each step with a bound:
 *   1. SIGTERM only: go on for drain.grace, while load balancers notice.
 *   2. Set the flag, wake the connections that are idle, and from the age of drain.first those that
 *      said nothing yet.
 *   3. The acceptors give a place to whoever waits in their queues, and close.
 *   4. Close the barrier and wait for the workers to answer what had arrived, until drain.timeout
 *      after 2.
 *   5. Cut what is left, and wait for drain.force.
 *   6. One last line.
 * A second SIGTERM or SIGINT goes to 5 at once; a third ends the process on the spot.
 *
 * The succession:
 *   1. Start the program anew, with our listening sockets.  Until it says that it is ready, for
 *      handover.timeout at most, we serve as before; if it fails, we go on to.
 *   2. Leave it the listeners.  Those that it does not use are drained and closed.
 *   3. Wake nobody: connections go on until they end.
 *   4. After handover.drain, stop.
 *
 * Threads:  one, joinable; every signal that it waits for is blocked in all.
 */
#ifndef BOBBIN_SERVER_COORDINATOR_H
#define BOBBIN_SERVER_COORDINATOR_H

#include "acceptor.h"
#include "command_line.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* The exit status of a stop that had to cut a connection: EX_TEMPFAIL. */
#define COORDINATOR_STATUS_CUT 75

enum succession {
	SUCCESSION_NO,
	SUCCESSION_ASKED,
	SUCCESSION_GOES_ON, /* a successor is being started */
	SUCCESSION_DONE,    /* it serves */
};

struct coordinator {                        /* fields belong to coordinator.c but for [result] */
	const struct acceptor_world *world; /* [const] */
	const struct command_line *command; /* [const] */
	struct acceptor *acceptors;         /* [const] */
	const struct listener *listeners;   /* [const] as they were opened, one for each acceptor */
	size_t acceptor_count;              /* [const] of both */
	const char *program;                /* [const] what a successor is started from */
	size_t *places; /* [its thread] room for as many: the acceptor of each socket handed over */
	int64_t outlived_until_ns; /* [its thread] what is left then, with a successor there, is stopped */
	enum succession succession; /* [its thread] */
	struct settings
		*settings;    /* [its thread] during a stop or succession: those that hold for it */
	pthread_t thread;     /* [const] once started */
	bool grace;           /* [its thread] the stop began with SIGTERM */
	unsigned stops_asked; /* [its thread] SIGTERM and SIGINT so far */
	size_t woken;         /* [its thread] idle connections */
	size_t cut;           /* [its thread] connections that were owed an answer */
	unsigned left; /* [result] workers that did not end: main must not return from under them */
};

/*
 * Start the thread.  The acceptors' threads are started and are joined only after this one.
 * Returns 0 or -errno.
 */
int coordinator_start(struct coordinator *c);

/*
 * Wait for the stop to be over.  Returns the exit status: EX_OK, COORDINATOR_STATUS_CUT or
 * EX_OSERR.
 */
int coordinator_join(struct coordinator *c);

/* Tell the service manager that we serve, and where. */
void coordinator_notify_ready(const struct coordinator *c);

/* Ask for a stop from inside the process, as SIGINT would. */
void coordinator_ask_stop(void);

#endif
