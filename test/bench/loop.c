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
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS       256
#define BUFFER_BYTES 65536

struct connection {
	int fd;
	char *unsent; /* what the peer did not take; while there is some, nothing is read */
	size_t unsent_len;
};

/* By descriptor; pages of it that nobody needs cost nothing. */
#define DESCRIPTORS_MAX (1 << 20)
static struct connection connections[DESCRIPTORS_MAX];

static char buffer[BUFFER_BYTES];

static void fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static void end(struct connection *c)
{
	close(c->fd);
	free(c->unsent);
}

static void watch(int epoll_fd, int operation, struct connection *c, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = c};

	if (epoll_ctl(epoll_fd, operation, c->fd, &ev) < 0)
		fail("epoll_ctl");
}

/* Keep what was not taken, and wait until it is. */
static bool keep(int epoll_fd, struct connection *c, const char *data, size_t len)
{
	char *copy = malloc(len);

	if (!copy)
		return false;
	memcpy(copy, data, len);
	free(c->unsent);
	c->unsent = copy;
	c->unsent_len = len;
	watch(epoll_fd, EPOLL_CTL_MOD, c, EPOLLOUT);
	return true;
}

static bool reply(int epoll_fd, struct connection *c, const char *data, size_t len)
{
	ssize_t n = send(c->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && errno != EAGAIN)
		return false;
	size_t sent = n > 0 ? (size_t)n : 0;
	return sent == len || keep(epoll_fd, c, data + sent, len - sent);
}

static bool go_on_replying(int epoll_fd, struct connection *c)
{
	char *data = c->unsent;

	c->unsent = NULL;
	watch(epoll_fd, EPOLL_CTL_MOD, c, EPOLLIN);
	bool ok = reply(epoll_fd, c, data, c->unsent_len);
	free(data);
	return ok;
}

static bool serve(int epoll_fd, struct connection *c)
{
	if (c->unsent)
		return go_on_replying(epoll_fd, c);
	ssize_t n = recv(c->fd, buffer, sizeof buffer, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN;
	return n > 0 && reply(epoll_fd, c, buffer, (size_t)n);
}

static void take_in(int epoll_fd, int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
		if (fd >= DESCRIPTORS_MAX)
			fail("descriptors");
		connections[fd] = (struct connection){.fd = fd};
		watch(epoll_fd, EPOLL_CTL_ADD, &connections[fd], EPOLLIN);
	}
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
	struct connection listener = {.fd = start_listening()};
	int epoll_fd = epoll_create1(0);
	int n;

	if (epoll_fd < 0)
		fail("epoll_create1");
	watch(epoll_fd, EPOLL_CTL_ADD, &listener, EPOLLIN);
	while ((n = epoll_wait(epoll_fd, events, EVENTS, -1)) >= 0 || errno == EINTR) {
		for (int i = 0; i < n; i++) {
			struct connection *c = events[i].data.ptr;
			if (c == &listener)
				take_in(epoll_fd, listener.fd);
			else if (!serve(epoll_fd, c))
				end(c);
		}
	}
	fail("epoll_wait");
}
