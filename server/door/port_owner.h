/* SPDX-License-Identifier: ISC */
/*
 * port_owner - which process listens on a port, as far as /proc shows it.
 *
 * Threads:  any.
 */
#ifndef BOBBIN_SERVER_DOOR_PORT_OWNER_H
#define BOBBIN_SERVER_DOOR_PORT_OWNER_H

#include "common/address.h"

#include <stdbool.h>
#include <sys/types.h>

struct port_owner {
	pid_t pid;
	char name[32]; /* as in /proc/PID/comm */
};

/*
 * Find a process whose listening TCP socket collides with the address: the same port, and the same
 * host or a wildcard on either side.  Returns false, *out untouched, if /proc shows none: the
 * process may be another user's, or in another namespace.  See proc(5), proc_pid_fd(5).
 */
bool port_owner_find(const struct address *at, struct port_owner *out);

#endif
