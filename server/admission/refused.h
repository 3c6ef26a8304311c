/* SPDX-License-Identifier: ISC */
/*
 * ring - where the sockets of refused clients rest for a moment, their writing side shut.
 *
 * A socket that is closed with input unread makes the kernel send RST, which may destroy the refusal
 * before the client has read it.  Its accepting thread cannot wait for the client, so it rests here,
 * and is emptied and closed after RING_REST_NS, or sooner when its place is needed.
 *
 * Threads:  a ring belongs to one thread.
 */
#ifndef BOBBIN_SERVER_RING_H
#define BOBBIN_SERVER_RING_H

#include <stdint.h>

#define RING_SIZE    64
#define RING_REST_NS INT64_C(1000000000)

struct ring { /* fields belong to ring.c; zeroed, it is empty */
	struct {
		int fd;
		int64_t until_ns;
	} places[RING_SIZE];
	unsigned first; /* the oldest */
	unsigned count;
};

/* Take a socket. */
void ring_put(struct ring *r, int fd, int64_t now_ns);

/* Close those that have rested long enough. */
void ring_sweep(struct ring *r, int64_t now_ns);

/* Close all. */
void ring_clear(struct ring *r);

/* When the next one is due, or DEADLINE_NEVER. */
int64_t ring_next(const struct ring *r);

#endif
