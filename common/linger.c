/* SPDX-License-Identifier: ISC */
/* linger - after the last reply: reading on, so that the replies arrive. */
#include "linger.h"

#include "deadline.h"
#include "socket.h"

#include <errno.h>
#include <poll.h>

/* How often to look whether the peer has our FIN. */
#define LOOK_NS (4 * NS_PER_MS)

/* How long a peer that went on sending must be silent. */
#define QUIET_NS (100 * NS_PER_MS)

/* The bound in bytes is met: read no more, but let the replies before it reach the peer. */
static void await_taken(int fd, int64_t deadline)
{
	/* A cut shows as POLLHUP; that everything was acknowledged does not show at all. */
	struct pollfd p = {.fd = fd};

	while (socket_untaken(fd) > 0 && deadline_now() < deadline) {
		if (poll(&p, 1, (int)(LOOK_NS / NS_PER_MS)) != 0)
			return;
	}
}

/*
 * Once our FIN is acknowledged, the peer's kernel has every reply and the end after them.  It hands
 * them out whatever comes later, an RST included.  A peer that went on sending is given a while to
 * notice.
 */
static bool may_leave(int fd, uint64_t dropped, int64_t last_input, int64_t now)
{
	if (socket_untaken(fd) != 0 || socket_unread(fd) != 0)
		return false;
	return dropped == 0 || now >= deadline_from(last_input, QUIET_NS);
}

uint64_t linger_read_out(
	struct transport *t, const struct linger_terms *terms, char *scratch, size_t scratch_size)
{
	int64_t now = deadline_now();
	int64_t last_input = now;
	int64_t deadline = deadline_from(now, terms->time_ns);
	uint64_t dropped = 0;

	while (dropped < terms->bytes && now < deadline) {
		int64_t until = terms->until_taken
			? deadline_earlier(deadline, deadline_from(now, LOOK_NS))
			: deadline;
		ssize_t n = transport_receive(t, scratch, scratch_size, now, until);
		now = deadline_now();
		if (n > 0) {
			dropped += (uint64_t)n;
			last_input = now;
			continue;
		}
		if (n != -EAGAIN && n != -EINTR)
			return dropped;
		if (terms->until_taken && may_leave(t->fd, dropped, last_input, now))
			return dropped;
	}
	await_taken(t->fd, deadline);
	return dropped;
}
