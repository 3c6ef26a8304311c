/* SPDX-License-Identifier: ISC */
/* Proves successor: what it is given, what is heard of it, and that a failed one is gone. */
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
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 60000

static const struct socket_options options = {.receive_timeout_ns = 1, .send_timeout_ns = 1};

static struct successor s;
static unsigned unused;

/* Three sockets, one of each origin. */
static struct address ats[3];
static struct successor_socket sockets[3] = {
	{.name = "127.0.0.1:7007", .origin = ORIGIN_OPENED},
	{.name = "100%:x", .origin = ORIGIN_PASSED},
	{.name = "", .origin = ORIGIN_SPARE},
};

static void begin(void)
{
	capture_begin(STDOUT_FILENO);
	capture_begin(STDERR_FILENO);
	log_open(LOG_INFO, LOG_LOGFMT);
	for (int i = 0; i < 3; i++)
		sockets[i].fd = must_listen(1, &options, &ats[i]);
}

static void must_start_with(const char *const *arguments)
{
	ck_assert_int_eq(successor_start(&s, HEIR, (char *const *)arguments, sockets, 3), 0);
	ck_assert_int_gt(s.pid, 0);
}

#define MUST_START(...) must_start_with((const char *const[]){"heir", __VA_ARGS__, NULL})

/* The next news, once there is any.  What is passed over is none. */
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

static void must_hear_ready(void)
{
	ck_assert_int_eq(hear(), SUCCESSOR_READY);
}

static void check_told(const char *line)
{
	ck_assert_msg(capture_count(STDOUT_FILENO, line) == 1, "no %s in:\n%s", line,
		capture_text(STDOUT_FILENO));
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

/* Ended, waited for, and nothing of it is left open. */
static void check_is_gone(size_t descriptors_before)
{
	ck_assert_int_eq(s.pid, 0);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
	ck_assert_uint_eq(open_descriptors(), descriptors_before);
}

static void check_sockets_arrived(void)
{
	char line[64];

	for (int i = 0; i < 3; i++) {
		snprintf(line, sizeof line, "socket %d %u %s %c\n", i,
			(unsigned)address_port(&ats[i]), sockets[i].name, sockets[i].origin);
		check_told(line);
	}
}

/* What it is given. */

TEST(it_has_the_sockets_with_their_names_and_origins)
{
	begin();
	MUST_START("ready");
	must_hear_ready();
	check_told("pid is ours\n");
	check_told("LISTEN_FDS=3\n");
	check_told("LISTEN_FDNAMES=127.0.0.1%3a7007:100%25%3ax:\n");
	check_told("BOBBIN_HANDOVER=6:ops\n");
	check_sockets_arrived();
}

TEST(sockets_in_the_places_of_others_are_not_lost)
{
	const char *const arguments[] = {"heir", "ready", NULL};
	struct successor_socket turned[3];

	begin();
	const int fds[] = {sockets[2].fd, sockets[0].fd, sockets[1].fd};
	/* The first is at 4, the second at 5, the third at 3. */
	for (int i = 0; i < 3; i++)
		turned[i] = sockets[i];
	turned[0].fd = 4;
	turned[1].fd = 5;
	turned[2].fd = 3;
	passed_begin(fds, 3, getpid(), NULL);
	int rc = successor_start(&s, HEIR, (char *const *)arguments, turned, 3);
	passed_end();
	ck_assert_int_eq(rc, 0);
	must_hear_ready();
	check_sockets_arrived();
}

TEST(a_pipe_in_the_place_of_a_socket_is_not_lost)
{
	const char *const arguments[] = {"heir", "ready", NULL};

	begin();
	for (int i = 0; i < 3; i++)
		sockets[i].fd = fcntl(sockets[i].fd, F_DUPFD_CLOEXEC, 100);
	/* With 3 to 5 free, the pipe is made of 3 and 4. */
	passed_begin((const int[]){-1, -1, -1}, 3, getpid(), NULL);
	int rc = successor_start(&s, HEIR, (char *const *)arguments, sockets, 3);
	int at = s.pipe;
	s.pipe = passed_lift(s.pipe);
	passed_end();
	ck_assert_int_eq(at, 3);
	ck_assert_int_eq(rc, 0);
	must_hear_ready();
	check_sockets_arrived();
}

TEST(what_tells_of_our_own_start_is_replaced_and_the_rest_of_the_environment_stays)
{
	begin();
	setenv("LISTEN_FDS", "17", 1);
	setenv("LISTEN_PID", "1", 1);
	setenv("LISTEN_FDNAMES", "old", 1);
	setenv("BOBBIN_HANDOVER", "9:o", 1);
	setenv("NOTIFY_SOCKET", "@here", 1);
	MUST_START("ready");
	must_hear_ready();
	check_told("pid is ours\n");
	check_told("LISTEN_FDS=");
	check_told("LISTEN_FDNAMES=");
	check_told("BOBBIN_HANDOVER=");
	check_told("NOTIFY_SOCKET=@here\n");
	check_sockets_arrived();
}

TEST(its_signals_are_as_they_were_at_our_start)
{
	sigset_t before;

	begin();
	sigemptyset(&before);
	sigaddset(&before, SIGWINCH);
	ck_assert_int_eq(sigprocmask(SIG_SETMASK, &before, NULL), 0);
	signals_block();
	(void)signal(SIGPIPE, SIG_IGN);
	MUST_START("ready");
	must_hear_ready();
	check_told("blocked WINCH\n");
	check_told("blocked ");
	check_told("SIGPIPE by default\n");
}

TEST(nothing_else_is_open_in_it)
{
	begin();
	ck_assert_int_ge(fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 50), 50);
	/* What somebody forgot to mark, too. */
	ck_assert_int_ge(fcntl(STDIN_FILENO, F_DUPFD, 60), 60);
	MUST_START("ready");
	must_hear_ready();
	ck_assert_uint_eq(capture_count(STDOUT_FILENO, "open besides"), 0);
	check_sockets_arrived();
}

