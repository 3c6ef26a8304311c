/* SPDX-License-Identifier: ISC */
/* reserve - descriptors that are kept for what an operator asks for. */
#include "reserve.h"

#include "common/deadline.h"

#include <stdbool.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* With so many others, clients cannot take them all in a moment. */
#define PLENTY 32

/* For so long no connection is accepted, at the most, when a change needs the last descriptors. */
#define HOLD_NS NS_PER_S

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

static bool is_short(void)
{
	int fds[PLENTY];
	int count = take(fds, 0, PLENTY);

	give_back(fds, count);
	return count < PLENTY;
}

void reserve_lend(struct reserve *r, struct registry *registry)
{
	if (!is_short())
		return;
	registry_hold_back(registry, deadline_after(HOLD_NS));
	give_back(r->fds, r->count);
	r->count = 0;
}

void reserve_renew(struct reserve *r, struct registry *registry)
{
	reserve_fill(r);
	registry_hold_back(registry, 0);
}
