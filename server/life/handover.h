/* SPDX-License-Identifier: ISC */
/*
 * handover - another process takes the listeners over.
 *
 *   1. Start the program anew, with our listening sockets.  Until it says that it is ready, for
 *      handover.timeout at most, we serve as before; if it fails, we go on to.
 *   2. Leave it the listeners.  Those that it does not use are drained and closed.
 *   3. Wake no connection: each goes on until it ends.
 *   4. After handover.drain, stop.
 *
 * Threads:  the coordinator's.
 */
#ifndef BOBBIN_SERVER_LIFE_HANDOVER_H
#define BOBBIN_SERVER_LIFE_HANDOVER_H

#include "requests.h"
#include "reserve.h"
#include "server/door/acceptor.h"

#include <stdbool.h>
#include <stdint.h>

/* What a successor is started from, and what it gets. */
struct handover {
	const char *program; /* its path */
	char *const *argv;
	const struct listener *listeners; /* as they were opened, one for each acceptor */
	const struct acceptors *acceptors;
};

/*
 * 1 and 2, as the settings say that are in force.  True: a successor serves, and what is left at
 * *until_ns is to be stopped.  False: all is as it was, and why has been told.
 */
bool handover_run(const struct handover *h, const struct server *server, struct requests *requests,
	struct reserve *reserve, int64_t *until_ns);

/*
 * 3.  True: every connection has ended, and there is nothing to stop.  False: stop what is left,
 * because it is time or because a stop was asked for.
 */
bool handover_outlive(const struct server *server, struct requests *requests, int64_t until_ns);

#endif
