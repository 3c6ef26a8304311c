/* SPDX-License-Identifier: ISC */
/*
 * supervisor - what starts a server and passes it sockets, and to which it tells how it is; as
 * systemd does.
 *
 * Every wait has a bound, after which the test fails.
 */
#ifndef BOBBIN_TEST_SYSTEM_SUPERVISOR_H
#define BOBBIN_TEST_SYSTEM_SUPERVISOR_H

#include "server.h"

#include <stddef.h>
#include <sys/types.h>

#define SUPERVISOR_SOCKETS_MAX 8
#define SUPERVISOR_WORDS_MAX   2048

struct supervisor {
	int notified;      /* where datagrams come in */
	char where[64];    /* the same as in NOTIFY_SOCKET: an abstract name */
	const char *names; /* LISTEN_FDNAMES; NULL: none.  To be set before the start */
	int fds[SUPERVISOR_SOCKETS_MAX];
	int count;
};

/* What a process has told. */
struct supervisor_word {
	char text[SUPERVISOR_WORDS_MAX];
	pid_t pid; /* who told it, as the kernel says */
};

/* Ready to be notified, and without sockets. */
void supervisor_open(struct supervisor *v);

/*
 * Listen on a free port of 127.0.0.1, with none of bobbind's options, on behalf of the server.
 * Returns the port, in host byte order.
 */
in_port_t supervisor_listen(struct supervisor *v);

/*
 * Start as planned, but for prepare, with the sockets and with NOTIFY_SOCKET.  Waits for nothing.
 */
void supervisor_launch(struct supervisor *v, struct server *s, const struct server_plan *plan);

/* Start bobbind with the arguments (ended by NULL), and wait until it is ready. */
void supervisor_start(struct supervisor *v, struct server *s, const char *const *arguments);

#define SUPERVISOR_START(v, s, ...) supervisor_start(v, s, (const char *const[]){__VA_ARGS__, NULL})

/* Wait for a datagram with the text in it; those before it are dropped. */
struct supervisor_word supervisor_await(struct supervisor *v, const char *text);

/* No datagram has come so far. */
void supervisor_expect_nothing(struct supervisor *v);

void supervisor_close(struct supervisor *v);

#endif