/* As connections would. */
static void use_up_descriptors(void)
{
	struct rlimit limit;
	int last = -1;
	int fd;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = 128;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	while ((fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0)) >= 0)
		last = fd;
	ck_assert_int_eq(errno, EMFILE);
	/* For the pipe. */
	close(last);
	close(last - 1);
}

TEST(connections_that_use_up_the_descriptors_are_no_hindrance)
{
	begin();
	use_up_descriptors();
	MUST_START("ready");
	must_hear_ready();
	check_sockets_arrived();
}

TEST(as_many_sockets_as_can_be_are_handed_over)
{
	static struct successor_socket many[PIPE_SOCKETS_MAX + 1];
	const char *const arguments[] = {"heir", "unused", "1023", "ready", NULL};
	struct rlimit limit;

	begin();
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	for (size_t i = 0; i < SUITE_COUNT(many); i++)
		many[i] = sockets[i % 3];
	ck_assert_int_eq(
		successor_start(&s, HEIR, (char *const *)arguments, many, PIPE_SOCKETS_MAX + 1),
		-E2BIG);
	ck_assert_int_eq(s.pid, 0);
	ck_assert_int_eq(
		successor_start(&s, HEIR, (char *const *)arguments, many, PIPE_SOCKETS_MAX), 0);
	ck_assert_int_eq(hear(), SUCCESSOR_UNUSED);
	ck_assert_uint_eq(unused, 1023);
	must_hear_ready();
	ck_assert_uint_eq(capture_count(STDOUT_FILENO, "\nsocket "), PIPE_SOCKETS_MAX);
}

/* What is heard of it. */

TEST(one_that_says_nothing_is_not_waited_for)
{
	begin();
	MUST_START("hang");
	ck_assert_int_eq(successor_hear(&s, &unused), SUCCESSOR_NONE);
	successor_end(&s);
}

TEST(the_sockets_that_it_does_not_use_are_heard_of_one_at_a_time)
{
	begin();
	MUST_START("unused", "2", "unused", "0", "ready");
	ck_assert_int_eq(hear(), SUCCESSOR_UNUSED);
	ck_assert_uint_eq(unused, 2);
	ck_assert_int_eq(hear(), SUCCESSOR_UNUSED);
	ck_assert_uint_eq(unused, 0);
	must_hear_ready();
}

