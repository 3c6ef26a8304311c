/* SPDX-License-Identifier: ISC */
/* inherited - listening sockets that a supervisor opened before it started us. */
#include "inherited.h"

#include "common/socket.h"
#include "log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST_FD 3

static bool is_listening_tcp(int fd)
{
	int value = 0;
	socklen_t len = sizeof value;
	struct address local;

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &len) < 0 || !value)
		return false;
	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &len) < 0 || value != SOCK_STREAM)
		return false;
	return socket_local_address(fd, &local) == 0 &&
		(local.any.sa_family == AF_INET || local.any.sa_family == AF_INET6);
}

static void leave_out(int fd)
{
	struct log_line l;

	log_begin(&l, LOG_WARN, "inherited_descriptor_unusable");
	log_number(&l, "fd", fd);
	log_text(&l, "reason", "it is not a listening TCP socket");
	log_end(&l);
	close(fd);
}

/* How many descriptors are meant for this process. */
static int passed(void)
{
	const char *pid = getenv("LISTEN_PID");
	const char *fds = getenv("LISTEN_FDS");

	if (!pid || !fds || strtol(pid, NULL, 10) != (long)getpid())
		return 0;
	long count = strtol(fds, NULL, 10);
	return count < 0 ? 0 : count > INHERITED_MAX ? INHERITED_MAX : (int)count;
}

void inherited_take(struct inherited *in)
{
	const char *names = getenv("LISTEN_FDNAMES");
	int count = passed();

	in->count = 0;
	snprintf(in->names, sizeof in->names, "%s", names ? names : "");
	char *rest = in->names;
	for (int i = 0; i < count; i++) {
		const char *name = rest ? strsep(&rest, ":") : "";
		int fd = FIRST_FD + i;
		if (!is_listening_tcp(fd)) {
			leave_out(fd);
			continue;
		}
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
		in->sockets[in->count].fd = fd;
		in->sockets[in->count++].name = name;
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
}

static bool bound_there(int fd, const struct endpoint *e)
{
	struct address local;
	struct address wanted[16];
	const char *fault;

	if (socket_local_address(fd, &local) < 0)
		return false;
	int count = address_lookup(&e->where, (enum network)e->network, wanted, 16, &fault);
	return count > 0 && address_equal(&local, address_preferred(wanted, count));
}

static int take(struct inherited *in, int i)
{
	int fd = in->sockets[i].fd;

	in->sockets[i].fd = -1;
	return fd;
}

int inherited_match(struct inherited *in, const struct endpoint *e)
{
	for (int i = 0; i < in->count; i++) {
		if (in->sockets[i].fd >= 0 && bound_there(in->sockets[i].fd, e))
			return take(in, i);
	}
	for (int i = 0; i < in->count; i++) {
		if (in->sockets[i].fd >= 0 && strcmp(in->sockets[i].name, e->name) == 0)
			return take(in, i);
	}
	return -1;
}

int inherited_next(struct inherited *in, const char **name)
{
	for (int i = 0; i < in->count; i++) {
		if (in->sockets[i].fd >= 0) {
			*name = in->sockets[i].name;
			return take(in, i);
		}
	}
	return -1;
}
