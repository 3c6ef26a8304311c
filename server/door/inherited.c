/* SPDX-License-Identifier: ISC */
/* inherited - listening sockets that were opened before we were started. */
#include "inherited.h"

#include "common/socket.h"
#include "server/log.h"
#include "server/succession/predecessor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
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

static void add(struct inherited *in, int place, const char *name, const char *origins)
{
	int fd = PIPE_FIRST_FD + place;

	if (!is_listening_tcp(fd)) {
		leave_out(fd);
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
	int count = passed();
	char *origins = predecessor_take(count);

	*in = (struct inherited){.handover = origins != NULL};
	in->names = strdup(names ? names : "");
	in->sockets = calloc((size_t)count + 1, sizeof *in->sockets);
	if (!in->names || !in->sockets)
		abort();
	char *rest = in->names;
	for (int i = 0; i < count; i++) {
		char *name = strsep(&rest, ":");
		/* A supervisor's is as it is. */
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

/* Matching. */

static bool is_at(const struct address *local, const struct endpoint *e, enum network network)
{
	struct address wanted[16];
	const char *mistake;
	int count = address_lookup(&e->where, network, wanted, 16, &mistake);

	return count > 0 && address_equal(local, address_preferred(wanted, count));
}

static bool has_ipv6(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno != EAFNOSUPPORT;
	close(fd);
	return true;
}

/* For both families, or for one, as the endpoint wants it? */
static bool has_families(int fd, const struct endpoint *e)
{
	int v6only = 0;
	socklen_t len = sizeof v6only;

	(void)getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, &len);
	return v6only == (e->network == NETWORK_TCP6);
}

/*
 * Is it where a bobbind would have opened it for this endpoint?  On the wildcard that is more than
 * the address: listener.c has the choice of families, and the way out without IPv6.
 */
static bool is_opened_for(
	const struct inherited_socket *i, const struct address *local, const struct endpoint *e)
{
	if (is_at(local, e, (enum network)e->network))
		return local->any.sa_family == AF_INET || !address_is_wildcard(local) ||
			has_families(i->fd, e);
	return e->network == NETWORK_TCP && address_is_wildcard(local) && !has_ipv6() &&
		is_at(local, e, NETWORK_TCP4);
}

static bool is_bound(const struct inherited_socket *i, const struct endpoint *e)
{
	struct address local;

	if (socket_local_address(i->fd, &local) < 0)
		return false;
	if (i->origin == ORIGIN_OPENED)
		return is_opened_for(i, &local, e);
	return is_at(&local, e, (enum network)e->network);
}

static bool has_name(const struct inherited_socket *i, const struct endpoint *e)
{
	return strcmp(i->name, e->name) == 0 && (i->origin != ORIGIN_OPENED || e->where.port == 0);
}

struct inherited_socket *inherited_take_bound(struct inherited *in, const struct endpoint *e)
{
	for (struct inherited_socket *i = in->sockets; i < in->sockets + in->count; i++) {
		if (!i->taken && is_bound(i, e)) {
			i->taken = true;
			return i;
		}
	}
	return NULL;
}

struct inherited_socket *inherited_take_named(struct inherited *in, const struct endpoint *e)
{
	for (struct inherited_socket *i = in->sockets; i < in->sockets + in->count; i++) {
		if (!i->taken && has_name(i, e)) {
			i->taken = true;
			return i;
		}
	}
	return NULL;
}

struct inherited_socket *inherited_take_next(struct inherited *in)
{
	for (struct inherited_socket *i = in->sockets; i < in->sockets + in->count; i++) {
		if (!i->taken) {
			i->taken = true;
			return i;
		}
	}
	return NULL;
}

bool inherited_has_passed(const struct inherited *in)
{
	for (int i = 0; i < in->count; i++) {
		if (in->sockets[i].origin != ORIGIN_OPENED)
			return true;
	}
	return false;
}