TEST(a_place_that_is_none_and_a_word_that_is_not_known_are_passed_over)
{
	begin();
	MUST_START("unused", "3", "say", "12345678", "unused", "1", "ready");
	ck_assert_int_eq(hear(), SUCCESSOR_UNUSED);
	ck_assert_uint_eq(unused, 1);
	must_hear_ready();
}

TEST(one_that_is_ready_lives_on_when_released)
{
	int ends[2];
	int status;

	begin();
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
	size_t before = open_descriptors();
	MUST_START("ready", "wait", "exit", "5");
	must_hear_ready();
	pid_t pid = s.pid;
	successor_release(&s);
	successor_end(&s);
	ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), 0);
	ck_assert_uint_eq(open_descriptors(), before);
	close(ends[1]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 5);
}

/* How it fails. */

static const struct {
	const char *program;
	const char *reason;
} not_executable[] = {
	{"/nowhere/bobbind", " error=\"No such file or directory\"\n"},
	{"/etc/passwd", " error=\"Permission denied\"\n"},
};

TEST_ROWS(a_program_that_cannot_be_executed_has_failed_and_the_error_is_told,
	SUITE_COUNT(not_executable))
{
	const char *const arguments[] = {"heir", NULL};

	begin();
	size_t before = open_descriptors();
	ck_assert_int_eq(successor_start(&s, not_executable[_i].program, (char *const *)arguments,
				 sockets, 3),
		0);
	ck_assert_int_eq(hear(), SUCCESSOR_FAILED);
	check_is_gone(before);
	check_reason(not_executable[_i].reason);
}

static const struct {
	const char *arguments[4];
	const char *reason;
} failures[] = {
	{{"heir", "exit", "78"}, " exit_status=78\n"},
	{{"heir", "exit", "0"}, " exit_status=0\n"},
	{{"heir", "die", "15"}, " signal=SIGTERM\n"},
	{{"heir", "die", "9"}, " signal=SIGKILL\n"},
	{{"heir", "say", "rubbish"}, " signal=SIGKILL\n"},
};

TEST_ROWS(
	one_that_ends_before_it_is_ready_has_failed_and_how_it_ended_is_told, SUITE_COUNT(failures))
{
	begin();
	size_t before = open_descriptors();
	must_start_with(failures[_i].arguments);
	ck_assert_int_eq(hear(), SUCCESSOR_FAILED);
	check_is_gone(before);
	/* Rubbish is no end, so it was ended for it, unless it came first. */
	if (strcmp(failures[_i].arguments[1], "say") != 0)
		check_reason(failures[_i].reason);
}

TEST(one_that_closes_the_pipe_and_stays_is_ended)
{
	begin();
	size_t before = open_descriptors();
	MUST_START("unused", "1", "drop", "hang");
	ck_assert_int_eq(hear(), SUCCESSOR_UNUSED);
	ck_assert_int_eq(hear(), SUCCESSOR_FAILED);
	check_is_gone(before);
	check_reason(" signal=SIGKILL\n");
}

TEST(one_that_hangs_can_be_ended)
{
	begin();
	size_t before = open_descriptors();
	MUST_START("hang");
	successor_end(&s);
	check_is_gone(before);
	successor_end(&s);
	successor_release(&s);
}

TEST(where_the_ends_of_children_were_ignored_its_end_is_still_told)
{
	begin();
	(void)signal(SIGCHLD, SIG_IGN);
	MUST_START("exit", "78");
	ck_assert_int_eq(hear(), SUCCESSOR_FAILED);
	check_reason(" exit_status=78\n");
}

TEST(the_sockets_are_still_ours_when_it_has_failed)
{
	begin();
	MUST_START("exit", "1");
	ck_assert_int_eq(hear(), SUCCESSOR_FAILED);
	for (int i = 0; i < 3; i++) {
		int fd = must_dial(&ats[i]);
		close(must_accept(sockets[i].fd));
		close(fd);
	}
}
