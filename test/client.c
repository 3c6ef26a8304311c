/* SPDX-License-Identifier: ISC */
/* client - one end of a conversation. */
#include "client.h"

#include "common/deadline.h"
#include "common/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How many bytes of either side a message shows. */
#define SHOWN 80

static const char *wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));

static const char *wrong(const char *format, ...)
{
	static char text[3 * CLIENT_ESCAPED_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return text;
}

static const char *ending(ssize_t n)
{
	return n == 0 ? "the end of the stream" : strerror(errno);
}

char *client_escape(const void *data, size_t len, char text[CLIENT_ESCAPED_MAX])
{
	static const char raw[] = "\n\r\t\"\\";
	static const char names[] = "nrt\"\\";
	const unsigned char *byte = data;
	size_t at = 0;
	size_t i = 0;

	text[at++] = '"';
	for (; i < len && at + 10 < CLIENT_ESCAPED_MAX; i++) {
		const char *name = byte[i] ? strchr(raw, byte[i]) : NULL;
		const char *form = name                  ? "\\%c"
			: byte[i] < ' ' || byte[i] > '~' ? "\\x%02x"
							 : "%c";
		at += (size_t)sprintf(text + at, form, name ? names[name - raw] : byte[i]);
	}
	strcpy(text + at, i < len ? "\"..." : "\"");
	return text;
}

/* Connecting. */

struct address client_address(const char *host, in_port_t port)
{
	struct address a = {.in4 = {.sin_family = AF_INET, .sin_port = htons(port)}};

	if (strchr(host, ':')) {
		a = (struct address){.in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)}};
		(void)inet_pton(AF_INET6, host, &a.in6.sin6_addr);
	} else {
		(void)inet_pton(AF_INET, host, &a.in4.sin_addr);
	}
	return a;
}

static int dial(int fd, const struct address *to, const char *from, int receive_buffer)
{
	const int one = 1;

	socket_set_timeout(fd, SO_RCVTIMEO, CLIENT_PATIENCE_NS / NS_PER_MS);
	socket_set_timeout(fd, SO_SNDTIMEO, CLIENT_PATIENCE_NS / NS_PER_MS);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (receive_buffer)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
	if (from) {
		struct address source = client_address(from, 0);
		if (bind(fd, &source.any, address_size(&source)) < 0)
			return -errno;
	}
	return connect(fd, &to->any, address_size(to)) < 0 ? -errno : 0;
}

int client_dial(const struct address *to, const char *from, int receive_buffer)
{
	struct address at = *to;

	if (address_is_wildcard(&at))
		at = client_address(
			from && strchr(from, ':') ? "::1" : "127.0.0.1", address_port(&at));
	int fd = socket(at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	int rc = dial(fd, &at, from, receive_buffer);
	if (rc < 0) {
		close(fd);
		return rc;
	}
	return fd;
}

/* Sending. */

const char *client_send(int fd, const void *data, size_t len)
{
	for (size_t sent = 0; sent < len;) {
		ssize_t n = send(fd, (const char *)data + sent, len - sent, MSG_NOSIGNAL);
		if (n < 0)
			return wrong("%zu of %zu bytes were sent: %s", sent, len, strerror(errno));
		sent += (size_t)n;
	}
	return NULL;
}

const char *client_send_slowly(int fd, const void *data, size_t len)
{
	const char *failed = NULL;

	for (size_t i = 0; i < len && !failed; i++) {
		failed = client_send(fd, (const char *)data + i, 1);
		failed = failed ? failed : client_await_acknowledged(fd);
	}
	return failed;
}

const char *client_await_acknowledged(int fd)
{
	int64_t deadline = deadline_after(CLIENT_PATIENCE_NS);

	/* The kernel tells of it only when asked; poll() yields the core between two questions. */
	while (socket_untaken(fd) > 0 && deadline_now() < deadline)
		poll(NULL, 0, 1);
	int64_t left = socket_untaken(fd);
	return left == 0 ? NULL : wrong("%lld bytes were not acknowledged", (long long)left);
}

/* Receiving. */

static const char *differ(const char *got, const char *wanted, size_t len, size_t before)
{
	char shown[2][CLIENT_ESCAPED_MAX];
	size_t at = 0;

	while (got[at] == wanted[at])
		at++;
	size_t from = at < SHOWN / 2 ? 0 : at - SHOWN / 2;
	size_t show = len - from < SHOWN ? len - from : SHOWN;
	return wrong("%s came, instead of %s: byte %zu is another",
		client_escape(got + from, show, shown[0]),
		client_escape(wanted + from, show, shown[1]), before + at + 1);
}

const char *client_expect(int fd, const void *data, size_t len)
{
	char got[65536];
	char shown[CLIENT_ESCAPED_MAX];

	for (size_t done = 0; done < len;) {
		const char *wanted = (const char *)data + done;
		size_t left = len - done;
		ssize_t n = recv(fd, got, left < sizeof got ? left : sizeof got, 0);
		if (n <= 0)
			return wrong("%s came after %zu bytes, instead of %s", ending(n), done,
				client_escape(wanted, left < SHOWN ? left : SHOWN, shown));
		if (memcmp(got, wanted, (size_t)n) != 0)
			return differ(got, wanted, (size_t)n, done);
		done += (size_t)n;
	}
	return NULL;
}

static const char *came(int fd, const char *first, size_t len, const char *instead)
{
	char bytes[SHOWN];
	char shown[CLIENT_ESCAPED_MAX];

	memcpy(bytes, first, len);
	ssize_t n = recv(fd, bytes + len, sizeof bytes - len, MSG_DONTWAIT);
	len += n > 0 ? (size_t)n : 0;
	return wrong("%s came, instead of %s", client_escape(bytes, len, shown), instead);
}

const char *client_expect_end(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, 0);

	if (n == 0)
		return NULL;
	return n > 0 ? came(fd, &byte, 1, "the end of the stream")
		     : wrong("%s came, instead of the end of the stream", ending(n));
}

