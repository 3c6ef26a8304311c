/* SPDX-License-Identifier: ISC */
/* Proves successor where the system is short: that is told, and nothing is left behind. */
#include "server/succession/successor.h"

#include "capture.h"
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
	char *const arguments[] = {(char *)"true", NULL};
	const struct successor_socket socket = {STDIN_FILENO, "x", ORIGIN_OPENED};

	return successor_start(&s, "/bin/true", arguments, &socket, 1);
}

static const struct {
	int *failing;
	int error;
} shortages[] = {
	{&pipe_error, EMFILE},
	{&fork_error, EAGAIN},
};

TEST_ROWS(without_a_pipe_or_a_process_nothing_is_left_behind, SUITE_COUNT(shortages))
{
	size_t before = open_descriptors();

	*shortages[_i].failing = shortages[_i].error;
	ck_assert_int_eq(start(), -shortages[_i].error);
	ck_assert_int_eq(s.pid, 0);
	/* There is none to end. */
	successor_end(&s);
	successor_release(&s);
	ck_assert_uint_eq(open_descriptors(), before);
}

TEST(a_child_that_cannot_move_the_sockets_has_failed_and_the_error_is_told)
{
	unsigned unused;
	struct log_line l;

	/* Capturing needs dup2(). */
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
