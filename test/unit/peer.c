/* SPDX-License-Identifier: ISC */
/* peer - the client's side of a conversation. */
#include "peer.h"

#include "common/deadline.h"
#include "common/socket.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 60000

void must_send(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t sent = send(fd, p, len, MSG_NOSIGNAL);
		ck_assert_int_gt(sent, 0);
		p += sent;
		len -= (size_t)sent;
	}
}

void must_send_text(int fd, const char *text)
{
	must_send(fd, text, strlen(text));
}

void must_send_frame(int fd, const void *body, size_t len)
{
	uint32_t wire = htonl((uint32_t)len);

	must_send(fd, &wire, sizeof wire);
	must_send(fd, body, len);
}

void must_half_close(int fd)
{
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
}

void peer_resets(int *fd)
{
	socket_reset_on_close(*fd);
	close(*fd);
	*fd = -1;
}

void must_receive(int fd, void *data, size_t len)
{
	char *p = data;

	while (len > 0) {
		ssize_t got = recv(fd, p, len, 0);
		ck_assert_int_gt(got, 0);
		p += got;
		len -= (size_t)got;
	}
}

void peer_expects(int fd, const char *text)
{
	char got[4096];
	size_t len = strlen(text);

	ck_assert_uint_lt(len, sizeof got);
	must_receive(fd, got, len);
	got[len] = '\0';
	ck_assert_str_eq(got, text);
}

void peer_expects_last(int fd, const void *data, size_t len)
{
	const char *expected = data;
	char got[65536];

	while (len > 0) {
		ssize_t n = recv(fd, got, len < sizeof got ? len : sizeof got, 0);
		ck_assert_int_gt(n, 0);
		ck_assert_mem_eq(got, expected, (size_t)n);
		expected += n;
		len -= (size_t)n;
	}
	ck_assert_int_eq(recv(fd, got, 1, 0), 0);
}

void peer_expects_last_text(int fd, const char *text)
{
	peer_expects_last(fd, text, strlen(text));
}

int peer_reads_to_end(int fd, size_t *got)
{
	char dropped[65536];
	size_t total = 0;
	ssize_t n;

	while ((n = recv(fd, dropped, sizeof dropped, 0)) > 0)
		total += (size_t)n;
	int err = n < 0 ? errno : 0;
	if (got)
		*got = total;
	return err;
}

bool peer_is_reset_within(int fd, int64_t duration_ns)
{
	struct pollfd p = {.fd = fd, .events = 0};
	struct timespec left = deadline_timespec(duration_ns);

	/* POLLERR alone: an orderly end of both directions is POLLHUP too. */
	return ppoll(&p, 1, &left, NULL) == 1 && (p.revents & POLLERR);
}

bool peer_is_reset(int fd)
{
	return peer_is_reset_within(fd, PATIENCE_MS * NS_PER_MS);
}

bool peer_hears_within(int fd, int64_t duration_ns)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	struct timespec left = deadline_timespec(duration_ns);

	return ppoll(&p, 1, &left, NULL) == 1;
}

void must_exchange(int fd, const char *out, char *in, size_t len)
{
	size_t sent = 0;
	size_t got = 0;

	while (got < len) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		if (sent < len)
			p.events |= POLLOUT;
		ck_assert_int_eq(poll(&p, 1, PATIENCE_MS), 1);
		if (p.revents & POLLOUT) {
			ssize_t n = send(fd, out + sent, len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
			ck_assert(n > 0 || errno == EAGAIN);
			sent += n > 0 ? (size_t)n : 0;
		}
		if (p.revents & (POLLIN | POLLHUP | POLLERR)) {
			ssize_t n = recv(fd, in + got, len - got, MSG_DONTWAIT);
			ck_assert_int_gt(n, 0);
			got += (size_t)n;
		}
	}
}

void fill_pattern(char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		data[i] = (char)('a' + (i ^ i / 251) % 23);
}

char *must_pattern(size_t len)
{
	char *data = calloc(1, len + 1);

	ck_assert_ptr_nonnull(data);
	fill_pattern(data, len);
	return data;
}
