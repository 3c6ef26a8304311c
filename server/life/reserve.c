/* SPDX-License-Identifier: ISC */
/* reserve - descriptors that are kept for what an operator asks for. */
#include "reserve.h"

#include <sys/eventfd.h>
#include <unistd.h>

#define PLENTY 32

/* Up to so many more of a kind that needs nothing but a descriptor.  Returns the new count. */
static int take(int *fds, int count, int most)
{
	for (; count < most; count++) {
		fds[count] = eventfd(0, EFD_CLOEXEC);
		if (fds[count] < 0)
			break;
	}
	return count;
}

static void give_back(const int *fds, int count)
{
	for (int i = 0; i < count; i++)
		close(fds[i]);
}

void reserve_fill(struct reserve *r)
{
	r->count = take(r->fds, r->count, RESERVE_SIZE);
}

void reserve_spend(struct reserve *r)
{
	give_back(r->fds, r->count);
	r->count = 0;
}

bool reserve_is_needed(void)
{
	int fds[PLENTY];
	int count = take(fds, 0, PLENTY);

	give_back(fds, count);
	return count < PLENTY;
}
