/* SPDX-License-Identifier: ISC */
/*
 * inherited - listening sockets that were opened before we were started: by a supervisor, with
 * LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES as in sd_listen_fds(3), without its library; or by a
 * predecessor, which tells more of them (handover.h).
 *
 * Threads:  before threads start.
 */
#ifndef BOBBIN_SERVER_DOOR_INHERITED_H
#define BOBBIN_SERVER_DOOR_INHERITED_H

#include "server/settings/settings.h"
#include "server/succession/pipe.h"

#include <stdbool.h>

#define INHERITED_MAX PIPE_SOCKETS_MAX

struct inherited_socket {
	int fd;             /* ours until it is taken, then the taker's */
	const char *name;   /* "" if none; valid until inherited_fini() */
	unsigned place;     /* among all that were passed */
	enum origin origin; /* a supervisor's are ORIGIN_PASSED */
	bool taken;
};

struct inherited {
	bool handover; /* a predecessor started us */
	int count;
	struct inherited_socket *sockets;
	char *names;
};

/*
 * Look at the environment, take the variables out of it, and mark the sockets close-on-exec.  What
 * is no listening TCP socket is closed, with a line in the log.  inherited_fini() is due.
 */
void inherited_take(struct inherited *in);

/*
 * Free the list, and close nothing: by then each socket has been taken.
 */
void inherited_fini(struct inherited *in);

/*
 * Take the socket that is bound where the endpoint says.  Returns it, or NULL.  First for all
 * endpoints: the address weighs more than the name.
 */
struct inherited_socket *inherited_take_bound(struct inherited *in, const struct endpoint *e);

/*
 * Take the socket that has the endpoint's name, wherever it is bound.  Returns it, or NULL.  One
 * that a bobbind opened is only for an endpoint on port 0: for any other it is in the wrong place,
 * the operator having moved the listener.
 */
struct inherited_socket *inherited_take_named(struct inherited *in, const struct endpoint *e);

/* Take the next one that is left, or return NULL. */
struct inherited_socket *inherited_take_next(struct inherited *in);

/* True if a supervisor passed any of them. */
bool inherited_has_passed(const struct inherited *in);

#endif
