/* SPDX-License-Identifier: ISC */
/* successor - another bobbind that this one starts to take its listening sockets over. */
#include "successor.h"

#include "server/signals.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LISTEN_PID "LISTEN_PID="
#define PID_DIGITS 10

/* As a shell tells it of a command that cannot be executed. */
#define STATUS_NOT_EXECUTED 126

/*
 * All that the child needs, made before the fork.  In the child the locks of other threads,
 * malloc's among them, may stay held for ever, so that it may make async-signal-safe calls only.
 */
struct launch {
	const char *program;
	char *const *argv;
	char **environment;
	char pid[sizeof LISTEN_PID + PID_DIGITS]; /* the child writes its own pid here */
	char fds[sizeof "LISTEN_FDS=" + PID_DIGITS];
	char *names;
	char *handover;
	int *sources; /* the sockets, and after them the pipe */
	int count;    /* of the sockets */
	sigset_t mask;
};

/* Before the fork. */

static bool is_replaced(const char *variable)
{
	static const char *const names[] = {
		"LISTEN_PID=", "LISTEN_FDS=", "LISTEN_FDNAMES=", PIPE_VARIABLE "="};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (strncmp(variable, names[i], strlen(names[i])) == 0)
			return true;
	}
	return false;
}

static char *list_names(const struct successor_socket *sockets, size_t count)
{
	static const char start[] = "LISTEN_FDNAMES=";
	size_t size = sizeof start;

	for (size_t i = 0; i < count; i++)
		size += pipe_encoded_length(sockets[i].name) + 1;
	char *list = malloc(size);
	if (!list)
		return NULL;
	char *end = stpcpy(list, start);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			*end++ = ':';
		end = pipe_encode(end, sockets[i].name);
	}
	return list;
}

static char *describe_handover(const struct successor_socket *sockets, size_t count)
{
	char *text;
	int len = asprintf(
		&text, "%s=%d:%*s", PIPE_VARIABLE, PIPE_FIRST_FD + (int)count, (int)count, "");

	if (len < 0)
		return NULL;
	for (size_t i = 0; i < count; i++)
		text[(size_t)len - count + i] = (char)sockets[i].origin;
	return text;
}

/* The variables of the handover, and then ours without those that they replace. */
static char **list_environment(struct launch *l)
{
	size_t count = 0;
	size_t at = 0;

	while (environ && environ[count])
		count++;
	char **list = calloc(count + 5, sizeof *list);
	if (!list)
		return NULL;
	list[at++] = l->pid;
	list[at++] = l->fds;
	list[at++] = l->names;
	list[at++] = l->handover;
	for (size_t i = 0; i < count; i++) {
		if (!is_replaced(environ[i]))
			list[at++] = environ[i];
	}
	return list;
}

static int *list_sources(const struct successor_socket *sockets, size_t count, int pipe)
{
	int *list = calloc(count + 1, sizeof *list);

	if (!list)
		return NULL;
	for (size_t i = 0; i < count; i++)
		list[i] = sockets[i].fd;
	list[count] = pipe;
	return list;
}

static void launch_fini(struct launch *l)
{
	free(l->names);
	free(l->handover);
	free(l->sources);
	free(l->environment);
}

/* Returns 0 or -ENOMEM; launch_fini() is due in either case. */
static int launch_init(
	struct launch *l, const struct successor_socket *sockets, size_t count, int pipe)
{
	snprintf(l->pid, sizeof l->pid, "%s", LISTEN_PID);
	snprintf(l->fds, sizeof l->fds, "LISTEN_FDS=%zu", count);
	l->count = (int)count;
	l->mask = signals_original();
	l->names = list_names(sockets, count);
	l->handover = describe_handover(sockets, count);
	l->sources = list_sources(sockets, count, pipe);
	if (l->names && l->handover && l->sources)
		l->environment = list_environment(l);
	return l->environment ? 0 : -ENOMEM;
}

/* In the child: async-signal-safe calls only. */

static void write_pid(char *to, pid_t pid)
{
	char digits[PID_DIGITS];
	size_t count = 0;

	do {
		digits[count++] = (char)('0' + pid % 10);
		pid /= 10;
	} while (pid > 0 && count < sizeof digits);
	while (count > 0)
		*to++ = digits[--count];
	*to = '\0';
}

/*
 * Connections may have taken all descriptors, and moving the sockets needs some.  The sockets were
 * opened at the start, so the connections have higher numbers; the pipe is new and has any number.
 */
