/* SPDX-License-Identifier: ISC */
/*
 * holder - which process listens on a port, as far as /proc shows it.
 *
 * Threads:  any.
 */
#ifndef BOBBIN_SERVER_HOLDER_H
#define BOBBIN_SERVER_HOLDER_H

#include "common/address.h"

#include <stdbool.h>
#include <sys/types.h>

struct holder {
	pid_t pid;
	char name[32]; /* as in /proc/PID/comm */
};

/*
 * Find a process whose listening TCP socket is in the way of the address: the same port, and the same
 * host or a wildcard on either side.  False if none is visible: another user's, or in another
 * namespace.  See proc(5), proc_pid_fd(5).
 */
bool holder_find(const struct address *at, struct holder *out);

#endif
