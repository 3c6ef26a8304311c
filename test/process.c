/* SPDX-License-Identifier: ISC */
/* process - runs a program and keeps what it prints. */
#include "process.h"

#include "common/deadline.h"
#include "common/lock.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* A test ends with its process, and threads that still read what a child prints end with it. */
const char *__tsan_default_options(void);

const char *__tsan_default_options(void)
{
	return "report_thread_leaks=0";
}

/* Address space for a stream, of which only what is printed takes memory: so no text ever moves. */
#define TEXT_MAX ((size_t)64 << 20)

/* Starting. */

static void become(const char *const argv[], int out, int err,
	const struct process_setting *setting, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
	if (setting->prepare)
		setting->prepare(setting->argument);
	execvp(argv[0], (char *const *)(const void *)argv);
	_exit(127);
}

/* Both ends of what the child writes to. */
static void must_open_terminal(int ends[2], int columns)
{
	const struct winsize size = {.ws_row = 24, .ws_col = (unsigned short)columns};

	ck_assert_int_eq(openpty(&ends[0], &ends[1], NULL, NULL, &size), 0);
	ck_assert_int_eq(fcntl(ends[0], F_SETFD, FD_CLOEXEC), 0);
	ck_assert_int_eq(fcntl(ends[1], F_SETFD, FD_CLOEXEC), 0);
}

/* Returns the child's end. */
static int open_stream(struct process_stream *s, int columns)
{
	int ends[2];

	if (columns > 0)
		must_open_terminal(ends, columns);
	else
		ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	s->fd = ends[0];
	s->text = mmap(NULL, TEXT_MAX, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ck_assert(s->text != MAP_FAILED);
	return ends[1];
}

/* A terminal whose other end has gone says EIO. */
static void read_more(struct process *p, struct process_stream *s)
{
	char data[65536];
	ssize_t n = read(s->fd, data, sizeof data);

	lock_take(&p->lock);
	if (n > 0 && s->len + (size_t)n < TEXT_MAX) {
		memcpy(s->text + s->len, data, (size_t)n);
		s->len += (size_t)n;
	} else {
		s->ended = true;
	}
	pthread_cond_broadcast(&p->grown);
	lock_drop(&p->lock);
}

static void *read_both(void *arg)
{
	struct process *p = arg;
	struct pollfd fds[] = {
		{.fd = p->out.fd, .events = POLLIN},
		{.fd = p->err.fd, .events = POLLIN},
	};

	/* Only this thread sets ended. */
	while (!p->out.ended || !p->err.ended) {
		fds[0].fd = p->out.ended ? -1 : p->out.fd;
		fds[1].fd = p->err.ended ? -1 : p->err.fd;
		if (poll(fds, 2, -1) <= 0)
			continue;
		if (fds[0].revents)
			read_more(p, &p->out);
		if (fds[1].revents)
			read_more(p, &p->err);
	}
	return NULL;
}

struct process *process_start(const char *const argv[], const struct process_setting *setting)
{
	static const struct process_setting none;
	struct process *p = calloc(1, sizeof *p);
	pid_t parent = getpid();

	setting = setting ? setting : &none;
	ck_assert_ptr_nonnull(p);
	lock_init(&p->lock);
	lock_cond_init(&p->grown);
	int out = open_stream(&p->out, 0);
	int err = open_stream(&p->err, setting->columns);
	fflush(NULL);
	p->pid = fork();
	ck_assert_int_ge(p->pid, 0);
	if (p->pid == 0)
		become(argv, out, setting->err ? setting->err : err, setting, parent);
	close(out);
	close(err);
	ck_assert_int_eq(pthread_create(&p->reader, NULL, read_both, p), 0);
	return p;
}

/* What it prints. */

/* [lock] held. */
static const char *find(const char *from, const char *text, bool whole)
{
	const char *found = strstr(from, text);

	return found && (!whole || strchr(found, '\n')) ? found : NULL;
}

static const char *await(
	struct process *p, struct process_stream *s, const char *from, const char *text, bool whole)
{
	int64_t deadline_ns = deadline_after(PROCESS_PATIENCE_NS);
	const char *found;

	lock_take(&p->lock);
	while (!(found = find(from, text, whole)) && !s->ended && deadline_now() < deadline_ns)
		lock_wait(&p->grown, &p->lock, deadline_ns);
	if (!found)
		ck_abort_msg("it %s \"%s\"; it printed:\n%s\n%s",
			s->ended ? "has ended without" : "does not print", text, p->out.text,
			p->err.text);
	lock_drop(&p->lock);
	return found + strlen(text);
}

const char *process_await(struct process *p, struct process_stream *from, const char *text)
{
	return await(p, from, from->text, text, true);
}

const char *process_await_next(
	struct process *p, struct process_stream *from, const char *after, const char *text)
{
	return await(p, from, after, text, true);
}

const char *process_await_part(
	struct process *p, struct process_stream *from, const char *after, const char *text)
{
	return await(p, from, after, text, false);
}

const char *process_end_of(struct process *p, struct process_stream *from)
{
	lock_take(&p->lock);
	const char *end = from->text + from->len;
	lock_drop(&p->lock);
	return end;
}

size_t process_count(struct process *p, struct process_stream *from, const char *text)
{
	size_t count = 0;

	lock_take(&p->lock);
	for (const char *at = from->text; (at = strstr(at, text)); at += strlen(text))
		count++;
	lock_drop(&p->lock);
	return count;
}

/* What its threads do. */

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

/*
 * Twice, and none has run in between: else one may have woken another that was already looked at.
 * /proc has no event to wait for; poll() leaves the core to them.
 */
void process_await_rest(const struct process *p)
{
	int64_t deadline_ns = deadline_after(PROCESS_PATIENCE_NS);
	unsigned long long before = 0;
	unsigned long long after = 1;

	while (!all_at_rest(p->pid, &before) || !all_at_rest(p->pid, &after) || before != after) {
		ck_assert_msg(deadline_now() < deadline_ns, "it never rests");
		poll(NULL, 0, 1);
	}
}

/* Ending. */

bool process_ends_by(struct process *p, int64_t moment_ns)
{
	lock_take(&p->lock);
	while ((!p->out.ended || !p->err.ended) && deadline_now() < moment_ns)
		lock_wait(&p->grown, &p->lock, moment_ns);
	bool ended = p->out.ended && p->err.ended;
	lock_drop(&p->lock);
	return ended;
}

int process_status(pid_t pid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd end = {.fd = pidfd, .events = POLLIN};
	int status;

	ck_assert_int_ge(pidfd, 0);
	ck_assert_msg(poll(&end, 1, (int)(PROCESS_PATIENCE_NS / 1000000)) == 1,
		"process %d does not end", (int)pid);
	close(pidfd);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int process_end_within(struct process *p, int64_t bound_ns)
{
	if (!process_ends_by(p, deadline_after(bound_ns))) {
		lock_take(&p->lock);
		ck_abort_msg("it has not ended after %.1f s; it printed:\n%s\n%s",
			(double)bound_ns / 1e9, p->out.text, p->err.text);
	}
	pid_t pid = p->pid;
	p->pid = 0;
	return process_status(pid);
}

int process_end(struct process *p)
{
	return process_end_within(p, PROCESS_PATIENCE_NS);
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
	/* Some other process may still have the streams: their end is not waited for. */
	pthread_cancel(p->reader);
	pthread_join(p->reader, NULL);
	close(p->out.fd);
	close(p->err.fd);
	munmap(p->out.text, TEXT_MAX);
	munmap(p->err.text, TEXT_MAX);
	free(p);
}
