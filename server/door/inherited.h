/* SPDX-License-Identifier: ISC */
/*
 * inherited - listening sockets that were opened before we were started: by a supervisor, with
 * LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES as in sd_listen_fds(3), without its library; or by a
 * predecessor, which adds BOBBIN_HANDOVER (succession/pipe.h).
 *
 * Threads:  before threads start.
 */
#ifndef BOBBIN_SERVER_DOOR_INHERITED_H
#define BOBBIN_SERVER_DOOR_INHERITED_H

#include "server/succession/pipe.h"

#include <stdbool.h>

/* Further sockets are not looked at. */
#define INHERITED_MAX PIPE_SOCKETS_MAX

struct inherited_socket {
	int fd;             /* open; the caller of inherited_take() owns it */
	const char *name;   /* "" if none; valid until inherited_fini() */
	unsigned place;     /* among all that were passed, from 0 */
	enum origin origin; /* a supervisor's are ORIGIN_PASSED */
	bool taken;         /* assignment.c has found a use for it, or closed it */
};

struct inherited {
	bool handover; /* a predecessor started us */
	int count;
	struct inherited_socket *sockets;
	char *names;
};

/*
 * Read the variables, remove them from the environment, and mark the sockets close-on-exec.  A
 * descriptor that is no listening TCP socket is closed with a warning in the log.  Variables for
 * another process (LISTEN_PID) give none.
 *
 * inherited_fini() is due afterwards.  Without memory the process ends.
 */
void inherited_take(struct inherited *in);

/* Free the list; no socket is closed.  Twice is no mistake. */
void inherited_fini(struct inherited *in);

#endif
