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
 * Find a process with a listening TCP socket on the address's port.  False if none is visible:
 * another user's, or in another namespace.  See proc(5), proc_pid_fd(5).
 */
bool holder_find(in_port_t port, struct holder *out);

#endif
