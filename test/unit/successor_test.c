/* SPDX-License-Identifier: ISC */
/*
 * Proves successor: the sockets arrive whatever descriptors they have, and whatever is on the pipe,
 * the successor is ready, or gone with its reason told.  The successor is a shell.
 */
#include "server/succession/successor.h"

#include "capture.h"
#include "pair.h"
#include "passed.h"
#include "server/signals.h"
#include "test/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 60000
#define SOCKETS     3

static struct successor s;
static unsigned unused;
static struct address ats[SOCKETS];
static struct successor_socket sockets[SOCKETS] = {
	{.name = "127.0.0.1:7007", .origin = ORIGIN_OPENED},
	{.name = "100%:x", .origin = ORIGIN_PASSED},
	{.name = "", .origin = ORIGIN_SPARE},
};

/* The sockets, in these places. */
static void begin(const int places[SOCKETS])
{
	capture_begin(STDOUT_FILENO);
	capture_begin(STDERR_FILENO);
	log_open(LOG_INFO, LOG_LOGFMT);
	for (int i = 0; i < SOCKETS; i++) {
		ats[i] = passed_listen(places[i]);
		sockets[i].fd = PIPE_FIRST_FD + places[i];
		ck_assert_int_eq(fcntl(sockets[i].fd, F_SETFD, FD_CLOEXEC), 0);
	}
}

static int start_with(const char *script, const struct successor_socket *list, size_t count)
{
	char *const arguments[] = {(char *)"sh", (char *)"-c", (char *)script, NULL};

	return successor_start(&s, "/bin/sh", arguments, list, count);
}

/* The next news, once there is any.  A message that is ignored is none. */
static enum successor_news hear(void)
{
	struct pollfd p = {.fd = s.pipe, .events = POLLIN};
	enum successor_news news;

	do {
		ck_assert_int_eq(poll(&p, 1, PATIENCE_MS), 1);
		news = successor_hear(&s, &unused);
	} while (news == SUCCESSOR_NONE);
	return news;
}

/* A command that writes a message on the pipe, which is descriptor fd there. */
static const char *say(enum pipe_kind kind, uint32_t value, int fd)
{
	static char commands[4][128];
	static int turn;
	const struct pipe_message m = {.kind = kind, .value = value};
	unsigned char bytes[sizeof m];
	char *text = commands[turn++ % 4];
	char *end = stpcpy(text, "printf '");

	memcpy(bytes, &m, sizeof m);
	for (size_t i = 0; i < sizeof m; i++)
		end += sprintf(end, "\\%03o", bytes[i]);
	sprintf(end, "' >/proc/$$/fd/%d; ", fd);
	return text;
}

static void check_reason(const char *reason)
{
	struct log_line l;

	log_begin(&l, LOG_WARN, "failed");
	successor_add_reason(&s, &l);
	log_end(&l);
	ck_assert_msg(capture_count(STDERR_FILENO, reason) == 1, "no %s in:\n%s", reason,
		capture_text(STDERR_FILENO));
}

/* What it is given. */

static const struct {
	int places[SOCKETS];
	bool empty; /* the first places are, so that the pipe is in them */
} rows[] = {
	{{20, 21, 22}, false},
	/* In the places of each other. */
	{{1, 2, 0}, false},
	{{20, 21, 22}, true},
};

static const char look[] =
	"test $LISTEN_PID = $$ && echo \"$LISTEN_FDS $LISTEN_FDNAMES $BOBBIN_HANDOVER\";"
	"tr '\\0' '\\n' </proc/$$/environ | grep -c -e ^LISTEN_ -e ^BOBBIN_HANDOVER;"
	/* ls opens a seventh. */
	"ls /proc/self/fd | tr '\\n' ' '; cd /proc/$$/fd; readlink 3; readlink 4; readlink 5; ";

static unsigned long inode_of(int fd)
{
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	return st.st_ino;
}

