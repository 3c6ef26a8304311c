/* SPDX-License-Identifier: ISC */
/* reserve - descriptors that are kept for what an operator asks for. */
#include "reserve.h"

#include <fcntl.h>
#include <unistd.h>

void reserve_fill(struct reserve *r)
{
	for (int i = 0; i < RESERVE_SIZE; i++) {
		if (r->fds[i] > 0)
			continue;
		/* Any open file does, and that one is open. */
		int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		if (fd < 0)
			return;
		r->fds[i] = fd;
	}
}

void reserve_spend(struct reserve *r)
{
	for (int i = 0; i < RESERVE_SIZE; i++) {
		if (r->fds[i] > 0)
			close(r->fds[i]);
		r->fds[i] = 0;
	}
}
