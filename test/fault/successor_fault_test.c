/* SPDX-License-Identifier: ISC */
/* Proves successor where the system is short: we are told, nothing is left behind, and we serve on. */
#include "server/succession/successor.h"

#include "capture.h"
#include "pair.h"
#include "test/suite.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#define PATIENCE_MS 60000

pid_t __wrap_fork(void);
int __wrap_pipe2(int ends[2], int flags);
int __wrap_dup2(int from, int to);
pid_t __real_fork(void);
int __real_pipe2(int ends[2], int flags);
int __real_dup2(int from, int to);

/* The errno with which each fails; 0: it does not. */
static int fork_error;
static int pipe_error;
static int dup_error;

pid_t __wrap_fork(void)
{
	errno = fork_error;
	return fork_error ? -1 : __real_fork();
}

int __wrap_pipe2(int ends[2], int flags)
{
	errno = pipe_error;
	return pipe_error ? -1 : __real_pipe2(ends, flags);
}

int __wrap_dup2(int from, int to)
{
	errno = dup_error;
	return dup_error ? -1 : __real_dup2(from, to);
}

static struct successor s;

static int start(void)
{
	const struct socket_options options = {.receive_timeout_ns = 1, .send_timeout_ns = 1};
	static struct successor_socket socket = {.name = "x", .origin = ORIGIN_OPENED};
	char *const arguments[] = {"true", NULL};
	struct address at;

	if (socket.fd == 0)
		socket.fd = must_listen(1, &options, &at);
	return successor_start(&s, "/bin/true", arguments, &socket, 1);
}

static void check_nothing_is_left(size_t before)
{
	ck_assert_int_eq(s.pid, 0);
	ck_assert_uint_eq(open_descriptors(), before);
	/* There is none to end. */
	successor_end(&s);
	successor_release(&s);
	ck_assert_uint_eq(open_descriptors(), before);
}

TEST(without_a_pipe_nothing_is_started)
{
	pipe_error = EMFILE;
	ck_assert_int_eq(start(), -EMFILE);
	size_t before = open_descriptors();
	ck_assert_int_eq(start(), -EMFILE);
	check_nothing_is_left(before);
}

TEST(without_a_process_nothing_is_left_behind)
{
	fork_error = EAGAIN;
	ck_assert_int_eq(start(), -EAGAIN);
	size_t before = open_descriptors();
	ck_assert_int_eq(start(), -EAGAIN);
	check_nothing_is_left(before);
}

TEST(a_child_that_cannot_move_the_sockets_has_failed_and_the_error_is_told)
{
	unsigned unused;
	struct log_line l;

	/* Before dup2() fails: capturing needs it. */
	capture_begin(STDERR_FILENO);
	log_open(LOG_INFO, LOG_LOGFMT);
	dup_error = EMFILE;
	ck_assert_int_eq(start(), 0);
	struct pollfd p = {.fd = s.pipe, .events = POLLIN};
	ck_assert_int_eq(poll(&p, 1, PATIENCE_MS), 1);
	ck_assert_int_eq(successor_hear(&s, &unused), SUCCESSOR_FAILED);
	log_begin(&l, LOG_WARN, "failed");
	successor_add_reason(&s, &l);
	log_end(&l);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, " error=\"Too many open files\"\n"), 1);
}