TEST_ROWS(the_sockets_arrive_whatever_descriptors_they_and_the_pipe_have, SUITE_COUNT(rows))
{
	char script[1024];
	char expected[512];

	begin(rows[_i].places);
	/* No close-on-exec, by mistake. */
	ck_assert_int_eq(dup2(STDERR_FILENO, 60), 60);
	for (int i = 0; rows[_i].empty && i < SOCKETS; i++)
		passed_leave_empty(i);
	setenv("LISTEN_FDS", "17", 1);
	setenv("BOBBIN_HANDOVER", "9:o", 1);
	snprintf(script, sizeof script, "%s%s", look, say(PIPE_READY, 0, 6));
	ck_assert_int_eq(start_with(script, sockets, SOCKETS), 0);
	ck_assert_int_eq(hear(), SUCCESSOR_READY);
	snprintf(expected, sizeof expected,
		"3 127.0.0.1%%3a7007:100%%25%%3ax: 6:ops\n4\n"
		"0 1 2 3 4 5 6 7 socket:[%lu]\nsocket:[%lu]\nsocket:[%lu]\n",
		inode_of(sockets[0].fd), inode_of(sockets[1].fd), inode_of(sockets[2].fd));
	ck_assert_str_eq(capture_text(STDOUT_FILENO), expected);
}

TEST(as_many_sockets_as_can_be_are_handed_over)
{
	static struct successor_socket many[PIPE_SOCKETS_MAX + 1];
	const int pipe = PIPE_FIRST_FD + PIPE_SOCKETS_MAX;
	char script[512];

	begin((const int[]){0, 1, 2});
	for (size_t i = 0; i < SUITE_COUNT(many); i++)
		many[i] = sockets[i % 3];
	ck_assert_int_eq(start_with("", many, PIPE_SOCKETS_MAX + 1), -E2BIG);
	ck_assert_int_eq(s.pid, 0);
	snprintf(script, sizeof script, "readlink /proc/$$/fd/%d; %s%s", pipe - 1,
		say(PIPE_UNUSED, PIPE_SOCKETS_MAX - 1, pipe), say(PIPE_READY, 0, pipe));
	ck_assert_int_eq(start_with(script, many, PIPE_SOCKETS_MAX), 0);
	ck_assert_int_eq(hear(), SUCCESSOR_UNUSED);
	ck_assert_uint_eq(unused, PIPE_SOCKETS_MAX - 1);
	ck_assert_int_eq(hear(), SUCCESSOR_READY);
	ck_assert_uint_eq(strtoul(capture_text(STDOUT_FILENO) + strlen("socket:["), NULL, 10),
		inode_of(sockets[0].fd));
}

/* What is heard of it. */

static const struct {
	struct {
		int kind; /* 0: no message */
		unsigned value;
	} messages[3];
	const char *then;
	const char *news; /* places that are unused, and R for ready or F for failed */
	const char *reason;
} stories[] = {
	{{{PIPE_UNUSED, 2}, {PIPE_UNUSED, 0}, {PIPE_READY, 0}}, "exit 0", "20R", NULL},
	/* A place that is none, and a kind that is not known. */
	{{{PIPE_UNUSED, 3}, {'?', 1}, {PIPE_UNUSED, 1}}, "exit 78", "1F", " exit_status=78\n"},
	/* Something other than a message. */
	{{{0, 0}}, "echo no >&6; kill -STOP $$", "F", " signal=SIGKILL\n"},
};

static enum successor_news news_of(char letter)
{
	if (letter == 'R')
		return SUCCESSOR_READY;
	return letter == 'F' ? SUCCESSOR_FAILED : SUCCESSOR_UNUSED;
}

TEST_ROWS(it_is_ready_or_it_is_gone_with_its_reason_told, SUITE_COUNT(stories))
{
	char script[1024] = "";

	begin((const int[]){0, 1, 2});
	for (int i = 0; i < 3 && stories[_i].messages[i].kind; i++)
		strcat(script, say(stories[_i].messages[i].kind, stories[_i].messages[i].value, 6));
	strcat(script, stories[_i].then);
	/* Whatever our parent made of the ends of children. */
	(void)signal(SIGCHLD, SIG_IGN);
	size_t before = open_descriptors();
	ck_assert_int_eq(start_with(script, sockets, SOCKETS), 0);
	pid_t pid = s.pid;
	for (const char *c = stories[_i].news; *c; c++) {
		ck_assert_int_eq(hear(), news_of(*c));
		if (news_of(*c) == SUCCESSOR_UNUSED)
			ck_assert_int_eq(unused, *c - '0');
	}
	if (stories[_i].reason) {
		check_reason(stories[_i].reason);
		ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
		ck_assert_int_eq(errno, ECHILD);
	} else {
		successor_release(&s);
		ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	}
	ck_assert_int_eq(s.pid, 0);
	ck_assert_uint_eq(open_descriptors(), before);
	/* The sockets are ours still. */
	for (int i = 0; i < SOCKETS; i++) {
		must_dial(&ats[i]);
		must_accept(sockets[i].fd);
	}
}
