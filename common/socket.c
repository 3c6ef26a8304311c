/* SPDX-License-Identifier: ISC */
/* socket - TCP sockets with their options set. */
#include "socket.h"

#include "deadline.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <unistd.h>

#define TICK_NS        (4 * NS_PER_MS)
#define TIMEOUT_MAX_MS (INT64_C(1) << 40)

int64_t socket_timeout_ms(int64_t timeout_ns)
{
	if (timeout_ns <= TICK_NS)
		return TICK_NS / NS_PER_MS;
	int64_t ticks = (timeout_ns - 1) / TICK_NS + 1;
	int64_t ms = ticks * (TICK_NS / NS_PER_MS);
	return ms < TIMEOUT_MAX_MS ? ms : TIMEOUT_MAX_MS;
}

int socket_set_timeout(int fd, int which, int64_t timeout_ms)
{
	struct timeval tv = {
		.tv_sec = timeout_ms / 1000,
		.tv_usec = (suseconds_t)(timeout_ms % 1000 * 1000),
	};

	return setsockopt(fd, SOL_SOCKET, which, &tv, sizeof tv) < 0 ? -errno : 0;
}

static int set_int(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof value) < 0 ? -errno : 0;
}

/* Whole seconds, rounded up: keepalive has no smaller unit. */
static int seconds(int64_t ns)
{
	return (int)((ns + NS_PER_S - 1) / NS_PER_S);
}

int socket_set_options(int fd, const struct socket_options *options)
{
	int64_t dead = options->dead_after_ns;
	/*
	 * No number of probes: TCP_USER_TIMEOUT, where it is set, decides when keepalive gives up.
	 */
	const struct {
		int level;
		int name;
		int value;
		bool wanted;
	} rows[] = {
		{IPPROTO_TCP, TCP_NODELAY, options->nodelay, true},
		{SOL_SOCKET, SO_KEEPALIVE, dead > 0, true},
		{IPPROTO_TCP, TCP_KEEPIDLE, seconds(dead / 3), dead > 0},
		{IPPROTO_TCP, TCP_KEEPINTVL, seconds(dead / 3), dead > 0},
		{IPPROTO_TCP, TCP_USER_TIMEOUT, (int)((dead + NS_PER_MS - 1) / NS_PER_MS), true},
		/* Urgent data is data: without this it would vanish from the stream. */
		{SOL_SOCKET, SO_OOBINLINE, 1, true},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int rc = rows[i].wanted ? set_int(fd, rows[i].level, rows[i].name, rows[i].value)
					: 0;
		if (rc < 0)
			return rc;
	}
	if (options->congestion[0] &&
		setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, options->congestion,
			(socklen_t)strlen(options->congestion)) < 0)
		return -errno;
	int rc =
		socket_set_timeout(fd, SO_RCVTIMEO, socket_timeout_ms(options->receive_timeout_ns));
	if (rc < 0)
		return rc;
	return socket_set_timeout(fd, SO_SNDTIMEO, socket_timeout_ms(options->send_timeout_ns));
}

int socket_defer_accept(int fd, int64_t duration_ns)
{
	return set_int(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, seconds(duration_ns));
}

void socket_system_congestion(char name[SOCKET_CONGESTION_MAX])
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
	socklen_t len = SOCKET_CONGESTION_MAX - 1;

	memset(name, 0, SOCKET_CONGESTION_MAX);
	if (fd < 0)
		return;
	(void)getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len);
	close(fd);
}

bool socket_knows_congestion(const char *name)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
	bool known = fd >= 0 &&
		setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name)) == 0;

	if (fd >= 0)
		close(fd);
	return known;
}

static int bind_and_listen(int fd, const struct address *at, const struct socket_listening *how,
	const struct socket_options *options)
{
	int rc = set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);

	if (rc == 0 && how->reuse_port)
		rc = set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (rc == 0 && at->any.sa_family == AF_INET6)
		rc = set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, how->v6only);
	if (rc == 0)
		rc = socket_set_options(fd, options);
	if (rc == 0 && how->defer_accept_ns > 0)
		rc = socket_defer_accept(fd, how->defer_accept_ns);
	if (rc == 0 && bind(fd, &at->any, address_size(at)) < 0)
		rc = -errno;
	if (rc == 0 && listen(fd, how->backlog) < 0)
		rc = -errno;
	return rc;
}

int socket_listen(const struct address *at, const struct socket_listening *how,
	const struct socket_options *options)
{
	int fd = socket(at->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);

	if (fd < 0)
		return -errno;
	int rc = bind_and_listen(fd, at, how, options);
	if (rc < 0) {
		close(fd);
		return rc;
	}
	return fd;
}

/* Wait for the end of a non-blocking connect. */
static int await_connected(int fd, int64_t deadline_ns)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int err = 0;
	socklen_t len = sizeof err;

	for (;;) {
		int64_t left = deadline_ns - deadline_now();
		if (left <= 0)
			return -ETIMEDOUT;
		struct timespec ts = deadline_timespec(left);
		int n = ppoll(&p, 1, &ts, NULL);
		if (n > 0)
			break;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
		return -errno;
	return -err;
}

static int bind_source(int fd, const struct address *from)
{
	int rc = set_int(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);

	if (rc == 0 && bind(fd, &from->any, address_size(from)) < 0)
		rc = -errno;
	return rc;
}

int socket_dial_start(const struct address *to, const struct address *from)
{
	int fd = socket(to->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);

	if (fd < 0)
		return -errno;
	int rc = from ? bind_source(fd, from) : 0;
	if (rc == 0 && connect(fd, &to->any, address_size(to)) < 0 && errno != EINPROGRESS)
		rc = -errno;
	if (rc < 0) {
		close(fd);
		return rc;
	}
	return fd;
}

int socket_dial(const struct address *to, int64_t deadline_ns)
{
	int fd = socket_dial_start(to, NULL);

	if (fd < 0)
		return fd;
	int rc = await_connected(fd, deadline_ns);
	if (rc == 0 && fcntl(fd, F_SETFL, 0) < 0)
		rc = -errno;
	if (rc < 0) {
		close(fd);
		return rc;
	}
	return fd;
}

int socket_local_address(int fd, struct address *out)
{
	struct address a;
	socklen_t len = sizeof a;

	if (getsockname(fd, &a.any, &len) < 0)
		return -errno;
	*out = a;
	return 0;
}

int64_t socket_unread(int fd)
{
	int bytes;

	return ioctl(fd, SIOCINQ, &bytes) < 0 ? -errno : bytes;
}

int64_t socket_untaken(int fd)
{
	int bytes;

	return ioctl(fd, SIOCOUTQ, &bytes) < 0 ? -errno : bytes;
}

int64_t socket_unsent(int fd)
{
	int bytes;

	return ioctl(fd, SIOCOUTQNSD, &bytes) < 0 ? -errno : bytes;
}

bool socket_fin_received(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof info;

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		return false;
	return info.tcpi_state == TCP_CLOSE_WAIT || info.tcpi_state == TCP_LAST_ACK ||
		info.tcpi_state == TCP_CLOSING;
}

void socket_reset_on_close(int fd)
{
	struct linger linger = {.l_onoff = 1, .l_linger = 0};

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}
