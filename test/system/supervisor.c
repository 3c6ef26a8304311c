/* SPDX-License-Identifier: ISC */
/* supervisor - what starts a server and passes it sockets. */
#include "supervisor.h"

#include "common/deadline.h"

#include <arpa/inet.h>
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

void supervisor_open(struct supervisor *v)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int on = 1;

	*v = (struct supervisor){.notified = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
	ck_assert_int_ge(v->notified, 0);
	/* A name for each that is open: with the descriptor, unlike any other of this process. */
	snprintf(v->where, sizeof v->where, "@bobbin-supervisor-%d-%d", (int)getpid(), v->notified);
	memcpy(at.sun_path + 1, v->where + 1, strlen(v->where) - 1);
	ck_assert_int_eq(
		bind(v->notified, (const struct sockaddr *)&at,
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(v->where))),
		0);
	ck_assert_int_eq(setsockopt(v->notified, SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
}

in_port_t supervisor_listen(struct supervisor *v)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_lt(v->count, SUPERVISOR_SOCKETS_MAX);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	ck_assert_int_eq(listen(fd, 16), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	v->fds[v->count] = fcntl(fd, F_DUPFD_CLOEXEC, AWAY);
	ck_assert_int_ge(v->fds[v->count++], AWAY);
	close(fd);
	return ntohs(a.sin_port);
}

static void set_number(const char *name, int value)
{
	char text[16];

	snprintf(text, sizeof text, "%d", value);
	setenv(name, text, 1);
}

/* In the child, before exec: the sockets to 3 and on, and the environment that tells of them. */
static void pass(void *argument)
{
	const struct supervisor *v = argument;

	for (int i = 0; i < v->count; i++) {
		if (dup2(v->fds[i], FIRST_FD + i) < 0)
			_exit(126);
	}
	if (v->count > 0) {
		set_number("LISTEN_PID", getpid());
		set_number("LISTEN_FDS", v->count);
	}
	if (v->names)
		setenv("LISTEN_FDNAMES", v->names, 1);
	setenv("NOTIFY_SOCKET", v->where, 1);
}

void supervisor_launch(struct supervisor *v, struct server *s, const struct server_plan *plan)
{
	struct server_plan ours = *plan;

	ours.prepare = pass;
	ours.argument = v;
	server_launch(s, &ours);
}

void supervisor_start(struct supervisor *v, struct server *s, const char *const *arguments)
{
	supervisor_launch(v, s, &(struct server_plan){.arguments = arguments});
	server_await_ready(s);
}

/* Who sent it: the kernel adds that, because of SO_PASSCRED. */
static pid_t sender(struct msghdr *m)
{
	struct ucred credentials;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS) {
			memcpy(&credentials, CMSG_DATA(c), sizeof credentials);
			return credentials.pid;
		}
	}
	ck_abort_msg("a datagram came without credentials");
	return 0;
}

/* Returns false if none has come. */
static bool take_word(struct supervisor *v, struct supervisor_word *word)
{
	union {
		struct cmsghdr aligned;
		char room[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec part = {.iov_base = word->text, .iov_len = sizeof word->text - 1};
	struct msghdr m = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control};
	ssize_t n = recvmsg(v->notified, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0) {
		ck_assert_int_eq(errno, EAGAIN);
		return false;
	}
	word->text[n] = '\0';
	word->pid = sender(&m);
	return true;
}

struct supervisor_word supervisor_await(struct supervisor *v, const char *text)
{
	int64_t deadline = deadline_after(SERVER_PATIENCE_NS);
	struct pollfd p = {.fd = v->notified, .events = POLLIN};
	struct supervisor_word word = {.text = ""};

	while (!strstr(word.text, text)) {
		int64_t left = deadline - deadline_now();
		if (left <= 0 || poll(&p, 1, (int)(left / NS_PER_MS) + 1) != 1)
			ck_abort_msg("no \"%s\" was notified; the last was:\n%s", text, word.text);
		(void)take_word(v, &word);
	}
	return word;
}

void supervisor_expect_nothing(struct supervisor *v)
{
	struct supervisor_word word = {.text = ""};

	if (take_word(v, &word))
		ck_abort_msg("notified by %d: %s", (int)word.pid, word.text);
}

void supervisor_close(struct supervisor *v)
{
	for (int i = 0; i < v->count; i++)
		close(v->fds[i]);
	close(v->notified);
}
