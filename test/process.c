/* SPDX-License-Identifier: ISC */
/* process - runs a program and keeps what it prints. */
#include "process.h"

#include "common/deadline.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define AWAIT_NS (20 * NS_PER_S)
#define END_NS   (60 * NS_PER_S)

/* In the child: a test has one thread, so more than async-signal-safe calls is allowed. */
static void become(
	const char *const argv[], int out, int err, const struct process_setting *setting)
{
	struct rlimit limit = {(rlim_t)setting->descriptors, (rlim_t)setting->descriptors};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	if (setting->term)
		setenv("TERM", setting->term, 1);
	if (setting->descriptors > 0)
		setrlimit(RLIMIT_NOFILE, &limit);
	execv(argv[0], (char *const *)(const void *)argv);
	_exit(127);
}

/* Both ends of what the child writes to; both are closed when another program begins. */
static void must_open_terminal(int ends[2], int columns)
{
	const struct winsize size = {.ws_row = 24, .ws_col = (unsigned short)columns};

	ck_assert_int_eq(openpty(&ends[0], &ends[1], NULL, NULL, &size), 0);
	ck_assert_int_eq(fcntl(ends[0], F_SETFD, FD_CLOEXEC), 0);
	ck_assert_int_eq(fcntl(ends[1], F_SETFD, FD_CLOEXEC), 0);
}

struct process *process_start(const char *const argv[], const struct process_setting *setting)
{
	static const struct process_setting none;
	struct process *p = calloc(1, sizeof *p);
	int out[2];
	int err[2];

	setting = setting ? setting : &none;
	ck_assert_ptr_nonnull(p);
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	if (setting->columns > 0)
		must_open_terminal(err, setting->columns);
	else
		ck_assert_int_eq(pipe2(err, O_CLOEXEC), 0);
	p->pid = fork();
	ck_assert_int_ge(p->pid, 0);
	if (p->pid == 0)
		become(argv, out[1], err[1], setting);
	close(out[1]);
	close(err[1]);
	p->out.fd = out[0];
	p->err.fd = err[0];
	return p;
}

/* A terminal whose other end has gone says EIO. */
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

static bool has_ended(const struct process *p)
{
	return p->out.fd < 0 && p->err.fd < 0;
}

/* Read what comes next from either, or wait until the deadline. */
static void pass(struct process *p, int64_t deadline_ns)
{
	struct pollfd fds[] = {
		{.fd = p->out.fd, .events = POLLIN},
		{.fd = p->err.fd, .events = POLLIN},
	};
	int64_t left_ns = deadline_ns - deadline_now();

	if (poll(fds, 2, left_ns > 0 ? (int)(left_ns / NS_PER_MS) + 1 : 0) <= 0)
		return;
	if (fds[0].revents)
		read_more(&p->out);
	if (fds[1].revents)
		read_more(&p->err);
}

bool process_read_until(struct process *p, int64_t moment_ns)
{
	while (!has_ended(p) && deadline_now() < moment_ns)
		pass(p, moment_ns);
	return has_ended(p);
}

const char *process_await(struct process *p, struct process_stream *from, const char *text)
{
	int64_t deadline_ns = deadline_after(AWAIT_NS);
	const char *found;

	while (!(found = strstr(from->text, text)) || !strchr(found, '\n')) {
		ck_assert_msg(!has_ended(p), "it ended without \"%s\":\n%s\n%s", text, p->out.text,
			p->err.text);
		ck_assert_msg(deadline_now() < deadline_ns,
			"it does not print \"%s\", but:\n%s\n%s", text, p->out.text, p->err.text);
		pass(p, deadline_ns);
	}
	return found + strlen(text);
}

/* The state of a thread, as proc(5) has it, and its time on a processor; "ended" is at rest. */
static bool is_at_rest(pid_t pid, const char *thread, unsigned long long *ran_ns)
{
	char path[512];
	char state = 'S';
	unsigned long long ns = 0;

	snprintf(path, sizeof path, "/proc/%d/task/%s/stat", (int)pid, thread);
	FILE *f = fopen(path, "re");
	if (f) {
		(void)!fscanf(f, "%*d %*s %c", &state);
		fclose(f);
	}
	snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", (int)pid, thread);
	f = fopen(path, "re");
	if (f) {
		(void)!fscanf(f, "%llu", &ns);
		fclose(f);
	}
	*ran_ns += ns;
	return state == 'S';
}

/* True if all of them sleep; *ran_ns is what they have run in all. */
static bool all_at_rest(pid_t pid, unsigned long long *ran_ns)
{
	char path[64];
	bool rest = true;

	*ran_ns = 0;
	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	DIR *threads = opendir(path);
	ck_assert_ptr_nonnull(threads);
	for (struct dirent *e; (e = readdir(threads));) {
		if (e->d_name[0] != '.')
			rest &= is_at_rest(pid, e->d_name, ran_ns);
	}
	closedir(threads);
	return rest;
}

/* Twice, and none has run between: else one may have woken another after we had looked at it. */
void process_await_rest(const struct process *p)
{
	int64_t deadline_ns = deadline_after(AWAIT_NS);
	unsigned long long before = 0;
	unsigned long long after = 1;

	while (!all_at_rest(p->pid, &before) || !all_at_rest(p->pid, &after) || before != after) {
		ck_assert_msg(deadline_now() < deadline_ns, "it never rests");
		poll(NULL, 0, 1);
	}
}

int process_end_within(struct process *p, int64_t bound_ns)
{
	int status;

	ck_assert_msg(process_read_until(p, deadline_after(bound_ns)),
		"it has not ended after %.1f s; it printed:\n%s\n%s", (double)bound_ns / 1e9,
		p->out.text, p->err.text);
	ck_assert_int_eq(waitpid(p->pid, &status, 0), p->pid);
	p->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int process_end(struct process *p)
{
	return process_end_within(p, END_NS);
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
