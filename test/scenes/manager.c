/* SPDX-License-Identifier: ISC */
/* manager - what starts a server and passes it sockets. */
#include "manager.h"

#include "test/client.h"
#include "test/scene.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST_FD 3

/* Beyond the places from 3 on, so that no socket lies in the place of another. */
#define AWAY 100

static socklen_t name_address(const struct manager *m, struct sockaddr_un *at)
{
	size_t len = strlen(m->where);

	*at = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(at->sun_path + 1, m->where + 1, len - 1);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

void manager_open(struct manager *m)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	socklen_t len = sizeof at;
	int on = 1;

	*m = (struct manager){.notified = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
	ck_assert_int_gt(m->notified, 0);
	/* The kernel chooses an abstract name (unix(7), autobind). */
	ck_assert_int_eq(bind(m->notified, (const struct sockaddr *)&at, sizeof at.sun_family), 0);
	ck_assert_int_eq(getsockname(m->notified, (struct sockaddr *)&at, &len), 0);
	snprintf(m->where, sizeof m->where, "@%.*s",
		(int)(len - offsetof(struct sockaddr_un, sun_path) - 1), at.sun_path + 1);
	ck_assert_int_eq(setsockopt(m->notified, SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
}

in_port_t manager_listen(struct manager *m, const char *name)
{
	struct address a = client_address("127.0.0.1", 0);
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_lt(m->count, MANAGER_SOCKETS_MAX);
	ck_assert_int_eq(bind(fd, &a.any, address_size(&a)), 0);
	ck_assert_int_eq(listen(fd, 16), 0);
	ck_assert_int_eq(getsockname(fd, &a.any, &len), 0);
	m->fds[m->count] = fcntl(fd, F_DUPFD_CLOEXEC, AWAY);
	ck_assert_int_ge(m->fds[m->count++], AWAY);
	close(fd);
	if (strcmp(name, "-") != 0)
		snprintf(m->names + strlen(m->names), sizeof m->names - strlen(m->names), "%s%s",
			*m->names ? ":" : "", name);
	return address_port(&a);
}

static void set_number(const char *name, int value)
{
	char text[16];

	snprintf(text, sizeof text, "%d", value);
	setenv(name, text, 1);
}

void manager_pass(const struct manager *m)
{
	for (int i = 0; i < m->count; i++) {
		if (dup2(m->fds[i], FIRST_FD + i) < 0)
			_exit(126);
	}
	if (m->count > 0) {
		set_number("LISTEN_PID", getpid());
		set_number("LISTEN_FDS", m->count);
	}
	if (*m->names)
		setenv("LISTEN_FDNAMES", m->names, 1);
	setenv("NOTIFY_SOCKET", m->where, 1);
}

/* What the kernel says of the sender, because of SO_PASSCRED. */
static pid_t sender(struct msghdr *m)
{
	struct ucred credentials = {.pid = -1};

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS)
			memcpy(&credentials, CMSG_DATA(c), sizeof credentials);
	}
	return credentials.pid;
}

/* The sender of the next datagram, or -1 if none has come. */
static pid_t take(struct manager *m, char text[2048])
{
	union {
		struct cmsghdr aligned;
		char room[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec part = {.iov_base = text, .iov_len = 2047};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control};
	ssize_t n = recvmsg(m->notified, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	text[n < 0 ? 0 : n] = '\0';
	return n < 0 ? -1 : sender(&message);
}

static const char *wrong(pid_t pid, const char *text, const char *instead)
{
	static char message[8192];
	char shown[2][CLIENT_ESCAPED_MAX];

	snprintf(message, sizeof message, "%s was told by %d, instead of %s",
		client_escape(text, strlen(text), shown[0]), (int)pid,
		instead ? client_escape(instead, strlen(instead), shown[1]) : "nothing");
	return message;
}

const char *manager_expect(struct manager *m, pid_t pid, const char *pattern, char text[2048])
{
	struct pollfd p = {.fd = m->notified, .events = POLLIN};

	if (poll(&p, 1, CLIENT_PATIENCE_NS / 1000000) != 1)
		return "nothing was told";
	pid_t from = take(m, text);
	return from == pid && scene_matches(pattern, text) ? NULL : wrong(from, text, pattern);
}

const char *manager_expect_nothing(struct manager *m)
{
	char text[2048];
	pid_t from = take(m, text);

	return from < 0 ? NULL : wrong(from, text, NULL);
}

void manager_fill(const struct manager *m)
{
	struct sockaddr_un to;
	socklen_t len = name_address(m, &to);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	while (sendto(fd, "X=1", 3, MSG_DONTWAIT, (const struct sockaddr *)&to, len) == 3)
		continue;
	ck_assert_int_eq(errno, EAGAIN);
	close(fd);
}
