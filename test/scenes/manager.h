/* SPDX-License-Identifier: ISC */
/*
 * manager - what starts a server, passes it sockets, and is told how it is; as systemd does.
 *
 * Every wait has a bound.  What returns text returns NULL, or what came instead.
 */
#ifndef BOBBIN_TEST_SCENES_MANAGER_H
#define BOBBIN_TEST_SCENES_MANAGER_H

#include <netinet/in.h>
#include <sys/types.h>

#define MANAGER_SOCKETS_MAX 8

struct manager {
	int notified;    /* where datagrams come in; 0: there is no manager */
	char where[64];  /* the same as in NOTIFY_SOCKET: an abstract name */
	char names[256]; /* LISTEN_FDNAMES; "": none */
	int fds[MANAGER_SOCKETS_MAX];
	int count;
};

/* Ready to be notified, and without sockets. */
void manager_open(struct manager *m);

/*
 * Listen on a free port of 127.0.0.1, with none of bobbind's options, on behalf of the server.
 * name: "-" for none.  Returns the port.
 */
in_port_t manager_listen(struct manager *m, const char *name);

/* In the child, before exec: the sockets to 3 and on, and the environment that tells of them. */
void manager_pass(const struct manager *m);

/* The next datagram is from the process and matches the pattern. */
const char *manager_expect(struct manager *m, pid_t pid, const char *pattern, char text[2048]);

/* No datagram has come so far. */
const char *manager_expect_nothing(struct manager *m);

/* Send it datagrams until the kernel takes no more. */
void manager_fill(const struct manager *m);

#endif
