/* SPDX-License-Identifier: ISC */
/* linger - after the last reply: reading on, so that the replies arrive. */
#include "linger.h"

#include "deadline.h"
#include "socket.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

/* How often to look whether the peer has our FIN. */
#define LOOK_NS (4 * NS_PER_MS)

/* How long a peer that went on sending must be silent. */
#define QUIET_NS (100 * NS_PER_MS)

/* The end of the bound in bytes: read no more, but let the peer have what it was sent before. */
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
 * Once our FIN is acknowledged the peer's kernel has every reply and the end behind them, which it
 * hands out whatever comes later, an RST included.  A peer that went on sending is given a while to
 * notice.
 */
static bool may_leave(int fd, uint64_t dropped, int64_t last_input)
{
	if (socket_untaken(fd) != 0 || socket_unread(fd) != 0)
		return false;
	return dropped == 0 || deadline_now() >= deadline_from(last_input, QUIET_NS);
}

uint64_t linger_read_out(
	int fd, const struct linger_terms *terms, char *scratch, size_t scratch_size)
{
	int64_t last_input = deadline_now();
	int64_t deadline = deadline_from(last_input, terms->time_ns);
	int64_t look = terms->until_taken ? LOOK_NS : DEADLINE_NEVER;
	int64_t armed_ms = INT64_MAX;
	uint64_t dropped = 0;

	while (dropped < terms->bytes) {
		int64_t left = deadline_earlier(deadline - deadline_now(), look);
		if (left <= 0 || socket_arm_timeout(fd, SO_RCVTIMEO, &armed_ms, left) < 0)
			return dropped;
		ssize_t n = recv(fd, scratch, scratch_size, 0);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return dropped;
		if (n > 0) {
			dropped += (uint64_t)n;
			last_input = deadline_now();
			continue;
		}
		if (errno == EAGAIN)
			armed_ms = INT64_MAX;
		if (terms->until_taken && may_leave(fd, dropped, last_input))
			return dropped;
	}
	await_taken(fd, deadline);
	return dropped;
}
