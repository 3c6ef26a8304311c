/* SPDX-License-Identifier: ISC */
/*
 * loop - the other architecture, for reference: one thread, epoll, and the bytes back.
 *
 * Prints "address=127.0.0.1:PORT" when it listens.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS       256
#define BUFFER_BYTES 65536

static void fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static void watch(int epoll_fd, int fd)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)
		fail("epoll_ctl");
}

/*
 * Returns whether the connection goes on.  A reply that the socket does not take whole ends it: the
 * small messages of the benchmark always fit.
 */
static bool serve(int fd)
{
	static char buffer[BUFFER_BYTES];
	ssize_t n = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN;
	return n > 0 && send(fd, buffer, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) == n;
}

static void take_in(int epoll_fd, int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0)
		watch(epoll_fd, fd);
	if (errno != EAGAIN)
		fail("accept");
}

static int start_listening(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd < 0 || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) < 0 ||
		bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(fd, 4096) < 0 ||
		getsockname(fd, (struct sockaddr *)&at, &len) < 0)
		fail("listen");
	printf("address=127.0.0.1:%u\n", (unsigned)ntohs(at.sin_port));
	fflush(stdout);
	return fd;
}

int main(void)
{
	struct epoll_event events[EVENTS];
	int listener = start_listening();
	int epoll_fd = epoll_create1(0);
	int n;

	if (epoll_fd < 0)
		fail("epoll_create1");
	watch(epoll_fd, listener);
	while ((n = epoll_wait(epoll_fd, events, EVENTS, -1)) >= 0 || errno == EINTR) {
		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;
			if (fd == listener)
				take_in(epoll_fd, listener);
			else if (!serve(fd))
				close(fd);
		}
	}
	fail("epoll_wait");
}
