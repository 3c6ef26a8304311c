/* SPDX-License-Identifier: ISC */
/* client - one end of a conversation with a server under test. */
#include "client.h"

#include "common/deadline.h"
#include "common/socket.h"
#include "test/mode.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static void be_patient(int fd)
{
	socket_set_timeout(fd, SO_RCVTIMEO, SERVER_PATIENCE_NS / NS_PER_MS);
	socket_set_timeout(fd, SO_SNDTIMEO, SERVER_PATIENCE_NS / NS_PER_MS);
}

int client_connect_to(const struct address *a)
{
	struct address to = *a;
	int one = 1;

	/* A wildcard is reached on loopback. */
	if (address_is_wildcard(&to)) {
		in_port_t port = address_port(&to);
		to = (struct address){.in4 = {.sin_family = AF_INET,
					      .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
					      .sin_port = htons(port)}};
	}
	int fd = socket_dial(&to, deadline_after(SERVER_PATIENCE_NS));
	if (fd < 0)
		ck_abort_msg("cannot connect: %s", strerror(-fd));
	be_patient(fd);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return fd;
}

struct address client_address(const char *host, in_port_t port)
{
	struct address a = {.in4 = {.sin_family = AF_INET, .sin_port = htons(port)}};

	if (strchr(host, ':')) {
		a = (struct address){.in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)}};
		ck_assert_int_eq(inet_pton(AF_INET6, host, &a.in6.sin6_addr), 1);
	} else {
		ck_assert_int_eq(inet_pton(AF_INET, host, &a.in4.sin_addr), 1);
	}
	return a;
}

bool client_has_ipv6(void)
{
	struct address a = client_address("::1", 0);
	struct socket_options options = {
		.receive_timeout_ns = NS_PER_S, .send_timeout_ns = NS_PER_S};
	int fd = socket_listen(
		&a, &(struct socket_listening){.v6only = true, .backlog = 1}, &options);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Returns the socket with connect(2)'s errno in *error, or 0. */
static int connect_from(const struct address *a, const char *source, int *error)
{
	struct address from = client_address(source, 0);
	int fd = socket(from.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, &from.any, address_size(&from)), 0);
	*error = connect(fd, &a->any, address_size(a)) < 0 ? errno : 0;
	be_patient(fd);
	return fd;
}

int client_connect_from(const struct address *a, const char *source)
{
	int error;
	int fd = connect_from(a, source, &error);

	if (error)
		ck_abort_msg("cannot connect from %s: %s", source, strerror(error));
	return fd;
}

void client_is_reset_from(const struct address *a, const char *source)
{
	int error;
	int fd = connect_from(a, source, &error);

	if (error)
		ck_assert_int_eq(error, ECONNRESET);
	else
		client_expect_reset(fd);
	close(fd);
}

int client_connect(const struct server *s)
{
	return client_connect_to(&s->addresses[0]);
}

void client_take_descriptors(struct server *s, int *fds, size_t count)
{
	rlim_t limit = server_count_proc(s, "fd") + 8;
	const struct rlimit few = {.rlim_cur = limit, .rlim_max = limit};

	ck_assert_uint_ge(count, 20);
	ck_assert_int_eq(prlimit(s->pid, RLIMIT_NOFILE, &few, NULL), 0);
	for (size_t i = 0; i < count; i++)
		fds[i] = client_connect(s);
	free(server_await_log(s, "event=accept_shortage"));
}

int client_connect_small(const struct server *s, int receive_buffer)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer), 0);
	ck_assert_int_eq(connect(fd, &s->addresses[0].any, address_size(&s->addresses[0])), 0);
	be_patient(fd);
	return fd;
}

void client_send(int fd, const void *data, size_t len)
{
	for (size_t sent = 0; sent < len;) {
		ssize_t n = send(fd, (const char *)data + sent, len - sent, MSG_NOSIGNAL);
		if (n < 0)
			ck_abort_msg("send: %s", strerror(errno));
		sent += (size_t)n;
	}
}

void client_send_slowly(int fd, const void *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		client_send(fd, (const char *)data + i, 1);
		client_await_acknowledged(fd);
	}
}

void client_expect(int fd, const void *data, size_t len)
{
	char got[65536];

	for (size_t done = 0; done < len;) {
		size_t want = len - done < sizeof got ? len - done : sizeof got;
		ssize_t n = recv(fd, got, want, 0);
		if (n <= 0)
			ck_abort_msg("after %zu of %zu bytes: %s", done, len,
				n == 0 ? "end of stream" : strerror(errno));
		if (memcmp(got, (const char *)data + done, (size_t)n) != 0)
			ck_abort_msg(
				"other bytes at %zu: \"%.*s\"", done, (int)(n < 80 ? n : 80), got);
		done += (size_t)n;
	}
}

void client_expect_end(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, 0);

	if (n != 0)
		ck_abort_msg("no end of stream: %s", n > 0 ? "a byte came" : strerror(errno));
}

void client_expect_reset(int fd)
{
	char bytes[4096];
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof bytes, 0)) > 0)
		continue;
	ck_assert_int_eq(n, -1);
	ck_assert_int_eq(errno, ECONNRESET);
}

size_t client_drain(int fd)
{
	char bytes[65536];
	size_t all = 0;
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof bytes, 0)) > 0)
		all += (size_t)n;
	if (n < 0)
		ck_abort_msg("after %zu bytes: %s", all, strerror(errno));
	return all;
}

void client_expect_nothing(int fd)
{
	char byte;

	ck_assert_int_eq(recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK), -1);
	ck_assert_int_eq(errno, EAGAIN);
}

void client_half_close(int fd)
{
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
}

void client_await_acknowledged(int fd)
{
	int64_t deadline = deadline_after(SERVER_PATIENCE_NS);
	int unacknowledged = 1;

	/* The kernel tells of it only when asked; the poll yields the core between two questions.
	 */
	while (ioctl(fd, SIOCOUTQ, &unacknowledged) == 0 && unacknowledged > 0) {
		ck_assert_int_lt(deadline_now(), deadline);
		poll(NULL, 0, 1);
	}
	ck_assert_int_eq(unacknowledged, 0);
}

/* Figures. */

static double ms(int64_t ns)
{
	return (double)ns / 1e6;
}

void bound_check(const char *row, const char *what, int64_t took_ns, int64_t bound_ns)
{
	printf("figure %s: %s: %.1f ms (bound %.1f ms)\n", row, what, ms(took_ns), ms(bound_ns));
	fflush(stdout);
	mode_check_most(took_ns, bound_ns);
}

void bound_check_window(const char *row, const char *what, int64_t took_ns, int64_t deadline_ns)
{
	int64_t late = deadline_ns / 8 + 8 * NS_PER_MS;

	printf("figure %s: %s: %.1f ms (window %.1f to %.1f ms)\n", row, what, ms(took_ns),
		ms(deadline_ns), ms(deadline_ns + late));
	fflush(stdout);
	ck_assert_int_ge(took_ns, deadline_ns);
	mode_check_most(took_ns, deadline_ns + late);
}