const char *client_expect_reset(int fd)
{
	char bytes[4096];
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof bytes, 0)) > 0)
		continue;
	return n < 0 && errno == ECONNRESET ? NULL
					    : wrong("%s came, instead of a reset", ending(n));
}

const char *client_expect_nothing(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return NULL;
	return n > 0 ? came(fd, &byte, 1, "nothing")
		     : wrong("%s came, instead of nothing", ending(n));
}

const char *client_exchange(int fd, const void *data, size_t len)
{
	const char *bytes = data;
	size_t sent = 0;
	size_t read = 0;
	const char *failed = NULL;

	while (read < len && !failed) {
		short events = POLLIN | (sent < len ? POLLOUT : 0);
		struct pollfd p = {.fd = fd, .events = events};
		if (poll(&p, 1, CLIENT_PATIENCE_NS / NS_PER_MS) != 1)
			return wrong("%zu bytes came back of %zu that were sent", read, sent);
		if (p.revents & POLLOUT) {
			ssize_t n = send(fd, bytes + sent, len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
			sent += n > 0 ? (size_t)n : 0;
		}
		if (p.revents & (POLLIN | POLLHUP | POLLERR)) {
			int64_t here = socket_unread(fd);
			size_t some = here > 4096 ? 4096 : here > 0 ? (size_t)here : 1;
			some = some < len - read ? some : len - read;
			failed = client_expect(fd, bytes + read, some);
			read += some;
		}
	}
	return failed;
}

const char *client_read(int fd, size_t least, bool slowly, size_t *read)
{
	char bytes[65536];
	ssize_t n = 1;

	for (size_t all = 0; all < least && n > 0; all += (size_t)n) {
		n = recv(fd, bytes, slowly ? 16384 : sizeof bytes, 0);
		if (n < 0 || (n == 0 && least != SIZE_MAX))
			return wrong("%s came after %zu bytes", ending(n), all);
		*read += (size_t)n;
		if (slowly)
			poll(NULL, 0, 1);
	}
	return NULL;
}

/* A flood. */

struct client_flood {
	int fd;
	atomic_bool enough;
	pthread_t thread;
};

static void *flood(void *arg)
{
	struct client_flood *f = arg;
	static char lines[1 << 16];

	for (size_t i = 0; i < sizeof lines; i++)
		lines[i] = i % 8 == 7 ? '\n' : 'x';
	while (!atomic_load(&f->enough) && send(f->fd, lines, sizeof lines, MSG_NOSIGNAL) > 0)
		continue;
	return NULL;
}

struct client_flood *client_flood_begin(int fd)
{
	struct client_flood *f = calloc(1, sizeof *f);

	f->fd = fd;
	if (pthread_create(&f->thread, NULL, flood, f) != 0)
		abort();
	return f;
}

void client_flood_end(struct client_flood *f)
{
	if (!f)
		return;
	atomic_store(&f->enough, true);
	shutdown(f->fd, SHUT_RDWR);
	pthread_join(f->thread, NULL);
	free(f);
}
