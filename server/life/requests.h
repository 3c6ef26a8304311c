/* SPDX-License-Identifier: ISC */
/*
 * requests - what signals ask of the server.  It acts on nothing.
 *
 * Threads:  the coordinator's; every signal that is waited for is blocked in all threads.
 *           requests_stop() by any thread.
 */
#ifndef BOBBIN_SERVER_LIFE_REQUESTS_H
#define BOBBIN_SERVER_LIFE_REQUESTS_H

#include <stdbool.h>
#include <stdint.h>

enum request {
	REQUEST_NONE,
	REQUEST_REPORT,    /* SIGUSR1: the counters */
	REQUEST_RELOAD,    /* SIGHUP: other settings */
	REQUEST_HAND_OVER, /* SIGUSR2: a successor */
	REQUEST_STOP,      /* SIGTERM, SIGINT */
};

struct requests {       /* zeroed to begin with */
	int signal;     /* the last one */
	unsigned stops; /* how often a stop was asked for */
};

/*
 * Take the next request, waiting for it until deadline_ns (DEADLINE_NEVER: without a bound; 0: only
 * one that is there).  Returns REQUEST_NONE if none came.
 */
enum request requests_take(struct requests *r, int64_t deadline_ns);

/* A second stop means: at once. */
bool requests_stop_at_once(const struct requests *r);

/* Ask for a stop from inside the process, as SIGINT would.  Only the first call does. */
void requests_stop(void);

#endif
