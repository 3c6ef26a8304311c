/* SPDX-License-Identifier: ISC */
/* passed - descriptors at 3 and on. */
#include "passed.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FIRST 3
#define AWAY  200

static int saved[PASSED_MAX];
static int places;

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
	for (int i = 0; i < count; i++)
		copies[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, AWAY);
	for (int i = 0; i < count; i++)
		saved[i] = fcntl(FIRST + i, F_DUPFD_CLOEXEC, AWAY);
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
	int lifted = fcntl(fd, F_DUPFD_CLOEXEC, AWAY);

	close(fd);
	return lifted;
}

void passed_end(void)
{
	for (int i = 0; i < places; i++) {
		if (saved[i] >= 0)
			dup2(saved[i], FIRST + i);
		else
			close(FIRST + i);
		close(saved[i]);
	}
}
