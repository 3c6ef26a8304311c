/* SPDX-License-Identifier: ISC */
/*
 * inherited - listening sockets that a supervisor opened before it started us: LISTEN_PID,
 * LISTEN_FDS, LISTEN_FDNAMES, as in sd_listen_fds(3), without its library.
 *
 * Threads:  before threads start.
 */
#ifndef BOBBIN_SERVER_INHERITED_H
#define BOBBIN_SERVER_INHERITED_H

#include "settings.h"

#define INHERITED_MAX 64

struct inherited {
	int count;
	struct {
		int fd;           /* ours until taken; -1 afterwards */
		const char *name; /* in the environment's copy; "" if none */
	} sockets[INHERITED_MAX];
	char names[2048];
};

/*
 * Look at the environment, take the variables out of it, and mark the sockets close-on-exec.  What
 * is no listening TCP socket is closed, with a line in the log.
 */
void inherited_take(struct inherited *in);

/*
 * The socket for an endpoint: bound where it says, or with its name.  Returns the descriptor, from
 * now on the caller's, or -1.
 */
int inherited_match(struct inherited *in, const struct endpoint *e);

/* The next one that no endpoint matched, or -1; *name is its name. */
int inherited_next(struct inherited *in, const char **name);

#endif
