/* SPDX-License-Identifier: ISC */
/*
 * stop - the end of the server, each step with a bound.
 *
 *   1. SIGTERM only: go on for drain.grace, while load balancers notice.
 *   2. Set the flag, wake the connections that are idle, and from the age of drain.first those that
 *      said nothing yet.
 *   3. The acceptors give a slot to each client that waits in their queues, and close.
 *   4. Close the barrier and wait for the workers to answer what had arrived, until drain.timeout
 *      after 2.
 *   5. Cut what is left, and wait for drain.force.
 *   6. One last line.
 * A second request to stop goes to 5 at once; a third ends the process on the spot.
 *
 * Threads:  the coordinator's.
 */
#ifndef BOBBIN_SERVER_LIFE_STOP_H
#define BOBBIN_SERVER_LIFE_STOP_H

#include "requests.h"
#include "server/door/acceptor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How it went. */
struct stop_result {
	size_t woken;  /* idle connections that were ended */
	size_t cut;    /* connections that were owed an answer */
	unsigned left; /* workers that did not end */
};

/* All of it; step 1 only with grace.  s holds for it. */
struct stop_result stop_run(const struct server *server, const struct acceptors *acceptors,
	const struct settings *s, struct requests *requests, bool grace);

/* The last line: what has ended since before was counted, in the time since began_ns. */
void stop_tell_the_end(const struct server *server, const struct stop_result *result,
	const struct counts *before, int64_t began_ns);

#endif
