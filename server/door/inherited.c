/* SPDX-License-Identifier: ISC */
/* inherited - listening sockets that were opened before we were started. */
#include "inherited.h"

#include "common/socket.h"
#include "server/log.h"
#include "server/succession/predecessor.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

static void close_unusable(int fd)
{
	struct log_line l;

	log_begin(&l, LOG_WARN, "inherited_descriptor_unusable");
	log_number(&l, "fd", fd);
	log_text(&l, "reason", "it is not a listening TCP socket");
	log_end(&l);
	close(fd);
}

/* How many descriptors were passed to this process. */
static int count_passed(void)
{
	const char *pid = getenv("LISTEN_PID");
	const char *fds = getenv("LISTEN_FDS");

	if (!pid || !fds || strtol(pid, NULL, 10) != (long)getpid())
		return 0;
	long count = strtol(fds, NULL, 10);
	return count < 0 ? 0 : count > INHERITED_MAX ? INHERITED_MAX : (int)count;
}

static void add(struct inherited *in, int place, const char *name, const char *origins)
{
	int fd = PIPE_FIRST_FD + place;

	if (!is_listening_tcp(fd)) {
		close_unusable(fd);
		return;
	}
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	in->sockets[in->count++] = (struct inherited_socket){
		.fd = fd,
		.name = name,
		.place = (unsigned)place,
		.origin = origins ? (enum origin)origins[place] : ORIGIN_PASSED,
	};
}

void inherited_take(struct inherited *in)
{
	const char *names = getenv("LISTEN_FDNAMES");
	int count = count_passed();
	char *origins = predecessor_take(count);

	*in = (struct inherited){.handover = origins != NULL};
	in->names = strdup(names ? names : "");
	in->sockets = calloc((size_t)count + 1, sizeof *in->sockets);
	if (!in->names || !in->sockets)
		abort();
	char *rest = in->names;
	for (int i = 0; i < count; i++) {
		char *name = strsep(&rest, ":");
		/* A supervisor does not encode names. */
		if (name && in->handover)
			pipe_decode(name);
		add(in, i, name ? name : "", origins);
	}
	free(origins);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
}

void inherited_fini(struct inherited *in)
{
	free(in->sockets);
	free(in->names);
	*in = (struct inherited){0};
}
