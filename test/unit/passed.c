/* SPDX-License-Identifier: ISC */
/* passed - descriptors at 3 and on, and the environment that tells of them. */
#include "passed.h"

#include "pair.h"
#include "server/succession/pipe.h"

#include <check.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static int hearing = -1; /* the predecessor's end of the pipe */

__attribute__((constructor)) static void fill_places(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd < PIPE_FIRST_FD + PASSED_MAX)
		fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	close(fd);
	/* Our parent may have left some open. */
	(void)close_range(PIPE_FIRST_FD, ~0U, CLOSE_RANGE_CLOEXEC);
}

void passed_put(int place, int fd)
{
	ck_assert_int_lt(place, PASSED_MAX);
	ck_assert_int_eq(dup2(fd, PIPE_FIRST_FD + place), PIPE_FIRST_FD + place);
	close(fd);
}

struct address passed_listen(int place)
{
	const struct socket_options options = {.receive_timeout_ns = 1, .send_timeout_ns = 1};
	struct address at;

	passed_put(place, must_listen(1, &options, &at));
	return at;
}

void passed_leave_empty(int place)
{
	close(PIPE_FIRST_FD + place);
}

static void set_number(const char *name, int value)
{
	char text[16];

	snprintf(text, sizeof text, "%d", value);
	setenv(name, text, 1);
}

void passed_tell(int count, const char *names)
{
	set_number("LISTEN_PID", getpid());
	set_number("LISTEN_FDS", count);
	if (names)
		setenv("LISTEN_FDNAMES", names, 1);
}

void passed_tell_handover(const char *origins, const char *names)
{
	int count = (int)strlen(origins);
	int ends[2];
	char text[64];

	passed_tell(count, names);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	hearing = ends[0];
	passed_put(count, ends[1]);
	snprintf(text, sizeof text, "%d:%s", PIPE_FIRST_FD + count, origins);
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
	return fcntl(PIPE_FIRST_FD + place, F_GETFD) >= 0;
}

bool passed_closes_on_exec(int place)
{
	int flags = fcntl(PIPE_FIRST_FD + place, F_GETFD);

	return flags >= 0 && (flags & FD_CLOEXEC);
}
