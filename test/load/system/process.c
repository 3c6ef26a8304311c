/* SPDX-License-Identifier: ISC */
/* process - runs a program and keeps what it prints. */
#include "process.h"

#include "common/deadline.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define AWAIT_NS (20 * NS_PER_S)
#define END_NS   (60 * NS_PER_S)

/* In the child: only what is allowed between fork and exec. */
static void become(const char *const argv[], int out, int err, int descriptors)
{
	struct rlimit limit = {(rlim_t)descriptors, (rlim_t)descriptors};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	if (descriptors > 0)
		setrlimit(RLIMIT_NOFILE, &limit);
	execv(argv[0], (char *const *)(const void *)argv);
	_exit(127);
}

struct process *process_start(const char *const argv[], int descriptors)
{
	struct process *p = calloc(1, sizeof *p);
	int out[2];
	int err[2];

	ck_assert_ptr_nonnull(p);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(err, O_CLOEXEC), 0);
	p->pid = fork();
	ck_assert_int_ge(p->pid, 0);
	if (p->pid == 0)
		become(argv, out[1], err[1], descriptors);
	close(out[1]);
	close(err[1]);
	p->out.fd = out[0];
	p->err.fd = err[0];
	return p;
}

static void read_more(struct process_stream *s)
{
	ssize_t n = read(s->fd, s->text + s->len, PROCESS_TEXT_MAX - 1 - s->len);

	if (n > 0) {
		s->len += (size_t)n;
		return;
	}
	close(s->fd);
	s->fd = -1;
}

/* Read what comes next from either.  False when both have ended; fails at the deadline. */
static bool pass(struct process *p, int64_t deadline_ns)
{
	struct pollfd fds[] = {
		{.fd = p->out.fd, .events = POLLIN},
		{.fd = p->err.fd, .events = POLLIN},
	};
	int64_t left = deadline_ns - deadline_now();

	if (p->out.fd < 0 && p->err.fd < 0)
		return false;
	int n = poll(fds, 2, left > 0 ? (int)(left / NS_PER_MS) + 1 : 0);
	ck_assert_msg(n > 0 || left > 0, "the program does nothing; it printed:\n%s\n%s",
		p->out.text, p->err.text);
	if (n > 0 && fds[0].revents)
		read_more(&p->out);
	if (n > 0 && fds[1].revents)
		read_more(&p->err);
	return true;
}

const char *process_await(struct process *p, struct process_stream *from, const char *text)
{
	int64_t deadline_ns = deadline_after(AWAIT_NS);
	const char *found;

	while (!(found = strstr(from->text, text)) || !strchr(found, '\n'))
		ck_assert_msg(pass(p, deadline_ns), "it ended without \"%s\":\n%s\n%s", text,
			p->out.text, p->err.text);
	return found + strlen(text);
}

int process_end(struct process *p)
{
	int64_t deadline_ns = deadline_after(END_NS);
	int status;

	while (pass(p, deadline_ns))
		;
	ck_assert_int_eq(waitpid(p->pid, &status, 0), p->pid);
	p->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void process_kill(struct process *p, int signal)
{
	ck_assert_int_eq(kill(p->pid, signal), 0);
}

void process_free(struct process *p)
{
	if (!p)
		return;
	if (p->pid > 0) {
		kill(p->pid, SIGKILL);
		waitpid(p->pid, NULL, 0);
	}
	if (p->out.fd >= 0)
		close(p->out.fd);
	if (p->err.fd >= 0)
		close(p->err.fd);
	free(p);
}
