/* SPDX-License-Identifier: ISC */
/* listen_failure - what the log and the exit status say about a listener that cannot be opened. */
#include "listen_failure.h"

#include "port_owner.h"
#include "server/log.h"

#include <errno.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

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

/* Returns false if it is no address of IPv4 or IPv6. */
static bool read_address(const struct ifaddrs *i, struct address *a)
{
	int family = i->ifa_addr ? i->ifa_addr->sa_family : AF_UNSPEC;

	if (family == AF_INET)
		memcpy(a, i->ifa_addr, sizeof a->in4);
	else if (family == AF_INET6)
		memcpy(a, i->ifa_addr, sizeof a->in6);
	return family == AF_INET || family == AF_INET6;
}

/* The addresses of this host, where the listener could have been opened. */
static void add_local_addresses(struct log_line *l, const struct address *at)
{
	struct ifaddrs *all;
	char list[512] = "";
	size_t len = 0;

	(void)at;
	if (getifaddrs(&all) < 0)
		return;
	for (const struct ifaddrs *i = all; i && len < sizeof list; i = i->ifa_next) {
		struct address a = {.in4 = {.sin_family = AF_UNSPEC}};
		char text[ADDRESS_TEXT_MAX];
		if (!read_address(i, &a))
			continue;
		*strrchr(address_format(&a, text), ':') = '\0';
		len += (size_t)snprintf(
			list + len, sizeof list - len, "%s%s", len ? " " : "", text);
	}
	freeifaddrs(all);
	log_text(l, "local_addresses", list);
}

static const struct failure {
	int error;
	int status;
	void (*add)(struct log_line *l, const struct address *at); /* NULL: nothing to add */
} failures[] = {
	{EADDRINUSE, EX_UNAVAILABLE, add_port_owner},
	{EADDRNOTAVAIL, EX_UNAVAILABLE, add_local_addresses}, {EAFNOSUPPORT, EX_UNAVAILABLE, NULL},
	{EACCES, EX_NOPERM, NULL}, {EPERM, EX_NOPERM, NULL}, {0, EX_OSERR, NULL}, /* any other */
};

static const struct failure *find(int error)
{
	const struct failure *f = failures;

	while (f->error != 0 && f->error != error)
		f++;
	return f;
}

int listen_failure_at(const struct endpoint *e, const struct address *at, int error)
{
	const struct failure *f = find(error);
	struct log_line l;

	log_begin(&l, LOG_ERROR, "cannot_listen");
	log_text(&l, "listener", e->name);
	log_address(&l, "address", at);
	log_errno(&l, error);
	if (f->add)
		f->add(&l, at);
	log_end(&l);
	return f->status;
}

int listen_failure_of_lookup(const struct endpoint *e, const char *mistake)
{
	struct log_line l;

	log_begin(&l, LOG_ERROR, "cannot_listen");
	log_text(&l, "listener", e->name);
	log_text(&l, "address", e->address);
	log_text(&l, "error", mistake);
	log_end(&l);
	return EX_NOHOST;
}
