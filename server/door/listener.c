/* SPDX-License-Identifier: ISC */
/* listener - network and address in, bound listening socket out, or one that was inherited. */
#include "listener.h"

#include "inherited.h"
#include "port_owner.h"
#include "server/log.h"
#include "server/service.h"
#include "server/succession/predecessor.h"

#include <errno.h>
#include <ifaddrs.h>
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

/* Failing, with words. */

static int status_of(int error)
{
	switch (error) {
	case EADDRINUSE:
	case EADDRNOTAVAIL:
	case EAFNOSUPPORT:
		return EX_UNAVAILABLE;
	case EACCES:
	case EPERM:
		return EX_NOPERM;
	default:
		return EX_OSERR;
	}
}

static void add_port_owner(struct log_line *l, const struct address *at)
{
	struct port_owner owner;

	if (!port_owner_find(at, &owner))
		return;
	if (owner.pid == getpid()) {
		log_text(l, "port_owner", "another listener of this server");
		return;
	}
	log_number(l, "port_owner_pid", owner.pid);
	log_text(l, "port_owner", owner.name);
}

/* The addresses that could have been listened on. */
static void add_local_addresses(struct log_line *l)
{
	struct ifaddrs *all;
	char list[512] = "";
	size_t len = 0;

	if (getifaddrs(&all) < 0)
		return;
	for (const struct ifaddrs *i = all; i && len < sizeof list; i = i->ifa_next) {
		struct address a = {.in4 = {.sin_family = AF_UNSPEC}};
		char text[ADDRESS_TEXT_MAX];
		if (!i->ifa_addr)
			continue;
		if (i->ifa_addr->sa_family == AF_INET)
			memcpy(&a, i->ifa_addr, sizeof a.in4);
		else if (i->ifa_addr->sa_family == AF_INET6)
			memcpy(&a, i->ifa_addr, sizeof a.in6);
		else
			continue;
		*strrchr(address_format(&a, text), ':') = '\0';
		len += (size_t)snprintf(
			list + len, sizeof list - len, "%s%s", len ? " " : "", text);
	}
	freeifaddrs(all);
	log_text(l, "local_addresses", list);
}

static int fail(const struct endpoint *e, const struct address *at, int error)
{
	struct log_line l;

	log_begin(&l, LOG_ERROR, "cannot_listen");
	log_text(&l, "listener", e->name);
	log_address(&l, "address", at);
	log_errno(&l, error);
	if (error == EADDRINUSE)
		add_port_owner(&l, at);
	if (error == EADDRNOTAVAIL)
		add_local_addresses(&l);
	log_end(&l);
	return status_of(error);
}

static int fail_lookup(const struct endpoint *e, const char *mistake)
{
	struct log_line l;

	log_begin(&l, LOG_ERROR, "cannot_listen");
	log_text(&l, "listener", e->name);
	log_text(&l, "address", e->address);
	log_text(&l, "error", mistake);
	log_end(&l);
	return EX_NOHOST;
}

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
		return fail_lookup(e, mistake);
	struct address at = *address_preferred(list, count);
	l->fd = listen_or_fall_back(l, &at);
	if (l->fd < 0)
		return fail(e, &at, -l->fd);
	return EX_OK;
}

/* The endpoint, and the options that follow from it, for a socket that has to get them still. */
static void choose(struct listener *l, const struct endpoint *e)
{
	l->endpoint = e;
	l->options = stream_socket_options(&e->terms, e->nodelay, e->dead_after_ns);
	snprintf(l->options.congestion, sizeof l->options.congestion, "%s",
		e->congestion[0] ? e->congestion : l->system_congestion);
}

/* Give a socket that listens already what the endpoint says.  Returns 0 or -errno. */
static int set_anew(struct listener *l)
{
	/*
	 * Clients that are in its queue already have the options that it had when they connected,
	 * and so may those that connect while the options are being set.
	 */
	if (listen(l->fd, (int)l->endpoint->backlog) < 0)
		return -errno;
	int rc = socket_defer_accept(l->fd, l->endpoint->defer_accept_ns);
	if (rc == 0)
		rc = socket_set_options(l->fd, &l->options);
	/* Those in the queue, which may be longer than the backlog is now, and handshakes under way. */
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

/*
 * Whoever opened it chose a backlog of its own: ours holds from here on.  A predecessor gives up what
 * it opened; a supervisor keeps what it passed.
 */
static int adopt(struct listener *l, const struct inherited_socket *inherited)
{
	int fd = inherited->fd;

	l->fd = fd;
	l->inherited = true;
	l->origin = inherited->origin;
	l->shared = l->origin != ORIGIN_OPENED;
	(void)socket_local_address(fd, &l->bound);
	int rc = set_anew(l);
	return rc < 0 ? fail(l->endpoint, &l->bound, -rc) : EX_OK;
}

/* inherited: NULL if there is none for it. */
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

static void say_unmatched(const struct endpoint *e)
{
	struct log_line l;

	log_begin(&l, LOG_WARN, "inherited_socket_without_listener");
	log_text(&l, "address", e->address);
	log_text(&l, "name", e->name);
	log_text(&l, "effect", "it gets the default service");
	log_text(&l, "service", e->service_name);
	log_end(&l);
}

/* An endpoint for a socket that none matched. */
static void add_endpoint_for(struct settings *s, const struct inherited_socket *i)
{
	struct endpoint *e = settings_add_endpoint(s);
	struct address local = {.in4 = {.sin_family = AF_INET}};
	char text[ADDRESS_TEXT_MAX];
	const char *key;

	(void)socket_local_address(i->fd, &local);
	free(e->address);
	free(e->name);
	e->from_supervisor = true;
	e->address = strdup(address_format(&local, text));
	e->name = strdup(i->name);
	if (!e->address || !e->name)
		abort();
	if (settings_finish_endpoint(s, e, &key)) {
		/* The name is another listener's: go by the address. */
		e->name[0] = '\0';
		(void)settings_finish_endpoint(s, e, &key);
	}
	say_unmatched(e);
}

static void close_all(struct listener *listeners, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (listeners[i].fd >= 0)
			close(listeners[i].fd);
	}
	free(listeners);
}

