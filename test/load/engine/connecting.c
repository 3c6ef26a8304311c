/* SPDX-License-Identifier: ISC */
/* connecting - from the dial to an established connection. */
#include "connecting.h"

#include "common/socket.h"
#include "ending.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

static int dial(struct connection *c, struct bench *b)
{
	const struct settings *s = b->settings;
	const struct address *to = &s->endpoint.addresses[c->address];
	const int on = 1;

	if (s->sources.count == 0) {
		c->fd = socket_dial_start(to, NULL);
	} else {
		struct address from = endpoint_source(&s->sources, c->checker.connection);
		c->fd = socket_dial_start(to, &from);
	}
	if (c->fd < 0)
		return c->fd;
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	struct epoll_event ev = {
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
		.data.ptr = c,
	};
	return epoll_ctl(b->epoll_fd, EPOLL_CTL_ADD, c->fd, &ev) < 0 ? -errno : 0;
}

/* A connect that fails for want of something here says nothing about how long connects take. */
static void count_failed_connect(struct connection *c, struct bench *b, int error)
{
	enum failure failure = failure_from_errno(error);
	struct example e = ending_example(c, error);

	failure_count(&b->figures->failures, failure, &e);
	if (failure != FAILURE_NO_LOCAL_PORT && failure != FAILURE_NO_DESCRIPTORS)
		histogram_record_never(&b->figures->connect, 1);
}

/* Try the addresses from c->address on, until one lets the connect begin or all have been tried. */
static void try_addresses(struct connection *c, struct bench *b, int error)
{
	int count = b->settings->endpoint.count;

	for (; c->addresses_tried < count; c->address = (c->address + 1) % count) {
		c->addresses_tried++;
		bench_look(b, 0);
		c->attempt_ns = b->now_ns;
		if (c->addresses_tried == 1)
			c->connect_ns = b->now_ns;
		int rc = dial(c, b);
		if (rc >= 0)
			return;
		error = -rc;
		b->figures->address_failed[c->address]++;
		if (c->fd >= 0)
			close(c->fd);
		c->fd = -1;
	}
	count_failed_connect(c, b, error);
	c->state = CONNECTION_CLOSED;
	c->rests = true;
}

void connecting_begin(struct connection *c, struct bench *b)
{
	c->address = (int)(c->checker.connection % (uint32_t)b->settings->endpoint.count);
	c->addresses_tried = 0;
	try_addresses(c, b, 0);
}

void connecting_failed(struct connection *c, struct bench *b, int error)
{
	b->figures->address_failed[c->address]++;
	close(c->fd);
	c->fd = -1;
	c->address = (c->address + 1) % b->settings->endpoint.count;
	try_addresses(c, b, error);
}

/* A reset in the handshake is ECONNREFUSED; ECONNRESET means that there was a connection, if a
 * short one. */
void connecting_end(struct connection *c, struct bench *b, uint32_t events)
{
	int error = 0;
	socklen_t len = sizeof error;

	if (events & (EPOLLERR | EPOLLHUP))
		(void)getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error != 0 && error != ECONNRESET) {
		connecting_failed(c, b, error);
		return;
	}
	c->state = CONNECTION_OPEN;
	c->opened_ns = b->now_ns;
	if (!c->banner_due)
		slot_has_room(&c->slot, b);
	b->figures->opened++;
	b->figures->address_opened[c->address]++;
	bench_record(b, &b->figures->connect, &b->figures->own_connect, c->connect_ns);
	if (error != 0)
		ending_by_peer(c, b, error);
}
