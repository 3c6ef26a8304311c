/* SPDX-License-Identifier: ISC */
/* listener - a listening socket for each endpoint, opened or inherited. */
#include "listener.h"

#include "assignment.h"
#include "listen_failure.h"
#include "server/log.h"
#include "server/service.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define ADDRESSES_MAX 16

/* The largest time to live. */
#define HOPS_MAX 255

#ifndef IPV6_MINHOPCOUNT
#define IPV6_MINHOPCOUNT 73 /* linux/in6.h, which cannot be included beside netinet/in.h */
#endif

/* Opening. */

static void say_without_ipv6(const struct endpoint *e)
{
	struct log_line l;

	log_begin(&l, LOG_WARN, "no_ipv6");
	log_text(&l, "listener", e->name);
	log_text(&l, "effect", "serving IPv4 only");
	log_end(&l);
}

static int listen_at(const struct listener *l, const struct address *at)
{
	bool dual = l->endpoint->network == NETWORK_TCP && address_is_wildcard(at);
	const struct socket_listening how = {
		.v6only = !dual,
		.reuse_port = l->endpoint->reuse_port,
		.backlog = (int)l->endpoint->backlog,
		.defer_accept_ns = l->endpoint->defer_accept_ns,
	};

	return socket_listen(at, &how, &l->options);
}

/*
 * A dual-stack wildcard falls back to IPv4 on a system that has no IPv6.  Returns a descriptor or
 * -errno.
 */
static int listen_or_fall_back(struct listener *l, struct address *at)
{
	const struct host_port *where = &l->endpoint->where;
	const char *mistake;
	int fd = listen_at(l, at);

	if (fd != -EAFNOSUPPORT || l->endpoint->network != NETWORK_TCP || !address_is_wildcard(at))
		return fd;
	address_lookup(where, NETWORK_TCP4, at, 1, &mistake);
	fd = listen_at(l, at);
	if (fd >= 0)
		say_without_ipv6(l->endpoint);
	return fd;
}

static int open_new(struct listener *l)
{
	const struct endpoint *e = l->endpoint;
	struct address list[ADDRESSES_MAX];
	const char *mistake;
	int count =
		address_lookup(&e->where, (enum network)e->network, list, ADDRESSES_MAX, &mistake);

	if (count < 0)
		return listen_failure_of_lookup(e, mistake);
	struct address at = *address_preferred(list, count);
	l->fd = listen_or_fall_back(l, &at);
	if (l->fd < 0)
		return listen_failure_at(e, &at, -l->fd);
	return EX_OK;
}

/* Note the endpoint and the options that follow from it; the socket does not have them yet. */
static void choose(struct listener *l, const struct endpoint *e)
{
	l->endpoint = e;
	l->options = stream_socket_options(&e->terms, e->nodelay, e->dead_after_ns);
	snprintf(l->options.congestion, sizeof l->options.congestion, "%s",
		e->congestion[0] ? e->congestion : l->system_congestion);
}

/*
 * Give a socket that already listens what the endpoint says.  A client in its queue keeps the
 * options that the socket had at the handshake, and so may a client that connects meanwhile.
 *
 * Returns 0 or -errno.
 */
static int set_anew(struct listener *l)
{
	if (listen(l->fd, (int)l->endpoint->backlog) < 0)
		return -errno;
	int rc = socket_defer_accept(l->fd, l->endpoint->defer_accept_ns);
	if (rc == 0)
		rc = socket_set_options(l->fd, &l->options);
	/* The queue, which may be longer than the new backlog, and handshakes under way. */
	unsigned backlog = (unsigned)l->endpoint->backlog;
	l->unset = listener_queued(l) + (backlog > l->backlog ? backlog : l->backlog) + 1;
	l->backlog = backlog;
	return rc;
}

void listener_set_endpoint(struct listener *l, const struct endpoint *e)
{
	choose(l, e);
	(void)set_anew(l);
}

/* A predecessor gives up what it opened; a supervisor keeps what it passed. */
static int adopt(struct listener *l, const struct inherited_socket *inherited)
{
	l->fd = inherited->fd;
	l->inherited = true;
	l->origin = inherited->origin;
	l->shared = l->origin != ORIGIN_OPENED;
	(void)socket_local_address(l->fd, &l->bound);
	int rc = set_anew(l);
	return rc < 0 ? listen_failure_at(l->endpoint, &l->bound, -rc) : EX_OK;
}

