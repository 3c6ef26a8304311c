/* SPDX-License-Identifier: ISC */
/* assignment - which endpoint gets which inherited socket. */
#include "assignment.h"

#include "common/socket.h"
#include "server/log.h"
#include "server/succession/predecessor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ADDRESSES_MAX 16

/* Comparing a socket with an endpoint. */

static bool is_at(const struct address *local, const struct endpoint *e, enum network network)
{
	struct address wanted[ADDRESSES_MAX];
	const char *mistake;
	int count = address_lookup(&e->where, network, wanted, ADDRESSES_MAX, &mistake);

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

/* Does an IPv6 wildcard take both families, or one, as the endpoint wants? */
static bool has_families(int fd, const struct endpoint *e)
{
	int v6only = 0;
	socklen_t len = sizeof v6only;

	(void)getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, &len);
	return v6only == (e->network == NETWORK_TCP6);
}

/*
 * Is it where a bobbind would have opened it for this endpoint?  On a wildcard that is more than
 * the address: listener.c chooses the families there, and falls back to IPv4 where there is no
 * IPv6.
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

/* The first socket that is not taken and fits the endpoint, taken; or NULL. */
static struct inherited_socket *take(struct inherited *in, const struct endpoint *e,
	bool (*fits)(const struct inherited_socket *i, const struct endpoint *e))
{
	for (struct inherited_socket *i = in->sockets; i < in->sockets + in->count; i++) {
		if (!i->taken && fits(i, e)) {
			i->taken = true;
			return i;
		}
	}
	return NULL;
}

/* Sockets that no endpoint gets. */

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
		/* Another listener has the name: the address becomes this one's. */
		e->name[0] = '\0';
		(void)settings_finish_endpoint(s, e, &key);
	}
	say_unmatched(e);
}

/* The predecessor's configuration has a listener for it, and ours has none. */
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

/* Assigning. */

static bool has_passed(const struct inherited *in)
{
	for (int i = 0; i < in->count; i++) {
		if (in->sockets[i].origin != ORIGIN_OPENED)
			return true;
	}
	return false;
}

static void match_all(
	struct inherited *in, const struct settings *s, const struct inherited_socket **assigned)
{
	for (size_t e = 0; e < s->endpoint_count; e++)
		assigned[e] = take(in, &s->endpoints[e], is_bound);
	for (size_t e = 0; e < s->endpoint_count; e++) {
		if (!assigned[e])
			assigned[e] = take(in, &s->endpoints[e], has_name);
	}
	for (int i = 0; i < in->count; i++) {
		/* An endpoint asks for it now. */
		if (in->sockets[i].taken && in->sockets[i].origin == ORIGIN_SPARE)
			in->sockets[i].origin = ORIGIN_PASSED;
	}
}

/* replaced: the supervisor's sockets have replaced the built-in listener. */
static bool gets_endpoint(
	const struct inherited *in, const struct inherited_socket *i, bool replaced)
{
	return i->origin == ORIGIN_SPARE ||
		(i->origin == ORIGIN_PASSED && (replaced || !in->handover));
}

const struct inherited_socket **assignment_make(struct inherited *in, struct settings *s)
{
	bool replaced = s->built_in_listener && has_passed(in);

	if (replaced)
		settings_clear_endpoints(s);
	/* One more, so that no endpoint and no socket is no special case. */
	const struct inherited_socket **assigned = calloc(
		s->endpoint_count + (size_t)in->count + 1, sizeof(struct inherited_socket *));
	if (!assigned)
		abort();
	match_all(in, s, assigned);
	for (struct inherited_socket *i = in->sockets; i < in->sockets + in->count; i++) {
		if (i->taken)
			continue;
		i->taken = true;
		if (gets_endpoint(in, i, replaced)) {
			i->origin = ORIGIN_SPARE;
			add_endpoint_for(s, i);
			assigned[s->endpoint_count - 1] = i;
		} else {
			leave_to_predecessor(i);
		}
	}
	return assigned;
}
