/* SPDX-License-Identifier: ISC */
/* predecessor - the bobbind that started this one as its successor. */
#include "predecessor.h"

#include "pipe.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char origins[] = {ORIGIN_OPENED, ORIGIN_PASSED, ORIGIN_SPARE, '\0'};

/* Our end of the pipe, or -1. */
static int pipe_fd = -1;

static bool is_pipe(long fd)
{
	struct stat st;

	return fd <= PIPE_FIRST_FD + PIPE_SOCKETS_MAX && fstat((int)fd, &st) == 0 &&
		S_ISFIFO(st.st_mode);
}

/* Read "7:oops", for count sockets.  Returns the origins in text, with *fd the pipe; or NULL. */
static const char *parse(const char *text, int count, int *fd)
{
	char *end;
	long number = strtol(text, &end, 10);

	if (end == text || *end != ':' || number < PIPE_FIRST_FD + count || !is_pipe(number))
		return NULL;
	end++;
	if (strlen(end) != (size_t)count || strspn(end, origins) != (size_t)count)
		return NULL;
	*fd = (int)number;
	return end;
}

char *predecessor_take(int count)
{
	const char *text = getenv(PIPE_VARIABLE);
	const char *found = text && count > 0 ? parse(text, count, &pipe_fd) : NULL;
	char *copy = found ? strdup(found) : NULL;

	if (found && !copy)
		abort();
	if (found)
		(void)fcntl(pipe_fd, F_SETFD, FD_CLOEXEC);
	unsetenv(PIPE_VARIABLE);
	return copy;
}

void predecessor_tell_unused(unsigned place)
{
	if (pipe_fd >= 0)
		pipe_say(pipe_fd, PIPE_UNUSED, place);
}

void predecessor_tell_ready(void)
{
	if (pipe_fd < 0)
		return;
	pipe_say(pipe_fd, PIPE_READY, 0);
	close(pipe_fd);
	pipe_fd = -1;
}
