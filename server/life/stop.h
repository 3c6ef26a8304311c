/* SPDX-License-Identifier: ISC */
/*
 * stop - the end of the server, each step with a bound.
 *
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
 * Threads:  the coordinator's.
 */
#ifndef BOBBIN_SERVER_LIFE_STOP_H
#define BOBBIN_SERVER_LIFE_STOP_H

#include "coordinator.h"

/* All of it.  c->settings hold; c->cut and c->left tell how it went. */
void stop_run(struct coordinator *c);

/* The last line: what has ended since before was counted, in the time since began_ns. */
void stop_tell_the_end(struct coordinator *c, const struct counts *before, int64_t began_ns);

#endif
