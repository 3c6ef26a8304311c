/* SPDX-License-Identifier: ISC */
/* manager - what starts a server, passes it sockets and is told how it is, as systemd does. */
#include "stage.h"

#include "common/deadline.h"

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

/* Be ready to be notified. */
static void open_notified(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	socklen_t len = sizeof at;
	int on = 1;

	stage.notified = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_gt(stage.notified, 0);
	/* The kernel chooses an abstract name (unix(7), autobind). */
	ck_assert_int_eq(
		bind(stage.notified, (const struct sockaddr *)&at, sizeof at.sun_family), 0);
	ck_assert_int_eq(getsockname(stage.notified, (struct sockaddr *)&at, &len), 0);
	snprintf(stage.where, sizeof stage.where, "@%.*s",
		(int)(len - offsetof(struct sockaddr_un, sun_path) - 1), at.sun_path + 1);
	ck_assert_int_eq(setsockopt(stage.notified, SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
}

/* Listen on a free port of 127.0.0.1, with none of bobbind's options, on behalf of the server. */
static void listen_for(const char *name)
{
	struct address a = scene_address("127.0.0.1", 0);
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int i = stage.passed_count++;

	ck_assert_int_eq(bind(fd, &a.any, address_size(&a)), 0);
	ck_assert_int_eq(listen(fd, 16), 0);
	ck_assert_int_eq(getsockname(fd, &a.any, &len), 0);
	stage.passed[i] = address_port(&a);
	stage.passed_fds[i] = fcntl(fd, F_DUPFD_CLOEXEC, AWAY);
	ck_assert_int_ge(stage.passed_fds[i], AWAY);
	close(fd);
	if (strcmp(name, "-") != 0)
		snprintf(stage.names + strlen(stage.names),
			sizeof stage.names - strlen(stage.names), "%s%s", *stage.names ? ":" : "",
			name);
}

/* NAME...: it passes sockets of these names, or "-". */
const char *play_manager(const struct scene_call *c)
{
	open_notified();
	for (int i = 0; i < c->count; i++)
		listen_for(c->args[i]);
	return NULL;
}

static void set_number(const char *name, int value)
{
	char text[16];

	snprintf(text, sizeof text, "%d", value);
	setenv(name, text, 1);
}

void manager_pass(void)
{
	for (int i = 0; i < stage.passed_count; i++) {
		if (dup2(stage.passed_fds[i], FIRST_FD + i) < 0)
			_exit(126);
	}
	if (stage.passed_count > 0) {
		set_number("LISTEN_PID", getpid());
		set_number("LISTEN_FDS", stage.passed_count);
	}
	if (*stage.names)
		setenv("LISTEN_FDNAMES", stage.names, 1);
	setenv("NOTIFY_SOCKET", stage.where, 1);
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
static pid_t take(void)
{
	union {
		struct cmsghdr aligned;
		char room[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec part = {.iov_base = stage.told, .iov_len = sizeof stage.told - 1};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control};
	ssize_t n = recvmsg(stage.notified, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	stage.told[n < 0 ? 0 : n] = '\0';
	return n < 0 ? -1 : sender(&message);
}

/* The time of a reload is between the signal and now. */
static bool tells_its_time(const char *text)
{
	const char *found = strstr(text, "MONOTONIC_USEC=");
	int64_t us = found ? strtoll(found + strlen("MONOTONIC_USEC="), NULL, 10) : 0;

	return !found || (us >= stage.signalled_ns / NS_PER_US && us <= deadline_now() / NS_PER_US);
}

/* TEXT: the server tells that next.  Without a text it has told nothing so far. */
const char *play_told(const struct scene_call *c)
{
	struct pollfd p = {.fd = stage.notified, .events = POLLIN};
	char shown[SCENE_ESCAPED_MAX];

	if (c->count > 0 && poll(&p, 1, PROCESS_PATIENCE_NS / NS_PER_MS) != 1)
		return "nothing was told";
	pid_t from = take();
	if (c->count == 0 ? from < 0
			  : from == stage_pid(c) && scene_matches(c->args[0], stage.told) &&
				tells_its_time(stage.told))
		return NULL;
	return scene_wrong("%s was told by %d", scene_escape(stage.told, strlen(stage.told), shown),
		(int)from);
}

/* not-blocking, blocking, accepts: of the first socket that the manager passes. */
const char *play_passed(const struct scene_call *c)
{
	int fd = stage.passed_fds[0];

	if (strcmp(c->args[0], "not-blocking") == 0)
		fcntl(fd, F_SETFL, O_NONBLOCK);
	else if (strcmp(c->args[0], "blocking") == 0 && fcntl(fd, F_GETFL) & O_NONBLOCK)
		return "it does not block";
	else if (strcmp(c->args[0], "accepts") == 0)
		close(accept(fd, NULL, NULL));
	return NULL;
}

/* The manager is sent datagrams until the kernel takes no more. */
const char *play_fill(const struct scene_call *c)
{
	struct sockaddr_un to;
	socklen_t len = sizeof to;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)c;
	ck_assert_int_eq(getsockname(stage.notified, (struct sockaddr *)&to, &len), 0);
	while (sendto(fd, "X=1", 3, MSG_DONTWAIT, (const struct sockaddr *)&to, len) == 3)
		continue;
	ck_assert_int_eq(errno, EAGAIN);
	close(fd);
	return NULL;
}