static void drop_connections(const struct launch *l)
{
	int pipe = l->sources[l->count];
	int last = STDERR_FILENO;

	for (int i = 0; i < l->count; i++)
		last = l->sources[i] > last ? l->sources[i] : last;
	if (pipe > last + 1)
		(void)close_range((unsigned)last + 1, (unsigned)pipe - 1, 0);
	(void)close_range((unsigned)(pipe > last ? pipe : last) + 1, ~0U, 0);
}

/*
 * Move the sockets and the pipe to their places.  One may be in the place of another, so all of
 * them are first copied beyond the last place.  Those copies close on exec, and those of dup2(2) do
 * not.  Returns 0 or an errno.
 */
static int move_descriptors(const struct launch *l)
{
	int beyond = PIPE_FIRST_FD + l->count + 1;

	drop_connections(l);
	for (int i = 0; i <= l->count; i++) {
		int copy = fcntl(l->sources[i], F_DUPFD_CLOEXEC, beyond);
		if (copy < 0)
			return errno;
		l->sources[i] = copy;
	}
	for (int i = 0; i <= l->count; i++) {
		if (dup2(l->sources[i], PIPE_FIRST_FD + i) < 0)
			return errno;
	}
	return 0;
}

static _Noreturn void become_successor(struct launch *l)
{
	write_pid(l->pid + strlen(LISTEN_PID), getpid());
	int error = move_descriptors(l);
	if (error == 0) {
		(void)signal(SIGPIPE, SIG_DFL);
		(void)sigprocmask(SIG_SETMASK, &l->mask, NULL);
		execve(l->program, l->argv, l->environment);
		error = errno;
	}
	pipe_say(l->sources[l->count], PIPE_EXEC_FAILED, (uint32_t)error);
	_exit(STATUS_NOT_EXECUTED);
}

/* In the parent. */

static int fork_successor(struct successor *s, struct launch *l)
{
	/* If our parent had it ignored, waitpid(2) would not tell how the child ended. */
	(void)signal(SIGCHLD, SIG_DFL);
	pid_t pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		become_successor(l);
	s->pid = pid;
	return 0;
}

int successor_start(struct successor *s, const char *program, char *const argv[],
	const struct successor_socket *sockets, size_t count)
{
	struct launch l = {.program = program, .argv = argv};
	int ends[2];

	assert(count > 0);
	*s = (struct successor){.pipe = -1, .count = count};
	if (count > PIPE_SOCKETS_MAX)
		return -E2BIG;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	/* Our end only: the successor may block when it writes. */
	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
	int rc = launch_init(&l, sockets, count, ends[1]);
	if (rc == 0)
		rc = fork_successor(s, &l);
	launch_fini(&l);
	close(ends[1]);
	if (rc < 0)
		close(ends[0]);
	else
		s->pipe = ends[0];
	return rc;
}

static void forget(struct successor *s)
{
	close(s->pipe);
	s->pipe = -1;
	s->pid = 0;
}

/* A process that has ended keeps its status: the signal then changes nothing. */
void successor_end(struct successor *s)
{
	if (s->pid == 0)
		return;
	(void)kill(s->pid, SIGKILL);
	while (waitpid(s->pid, &s->status, 0) < 0 && errno == EINTR)
		continue;
	forget(s);
}

void successor_release(struct successor *s)
{
	if (s->pid != 0)
		forget(s);
}

/* Returns false at the end of the pipe, or for anything but a message; kind 0 if none is there. */
static bool read_message(struct successor *s, struct pipe_message *m)
{
	ssize_t n;

	*m = (struct pipe_message){0};
	do {
		n = read(s->pipe, m, sizeof *m);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof *m || (n < 0 && errno == EAGAIN);
}

enum successor_news successor_hear(struct successor *s, unsigned *unused)
{
	struct pipe_message m;

	while (read_message(s, &m)) {
		if (m.kind == 0)
			return SUCCESSOR_NONE;
		if (m.kind == PIPE_READY)
			return SUCCESSOR_READY;
		if (m.kind == PIPE_EXEC_FAILED) {
			s->error = (int)m.value;
			break;
		}
		if (m.kind == PIPE_UNUSED && m.value < s->count) {
			*unused = m.value;
			return SUCCESSOR_UNUSED;
		}
	}
	/* It may have closed the pipe and still run; then it can never become ready. */
	successor_end(s);
	return SUCCESSOR_FAILED;
}

void successor_add_reason(const struct successor *s, struct log_line *l)
{
	char name[16];

	if (s->error) {
		log_errno(l, s->error);
	} else if (WIFSIGNALED(s->status)) {
		const char *abbreviation = sigabbrev_np(WTERMSIG(s->status));
		snprintf(name, sizeof name, "SIG%s", abbreviation ? abbreviation : "?");
		log_text(l, "signal", name);
	} else {
		log_number(l, "exit_status", WEXITSTATUS(s->status));
	}
}
