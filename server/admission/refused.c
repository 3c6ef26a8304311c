/* SPDX-License-Identifier: ISC */
/* ring - where the sockets of refused clients rest for a moment. */
#include "refused.h"

#include "common/deadline.h"

#include <sys/socket.h>
#include <unistd.h>

/* How much is read of what a client sent before it knew: it cannot hold its accepting thread. */
#define EMPTY_READS 16

static void close_oldest(struct ring *r)
{
	char dropped[4096];
	int fd = r->places[r->first].fd;

	for (int i = 0; i < EMPTY_READS; i++) {
		if (recv(fd, dropped, sizeof dropped, MSG_DONTWAIT) <= 0)
			break;
	}
	close(fd);
	r->first = (r->first + 1) % RING_SIZE;
	r->count--;
}

void ring_put(struct ring *r, int fd, int64_t now_ns)
{
	if (r->count == RING_SIZE)
		close_oldest(r);
	unsigned place = (r->first + r->count++) % RING_SIZE;
	r->places[place].fd = fd;
	r->places[place].until_ns = deadline_from(now_ns, RING_REST_NS);
}

void ring_sweep(struct ring *r, int64_t now_ns)
{
	while (ring_next(r) <= now_ns)
		close_oldest(r);
}

void ring_clear(struct ring *r)
{
	while (r->count > 0)
		close_oldest(r);
}

int64_t ring_next(const struct ring *r)
{
	return r->count > 0 ? r->places[r->first].until_ns : DEADLINE_NEVER;
}
