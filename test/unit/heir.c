/* SPDX-License-Identifier: ISC */
/*
 * heir - a program for the tests of successor to start: it tells on standard output what it was
 * given, a line each, and then does what its arguments say, in their order.
 *
 *   unused PLACE   tell the predecessor that a socket is not used
 *   ready          tell it that we are ready
 *   say TEXT       write the text on the pipe
 *   drop           close the pipe
 *   wait           until standard input ends
 *   hang           for ever
 *   exit STATUS    end so
 *   die SIGNAL     end so
 */
#include "common/socket.h"
#include "server/door/inherited.h"
#include "server/succession/predecessor.h"

#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int pipe_fd;

/* As often as it is there. */
static void tell_variable(const char *name)
{
	size_t len = strlen(name);

	for (char **e = environ; *e; e++) {
		if (strncmp(*e, name, len) == 0 && (*e)[len] == '=')
			dprintf(STDOUT_FILENO, "%s\n", *e);
	}
}

static void tell_environment(void)
{
	const char *pid = getenv("LISTEN_PID");
	const char *word = getenv(PIPE_VARIABLE);

	dprintf(STDOUT_FILENO, "pid is %s\n",
		pid && strtol(pid, NULL, 10) == (long)getpid() ? "ours" : "another's");
	tell_variable("LISTEN_FDS");
	tell_variable("LISTEN_FDNAMES");
	tell_variable(PIPE_VARIABLE);
	tell_variable("NOTIFY_SOCKET");
	pipe_fd = word ? (int)strtol(word, NULL, 10) : -1;
}

static void tell_signals(void)
{
	struct sigaction sigpipe;
	sigset_t mask;

	(void)sigprocmask(SIG_SETMASK, NULL, &mask);
	for (int i = 1; i < NSIG; i++) {
		if (sigismember(&mask, i) == 1)
			dprintf(STDOUT_FILENO, "blocked %s\n", sigabbrev_np(i));
	}
	(void)sigaction(SIGPIPE, NULL, &sigpipe);
	dprintf(STDOUT_FILENO, "SIGPIPE %s\n",
		sigpipe.sa_handler == SIG_DFL ? "by default" : "changed");
}

static void tell_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");

	if (!dir)
		abort();
	for (struct dirent *e; (e = readdir(dir));) {
		int fd = (int)strtol(e->d_name, NULL, 10);
		if (e->d_name[0] != '.' && fd > pipe_fd && fd != dirfd(dir))
			dprintf(STDOUT_FILENO, "open besides %d\n", fd);
	}
	closedir(dir);
}

static void tell_sockets(struct inherited *in)
{
	for (int i = 0; i < in->count; i++) {
		struct address at = {.in4 = {.sin_family = AF_INET}};
		(void)socket_local_address(in->sockets[i].fd, &at);
		dprintf(STDOUT_FILENO, "socket %u %u %s %c\n", in->sockets[i].place,
			(unsigned)address_port(&at), in->sockets[i].name, in->sockets[i].origin);
	}
}

/* Returns how many arguments it took. */
static int act(const char *word, const char *next)
{
	char byte;

	if (strcmp(word, "unused") == 0) {
		predecessor_tell_unused((unsigned)strtoul(next, NULL, 10));
		return 2;
	}
	if (strcmp(word, "say") == 0) {
		dprintf(pipe_fd, "%s", next);
		return 2;
	}
	if (strcmp(word, "exit") == 0)
		_exit((int)strtol(next, NULL, 10));
	if (strcmp(word, "die") == 0)
		(void)raise((int)strtol(next, NULL, 10));
	if (strcmp(word, "ready") == 0)
		predecessor_tell_ready();
	if (strcmp(word, "drop") == 0)
		close(pipe_fd);
	while (strcmp(word, "hang") == 0)
		(void)pause();
	while (strcmp(word, "wait") == 0 && read(STDIN_FILENO, &byte, 1) > 0)
		continue;
	return 1;
}

int main(int argc, char **argv)
{
	struct inherited in;

	tell_environment();
	tell_signals();
	tell_descriptors();
	inherited_take(&in);
	tell_sockets(&in);
	for (int i = 1; i < argc;)
		i += act(argv[i], i + 1 < argc ? argv[i + 1] : "");
	_exit(0);
}
