/* SPDX-License-Identifier: ISC */
/*
 * socket - TCP sockets with their options set: listen, dial, adopt.
 *
 * Linux gives a listener's options to the sockets accepted from it, at the handshake (socket(7),
 * tcp(7)).  Options set before listen(2) therefore reach every connection, and no connection needs
 * calls of its own.
 *
 * Threads:  any.
 */
#ifndef BOBBIN_COMMON_SOCKET_H
#define BOBBIN_COMMON_SOCKET_H

#include "address.h"

#include <stdbool.h>
#include <stdint.h>

/* Room for the name of a congestion control, its end included. */
#define SOCKET_CONGESTION_MAX 16

/* What every connection of a listener has. */
struct socket_options {
	int64_t receive_timeout_ns; /* SO_RCVTIMEO; more than 0 */
	int64_t send_timeout_ns;    /* SO_SNDTIMEO; more than 0 */
	int64_t dead_after_ns;      /* TCP_USER_TIMEOUT, keepalive at a third of it; 0: neither */
	bool nodelay;               /* TCP_NODELAY */
	char congestion[SOCKET_CONGESTION_MAX]; /* TCP_CONGESTION; "": as it is */
};

/*
 * SO_RCVTIMEO counts in the kernel's ticks, here taken as 4 ms: a timeout as the whole ticks that
 * last at least this long, in milliseconds, never 0 (which would mean for ever).
 */
int64_t socket_timeout_ms(int64_t timeout_ns);

/* Set SO_RCVTIMEO or SO_SNDTIMEO (which) to timeout_ms.  Returns 0 or -errno. */
int socket_set_timeout(int fd, int which, int64_t timeout_ms);

/* Set all of the options on any TCP socket.  Returns 0 or -errno. */
int socket_set_options(int fd, const struct socket_options *options);

/* How to listen. */
struct socket_listening {
	bool v6only;             /* IPV6_V6ONLY, set for IPv6 whatever the system's default */
	bool reuse_port;         /* SO_REUSEPORT */
	int backlog;             /* listen(2) */
	int64_t defer_accept_ns; /* TCP_DEFER_ACCEPT; 0: not */
};

/*
 * Make a listening socket hand a client to accept(2) only when the client has sent something, or
 * after about so long; 0: at once.  TCP_DEFER_ACCEPT of tcp(7), in whole seconds.  Returns 0 or -errno.
 */
int socket_defer_accept(int fd, int64_t duration_ns);

/* The TCP_CONGESTION of a new socket. */
void socket_system_congestion(char name[SOCKET_CONGESTION_MAX]);

/* Does the system know this congestion control, and let us use it? */
bool socket_knows_congestion(const char *name);

/*
 * A listening socket at the address, close-on-exec, with SO_REUSEADDR, the options set before
 * listen(2).  Returns the descriptor, the caller's to close, or -errno of the call that failed.
 */
int socket_listen(const struct address *at, const struct socket_listening *how,
	const struct socket_options *options);

/*
 * Begin to connect to the address and do not wait; from the local address `from`, unless that is
 * NULL.  With port 0 in `from`, the kernel chooses a port at the connect, not at the bind, so that
 * all ports of that address can be used for each peer (IP_BIND_ADDRESS_NO_PORT, ip(7)).  Returns a
 * non-blocking, close-on-exec descriptor, the caller's to close, that polls writable when the
 * connect has ended; or -errno.
 */
int socket_dial_start(const struct address *to, const struct address *from);

/*
 * Connect to the address before deadline_ns.  Returns a blocking, close-on-exec descriptor, the
 * caller's to close, or -errno; -ETIMEDOUT when the deadline passed.
 */
int socket_dial(const struct address *to, int64_t deadline_ns);

/* The local address of a socket.  Returns 0 or -errno. */
int socket_local_address(int fd, struct address *out);

/* How many bytes wait to be read.  Returns a count or -errno. */
int64_t socket_unread(int fd);

/*
 * How many bytes were sent, our FIN included, and not yet acknowledged.  Returns a count or -errno.
 */
int64_t socket_untaken(int fd);

/* How many of them have not even been sent, because the peer has no room.  Likewise. */
int64_t socket_unsent(int fd);

/* Has the peer's FIN been received?  False when that cannot be told. */
bool socket_fin_received(int fd);

/* Make the coming close(2) send RST and drop what is unsent. */
void socket_reset_on_close(int fd);

#endif
