/* SPDX-License-Identifier: ISC */
/* transport - receiving and sending on a connected, blocking TCP socket until a deadline. */
#include "transport.h"

#include "deadline.h"
#include "socket.h"
#include "tally.h"

#include <errno.h>
#include <sys/socket.h>

void transport_init(
	struct transport *t, int fd, int64_t receive_timeout_ns, int64_t send_timeout_ns)
{
	*t = (struct transport){
		.fd = fd,
		.receive_ms = socket_timeout_ms(receive_timeout_ns),
		.send_ms = socket_timeout_ms(send_timeout_ns),
	};
}

/*
 * Have SO_RCVTIMEO or SO_SNDTIMEO be no longer than left_ns.  A shorter one stays: its EAGAIN comes
 * before the deadline, and costs less than a call for each wait.
 */
static int arm(const struct transport *t, int which, int64_t *armed_ms, int64_t left_ns)
{
	int64_t left_ms = socket_timeout_ms(left_ns);

	if (*armed_ms <= left_ms)
		return 0;
	int rc = socket_set_timeout(t->fd, which, left_ms);
	if (rc == 0)
		*armed_ms = left_ms;
	return rc;
}

/* Receiving. */

static ssize_t receive_once(const struct transport *t, void *data, size_t len, int flags)
{
	ssize_t n = recv(t->fd, data, len, flags);

	return n < 0 ? -errno : n;
}

ssize_t transport_receive(
	struct transport *t, void *data, size_t len, int64_t now_ns, int64_t until_ns)
{
	for (;;) {
		int rc = arm(t, SO_RCVTIMEO, &t->receive_ms, until_ns - now_ns);
		if (rc < 0)
			return rc;
		ssize_t n = receive_once(t, data, len, 0);
		if (n != -EAGAIN)
			return n;
		/*
		 * What was armed was too short, now or for the next wait: have it set anew, because
		 * EAGAIN must never come back at once.
		 */
		t->receive_ms = INT64_MAX;
		now_ns = deadline_now();
		if (now_ns >= until_ns)
			return -EAGAIN;
	}
}

ssize_t transport_spin(struct transport *t, void *data, size_t len)
{
	struct spin_turn turn;

	if (t->spin_ns == 0 || !t->permits || !spin_begin(&turn, &t->spin, t->permits, t->spin_ns))
		return -EAGAIN;
	ssize_t n;
	do
		n = receive_once(t, data, len, MSG_DONTWAIT);
	while (n == -EAGAIN && spin_again(&turn));
	spin_end(&turn, n >= 0);
	return n;
}

/* Sending. */

/* Drop what was sent from the front of the pieces.  Returns how many pieces are left. */
static size_t advance(struct iovec **pieces, size_t count, size_t sent)
{
	while (count > 0 && sent >= (*pieces)->iov_len) {
		sent -= (*pieces)->iov_len;
		(*pieces)++;
		count--;
	}
	if (count > 0) {
		(*pieces)->iov_base = (char *)(*pieces)->iov_base + sent;
		(*pieces)->iov_len -= sent;
	}
	return count;
}

/* Before a send that may block.  *until_ns is 0 before the first one. */
static int prepare_to_block(struct transport *t, int64_t time_ns, int64_t *until_ns)
{
	int64_t now = deadline_now();

	if (*until_ns == 0)
		*until_ns = deadline_from(now, time_ns);
	if (now >= *until_ns)
		return -EAGAIN;
	return arm(t, SO_SNDTIMEO, &t->send_ms, *until_ns - now);
}

/*
 * The first try does not block: a reply that goes at once costs one call and no look at the clock.
 * A blocked send returns a short count when SO_SNDTIMEO passes, and EAGAIN only if it sent nothing.
 */
int transport_send(struct transport *t, struct iovec *pieces, size_t count, int64_t time_ns)
{
	int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
	int64_t until = 0;

	count = advance(&pieces, count, 0);
	while (count > 0) {
		struct msghdr message = {.msg_iov = pieces, .msg_iovlen = count};
		ssize_t sent = sendmsg(t->fd, &message, flags);
		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (sent > 0) {
			tally_add(t->sent, (uint64_t)sent);
			count = advance(&pieces, count, (size_t)sent);
		}
		int rc = count > 0 ? prepare_to_block(t, time_ns, &until) : 0;
		if (rc < 0)
			return rc;
		flags = MSG_NOSIGNAL;
	}
	return 0;
}

void transport_drop(int fd, int calls)
{
	char dropped[4096];

	while (calls-- > 0 && recv(fd, dropped, sizeof dropped, MSG_DONTWAIT) > 0)
		continue;
}
