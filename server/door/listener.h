/* SPDX-License-Identifier: ISC */
/*
 * listener - a listening socket for each endpoint, opened or inherited.
 *
 * Threads:  listener_open_all() before threads start; afterwards each listener belongs to its
 * acceptor.
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
	struct socket_options options;                 /* of the connections */
	char system_congestion[SOCKET_CONGESTION_MAX]; /* where the endpoint chooses none */
	struct address bound;                          /* as the kernel tells it */
	bool inherited;                                /* it was open before we were started */
	bool shared;        /* a supervisor, which passed the socket, keeps it open */
	enum origin origin; /* for a successor */
	bool drops_routed;  /* listener_drop_syns() has set a bound: listener_admit() is due */
	unsigned backlog;   /* as it is now; 0: another process chose it */
	unsigned unset;     /* how many of the next accepted sockets may lack the options */
};

/*
 * Give each endpoint of s a listening socket: an inherited one (assignment.h), or a new one.  s
 * gains an endpoint for each socket of a supervisor that no endpoint asks for.
 *
 * Returns EX_OK with *listeners, an array that the caller frees, and *count.  Or the log has each
 * mistake, every socket is closed, and the exit status of the first comes back: EX_UNAVAILABLE (the
 * address is taken, or not of this host), EX_NOPERM, EX_NOHOST or EX_OSERR.
 */
int listener_open_all(struct settings *s, struct listener **listeners, size_t *count);

/*
 * Give the listener other settings, for the connections to come.  A client that is in the queue, or
 * connects meanwhile, may still have the options from before: l->unset says how many.  An option
 * that cannot be set stays as it was.
 */
void listener_set_endpoint(struct listener *l, const struct endpoint *e);

/* Write the addresses of the listeners, ", " between them, cut off at size bytes.  Returns text. */
char *listener_list(const struct listener *listeners, size_t count, char *text, size_t size);

/* Log the listener's address and service, and a command to try it. */
void listener_announce(const struct listener *l);

/* How many clients are in the accept queue; 0 where the kernel does not tell. */
unsigned listener_queued(const struct listener *l);

/*
 * Drop each SYN that arrives from now on, so that no client connects between the last accept and
 * the close.  Such a client repeats its SYN after a second and meets the closed port, or a
 * successor.  Only for a listener that no other process shares.
 *
 * Connections in the queue are not affected.  A handshake under way is completed, because its
 * client may have our SYN-ACK and believe itself connected.  Each socket accepted afterwards needs
 * listener_admit().
 *
 * A socket filter does exactly this, and needs CAP_NET_ADMIN.  Without it a bound on the time to
 * live (IP_MINTTL of ip(7), IPV6_MINHOPCOUNT) drops SYNs that came over a router, or from a host
 * that sends with less than the largest, as nearly all hosts do.
 */
void listener_drop_syns(struct listener *l);

/* Let a socket that was accepted since then receive from everywhere again. */
void listener_admit(const struct listener *l, int fd);

#endif
