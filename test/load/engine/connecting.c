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

static int dial(struct connection *c, struct lane *lane)
{
	const struct settings *s = lane->settings;
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
	return epoll_ctl(lane->epoll_fd, EPOLL_CTL_ADD, c->fd, &ev) < 0 ? -errno : 0;
}

/* A connect that fails because this host lacks something says nothing about how long connects
 * take. */
static void count_failed_connect(struct connection *c, struct lane *lane, int error)
{
	enum failure failure = failure_from_errno(error);
	struct example e = ending_example(c, error);

	failure_count(&lane->figures->failures, failure, &e);
	if (failure != FAILURE_NO_LOCAL_PORT && failure != FAILURE_NO_DESCRIPTORS)
		histogram_record_never(&lane->figures->connect, 1);
}

/* Try the addresses from c->address on, until one lets the connect begin or all have been tried. */
static void try_addresses(struct connection *c, struct lane *lane, int error)
{
	int count = lane->settings->endpoint.count;

	for (; c->addresses_tried < count; c->address = (c->address + 1) % count) {
		c->addresses_tried++;
		lane_look(lane, 0);
		c->attempt_ns = lane->now_ns;
		if (c->addresses_tried == 1)
			c->connect_ns = lane->now_ns;
		int rc = dial(c, lane);
		if (rc >= 0)
			return;
		error = -rc;
		lane->figures->address_failed[c->address]++;
		if (c->fd >= 0)
			close(c->fd);
		c->fd = -1;
	}
	count_failed_connect(c, lane, error);
	c->state = CONNECTION_CLOSED;
	c->rests = true;
}

void connecting_begin(struct connection *c, struct lane *lane)
{
	c->address = (int)(c->checker.connection % (uint32_t)lane->settings->endpoint.count);
	c->addresses_tried = 0;
	try_addresses(c, lane, 0);
}

void connecting_failed(struct connection *c, struct lane *lane, int error)
{
	lane->figures->address_failed[c->address]++;
	close(c->fd);
	c->fd = -1;
	c->address = (c->address + 1) % lane->settings->endpoint.count;
	try_addresses(c, lane, error);
}

/* A reset in the handshake is ECONNREFUSED.  ECONNRESET means that a short connection existed. */
void connecting_end(struct connection *c, struct lane *lane, uint32_t events)
{
	int error = 0;
	socklen_t len = sizeof error;

	if (events & (EPOLLERR | EPOLLHUP))
		(void)getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error != 0 && error != ECONNRESET) {
		connecting_failed(c, lane, error);
		return;
	}
	c->state = CONNECTION_OPEN;
	c->opened_ns = lane->now_ns;
	if (!c->banner_due)
		slot_set_vacant(&c->slot, lane);
	lane->figures->opened++;
	lane->figures->address_opened[c->address]++;
	lane_record(lane, &lane->figures->connect, &lane->figures->own_connect, c->connect_ns);
	if (error != 0)
		ending_by_peer(c, lane, error);
}
