/* SPDX-License-Identifier: ISC */
/* passed - descriptors at 3 and on. */
#include "passed.h"

#include "server/succession/pipe.h"
#include "test/suite.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define FIRST PIPE_FIRST_FD
#define FEW   190

/* One more, for the pipe of a handover. */
static int saved[PASSED_MAX + 1];
static int places;
static int away;         /* where descriptors are out of the way */
static int hearing = -1; /* the predecessor's end of the pipe */

/* Most systems let a process have more than it begins with. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void set_number(const char *name, int value)
{
	char text[16];

	snprintf(text, sizeof text, "%d", value);
	setenv(name, text, 1);
}

void passed_begin(const int *fds, int count, int pid, const char *names)
{
	int copies[PASSED_MAX];

	places = count;
	away = FIRST + (count > FEW ? count : FEW) + 2;
	if (count > FEW)
		raise_limit();
	for (int i = 0; i < count; i++)
		copies[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, away);
	for (int i = 0; i < count; i++)
		saved[i] = fcntl(FIRST + i, F_DUPFD_CLOEXEC, away);
	for (int i = 0; i < count; i++) {
		if (copies[i] >= 0)
			dup2(copies[i], FIRST + i);
		else
			close(FIRST + i);
		close(copies[i]);
	}
	set_number("LISTEN_PID", pid);
	set_number("LISTEN_FDS", count);
	if (names)
		setenv("LISTEN_FDNAMES", names, 1);
	else
		unsetenv("LISTEN_FDNAMES");
}

void passed_as_handover(const char *origins)
{
	int ends[2] = {-1, -1};
	char text[PASSED_MAX + 16];

	saved[places] = fcntl(FIRST + places, F_DUPFD_CLOEXEC, away);
	(void)pipe2(ends, O_CLOEXEC);
	hearing = fcntl(ends[0], F_DUPFD_CLOEXEC, away);
	int said = fcntl(ends[1], F_DUPFD_CLOEXEC, away);
	close(ends[0]);
	close(ends[1]);
	dup2(said, FIRST + places);
	close(said);
	snprintf(text, sizeof text, "%d:%s", FIRST + places, origins);
	setenv(PIPE_VARIABLE, text, 1);
}

char passed_hear(unsigned *value)
{
	struct pipe_message m = {0};

	ck_assert_int_ge(read(hearing, &m, sizeof m), 0);
	*value = m.value;
	return (char)m.kind;
}

bool passed_is_open(int place)
{
	return fcntl(FIRST + place, F_GETFD) >= 0;
}

bool passed_closes_on_exec(int place)
{
	int flags = fcntl(FIRST + place, F_GETFD);

	return flags >= 0 && (flags & FD_CLOEXEC);
}

int passed_lift(int fd)
{
	int lifted = fcntl(fd, F_DUPFD_CLOEXEC, away);

	close(fd);
	return lifted;
}

void passed_end(void)
{
	for (int i = 0; i < places + (hearing >= 0); i++) {
		if (saved[i] >= 0)
			dup2(saved[i], FIRST + i);
		else
			close(FIRST + i);
		close(saved[i]);
	}
}