/* inherited: its socket, or NULL to open one.  Returns an exit status. */
static int open_one(
	struct listener *l, const struct endpoint *e, const struct inherited_socket *inherited)
{
	*l = (struct listener){.fd = -1, .origin = ORIGIN_OPENED};
	socket_system_congestion(l->system_congestion);
	choose(l, e);
	int status = inherited ? adopt(l, inherited) : open_new(l);
	l->backlog = (unsigned)e->backlog;
	if (status == EX_OK)
		(void)socket_local_address(l->fd, &l->bound);
	return status;
}

static void close_all(struct listener *listeners, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (listeners[i].fd >= 0)
			close(listeners[i].fd);
	}
	free(listeners);
}

static int open_inherited(
	struct inherited *in, struct settings *s, struct listener **listeners, size_t *count)
{
	const struct inherited_socket **assigned = assignment_make(in, s);
	struct listener *all = calloc(s->endpoint_count, sizeof *all);
	int status = EX_OK;
	size_t opened = 0;

	if (!all)
		abort();
	/* After a failure too, so that the log has the mistakes of all listeners. */
	for (; opened < s->endpoint_count; opened++) {
		int rc = open_one(&all[opened], &s->endpoints[opened], assigned[opened]);
		status = status == EX_OK ? rc : status;
	}
	free(assigned);
	if (status != EX_OK) {
		close_all(all, opened);
		return status;
	}
	*listeners = all;
	*count = opened;
	return EX_OK;
}

int listener_open_all(struct settings *s, struct listener **listeners, size_t *count)
{
	struct inherited in;

	inherited_take(&in);
	int status = open_inherited(&in, s, listeners, count);
	inherited_fini(&in);
	return status;
}

/* For the operator. */

/* Add a shell command that talks to the listener, at a wildcard over loopback. */
static void add_try(struct log_line *l, const struct listener *at)
{
	char text[ADDRESS_TEXT_MAX];
	char port[8];
	char command[256];
	char *host = address_format(&at->bound, text);

	snprintf(port, sizeof port, "%u", (unsigned)address_port(&at->bound));
	*strrchr(host, ':') = '\0';
	if (address_is_wildcard(&at->bound))
		host = at->endpoint->network == NETWORK_TCP6 ? "::1" : "127.0.0.1";
	else if (host[0] == '[')
		*strchr(++host, ']') = '\0';
	const struct service *service = at->endpoint->service;
	snprintf(command, sizeof command, "%s %s %s%s", service->try_before, host, port,
		service->try_after ? service->try_after : "");
	log_text(l, "try", command);
}

char *listener_list(const struct listener *listeners, size_t count, char *text, size_t size)
{
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < count && len < size; i++) {
		char where[ADDRESS_TEXT_MAX];
		len += (size_t)snprintf(text + len, size - len, "%s%s", i > 0 ? ", " : "",
			address_format(&listeners[i].bound, where));
	}
	return text;
}

void listener_announce(const struct listener *at)
{
	struct log_line l;

	log_begin(&l, LOG_INFO, "listening");
	log_text(&l, "listener", at->endpoint->name);
	log_text(&l, "service", at->endpoint->service->name);
	log_text(&l, "network", address_network_name((enum network)at->endpoint->network));
	log_address(&l, "address", &at->bound);
	if (at->inherited)
		log_text(&l, "inherited", "true");
	if (at->endpoint->service->try_before)
		add_try(&l, at);
	log_end(&l);
}

/* The queue, and its end. */

unsigned listener_queued(const struct listener *l)
{
	struct tcp_info info;
	socklen_t len = sizeof info;

	/* On a listening socket tcpi_unacked is the length of the accept queue. */
	if (getsockopt(l->fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return 0;
	return info.tcpi_unacked;
}

/* Returns false if that needs a privilege that we do not have. */
static bool drop_syns(int fd)
{
	/* The filter sees the packet from the TCP header on, whose byte 13 has the flags. */
	struct sock_filter drop_syn[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, TH_SYN | TH_ACK),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, TH_SYN, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	struct sock_fprog program = {
		.len = sizeof drop_syn / sizeof *drop_syn,
		.filter = drop_syn,
	};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

/* Packets with less time to live are dropped.  A dual-stack socket has a bound for each family. */
static void set_least_hops(int fd, int least)
{
	(void)setsockopt(fd, IPPROTO_IP, IP_MINTTL, &least, sizeof least);
	(void)setsockopt(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, &least, sizeof least);
}

void listener_drop_syns(struct listener *l)
{
	if (drop_syns(l->fd))
		return;
	set_least_hops(l->fd, HOPS_MAX);
	l->drops_routed = true;
}

void listener_admit(const struct listener *l, int fd)
{
	if (l->drops_routed)
		set_least_hops(fd, 0);
}
