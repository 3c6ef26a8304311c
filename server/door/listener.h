/* SPDX-License-Identifier: ISC */
/*
 * listener - network and address in, bound listening socket out, or one that was inherited.
 *
 * Threads:  before threads start; then each belongs to its accepting thread.
 */
#ifndef BOBBIN_SERVER_DOOR_LISTENER_H
#define BOBBIN_SERVER_DOOR_LISTENER_H

#include "common/address.h"
#include "common/socket.h"
#include "server/settings/settings.h"
#include "server/succession/pipe.h"

#include <stdbool.h>
#include <stddef.h>

struct listener {
	int fd; /* owned */
	const struct endpoint *endpoint;
	struct socket_options options; /* of the connections */
	char system_congestion
		[SOCKET_CONGESTION_MAX]; /* the congestion control if none is chosen */
	struct address bound;            /* where it really is */
	bool inherited;                  /* it was open before we were started */
	bool shared;                     /* another process may hold the same socket for good */
	enum origin origin;              /* for a successor */
	bool deaf;        /* only what comes from next door is heard: listener_admit() is due */
	unsigned backlog; /* as it is now; 0: somebody else chose it */
	unsigned unset;   /* so many of the next accepted sockets may lack the options */
};

/*
 * Open every listener of the settings, sockets passed by a supervisor or a predecessor first.
 * Sockets of a supervisor that no endpoint matches get the default service, and s gains an endpoint
 * for each of those.  A predecessor is told of the sockets of its configuration that are not in
 * ours, and they are closed here.
 *
 * Returns EX_OK with *listeners (the caller's to free) and *count; or, with the mistake logged, every
 * socket closed and nothing half-started: EX_UNAVAILABLE (the address is taken, or not there),
 * EX_NOPERM, EX_NOHOST or EX_OSERR.
 */
int listener_open_all(struct settings *s, struct listener **listeners, size_t *count);

/*
 * Other settings for the same listener: the next connections have them.  Those that are in its queue
 * have the options of their handshake, and so may those that connect meanwhile.  An option that cannot be set stays as it is.
 */
void listener_set_endpoint(struct listener *l, const struct endpoint *e);

/* Where all of them listen, with commas between, cut off at size.  Returns text. */
char *listener_list(const struct listener *listeners, size_t count, char *text, size_t size);

/* Say on the log where it listens, what it serves, and how to try it. */
void listener_announce(const struct listener *l);

/* How many clients wait in the accept queue, or 0 where that cannot be told. */
unsigned listener_queued(const struct listener *l);

/*
 * For a listener that only we hold: from now on drop each SYN that the kernel receives for it (the
 * client repeats it after a second and meets the closed port, or a successor), so that no client
 * gets in between the last accept and the close.  Connections that are in the queue, or accepted,
 * are not affected, and a handshake that is under way is completed: its client may have our SYN-ACK
 * already, and so believe itself connected.  Each socket accepted afterwards needs listener_admit().
 *
 * A filter does that exactly, and needs CAP_NET_ADMIN.  Without it SYNs are dropped that have come
 * over a router, or from a host that sends them with less than the largest time to live, as nearly
 * all do (IP_MINTTL of ip(7), IPV6_MINHOPCOUNT).
 */
void listener_let_nobody_in(struct listener *l);

/* For a socket accepted then: it takes what comes from anywhere, like any other. */
void listener_admit(const struct listener *l, int fd);

#endif
