/* SPDX-License-Identifier: ISC */
/* refused - where the sockets of refused clients rest for a moment. */
#include "refused.h"

#include "common/deadline.h"
#include "common/transport.h"

#include <unistd.h>

/* How often a socket is read before its close: a client that sends on cannot hold the thread. */
#define EMPTY_READS 16

static void close_oldest(struct refused *r)
{
	int fd = r->resting[r->first].fd;

	transport_drop(fd, EMPTY_READS);
	close(fd);
	r->first = (r->first + 1) % REFUSED_MAX;
	r->count--;
}

void refused_put(struct refused *r, int fd, int64_t now_ns)
{
	if (r->count == REFUSED_MAX)
		close_oldest(r);
	unsigned at = (r->first + r->count++) % REFUSED_MAX;
	r->resting[at].fd = fd;
	r->resting[at].until_ns = deadline_from(now_ns, REFUSED_REST_NS);
}

void refused_sweep(struct refused *r, int64_t now_ns)
{
	while (refused_next(r) <= now_ns)
		close_oldest(r);
}

void refused_clear(struct refused *r)
{
	while (r->count > 0)
		close_oldest(r);
}

int64_t refused_next(const struct refused *r)
{
	return r->count > 0 ? r->resting[r->first].until_ns : DEADLINE_NEVER;
}