/* The predecessor's configuration had it, and ours has not. */
static void leave_to_predecessor(const struct inherited_socket *i)
{
	struct address local;
	struct log_line l;

	log_begin(&l, LOG_INFO, "handed_over_socket_unused");
	if (socket_local_address(i->fd, &local) == 0)
		log_address(&l, "address", &local);
	log_text(&l, "name", i->name);
	log_end(&l);
	predecessor_tell_unused(i->place);
	close(i->fd);
}

/* What an endpoint gets. */
struct assignment {
	struct inherited_socket *inherited; /* NULL: none */
};

static void match_all(struct inherited *in, const struct settings *s, struct assignment *assigned)
{
	for (size_t i = 0; i < s->endpoint_count; i++)
		assigned[i].inherited = inherited_take_bound(in, &s->endpoints[i]);
	for (size_t i = 0; i < s->endpoint_count; i++) {
		if (!assigned[i].inherited)
			assigned[i].inherited = inherited_take_named(in, &s->endpoints[i]);
		struct inherited_socket *mine = assigned[i].inherited;
		if (mine && mine->origin == ORIGIN_SPARE)
			mine->origin = ORIGIN_PASSED;
	}
}

/*
 * Which inherited socket each endpoint gets; endpoints are added for sockets that get the default
 * service.
 */
static struct assignment *assign_inherited(struct inherited *in, struct settings *s)
{
	/* Nobody asked for the built-in listener, and the supervisor's sockets stand in for it. */
	bool gave_way = s->built_in_listener && inherited_has_passed(in);

	if (gave_way)
		settings_clear_endpoints(s);
	/* One more, so that none at all is no special case. */
	struct assignment *assigned =
		calloc(s->endpoint_count + (size_t)in->count + 1, sizeof *assigned);
	if (!assigned)
		abort();
	match_all(in, s, assigned);
	for (struct inherited_socket *i; (i = inherited_take_next(in));) {
		if (i->origin == ORIGIN_PASSED && (gave_way || !in->handover))
			i->origin = ORIGIN_SPARE;
		if (i->origin == ORIGIN_SPARE) {
			add_endpoint_for(s, i);
			assigned[s->endpoint_count - 1].inherited = i;
		} else {
			leave_to_predecessor(i);
		}
	}
	return assigned;
}

static int open_inherited(
	struct inherited *in, struct settings *s, struct listener **listeners, size_t *count)
{
	struct assignment *assigned = assign_inherited(in, s);
	struct listener *all = calloc(s->endpoint_count, sizeof *all);
	int status = EX_OK;
	size_t opened = 0;

	if (!all)
		abort();
	/* After a failure too: what is wrong with the others is told as well. */
	for (; opened < s->endpoint_count; opened++) {
		int rc = open_one(&all[opened], &s->endpoints[opened], assigned[opened].inherited);
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

/* Saying. */

/* A command for the shell that talks to it; a wildcard is tried on loopback. */
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

/* Returns true if it may be done. */
static bool drop_syns(int fd)
{
	/* What the filter sees begins with the TCP header, whose byte 13 has the flags. */
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

/* What comes with less is dropped.  A dual-stack socket has one bound for each family. */
static void set_least_hops(int fd, int least)
{
	(void)setsockopt(fd, IPPROTO_IP, IP_MINTTL, &least, sizeof least);
	(void)setsockopt(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, &least, sizeof least);
}

void listener_let_nobody_in(struct listener *l)
{
	if (drop_syns(l->fd))
		return;
	set_least_hops(l->fd, HOPS_MAX);
	l->deaf = true;
}

void listener_admit(const struct listener *l, int fd)
{
	if (l->deaf)
		set_least_hops(fd, 0);
}
