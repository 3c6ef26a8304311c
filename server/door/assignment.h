/* SPDX-License-Identifier: ISC */
/*
 * assignment - which endpoint gets which inherited socket.
 *
 * Addresses come first: each endpoint gets the socket that is bound where the endpoint says.  Then
 * an endpoint that has none gets the socket of its name, wherever that is bound.  A socket that a
 * bobbind opened goes by its name only to an endpoint on port 0: to one on a fixed port the
 * operator has moved the listener.
 *
 * A supervisor's sockets replace the built-in listener.
 *
 * Threads:  before threads start.
 */
#ifndef BOBBIN_SERVER_DOOR_ASSIGNMENT_H
#define BOBBIN_SERVER_DOOR_ASSIGNMENT_H

#include "inherited.h"
#include "server/settings/settings.h"

/*
 * Assign the sockets.  For a supervisor's socket that no endpoint asks for, s gains an endpoint
 * with the default service, and a warning says so.  A socket for which only the predecessor had a
 * listener is closed, and the log and the predecessor are told that it is unused.
 *
 * Returns an array, the caller's to free, with an item for each endpoint of s: its socket in *in,
 * or NULL.  Without memory the process ends.
 */
const struct inherited_socket **assignment_make(struct inherited *in, struct settings *s);

#endif
