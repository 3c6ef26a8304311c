/* SPDX-License-Identifier: ISC */
/*
 * handover - another process takes the listeners over.
 *
 *   1. Start the program anew, with our listening sockets.  Until it says that it is ready, for
 *      handover.timeout at most, we serve as before; if it fails, we go on to.
 *   2. Leave it the listeners.  Those that it does not use are drained and closed.
 *   3. Wake nobody: connections go on until they end.
 *   4. After handover.drain, stop.
 *
 * Threads:  the coordinator's.
 */
#ifndef BOBBIN_SERVER_LIFE_HANDOVER_H
#define BOBBIN_SERVER_LIFE_HANDOVER_H

#include "coordinator.h"

/* 1 and 2.  Afterwards c->handover is HANDOVER_DONE, or HANDOVER_NO with all as it was. */
void handover_run(struct coordinator *c);

/* 3.  True: every connection has ended, and there is nothing to stop.  False: stop what is left. */
bool handover_outlive(struct coordinator *c);

#endif
