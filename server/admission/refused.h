/* SPDX-License-Identifier: ISC */
/*
 * refused - where the sockets of refused clients rest for a moment, their writing side shut.
 *
 * When a socket is closed with input unread the kernel sends RST, which may destroy the refusal
 * before the client has read it.  The accepting thread cannot wait for the client.  So the socket
 * rests here, and is emptied and closed after REFUSED_REST_NS, or sooner when its place is needed.
 *
 * Threads:  each struct refused belongs to one thread.
 */
#ifndef BOBBIN_SERVER_ADMISSION_REFUSED_H
#define BOBBIN_SERVER_ADMISSION_REFUSED_H

#include <stdint.h>

#define REFUSED_MAX     64
#define REFUSED_REST_NS INT64_C(1000000000)

struct refused { /* fields belong to refused.c; zeroed, it is empty */
	struct {
		int fd;
		int64_t until_ns;
	} resting[REFUSED_MAX];
	unsigned first; /* the oldest */
	unsigned count;
};

/* Take a socket. */
void refused_put(struct refused *r, int fd, int64_t now_ns);

/* Close those that have rested long enough. */
void refused_sweep(struct refused *r, int64_t now_ns);

/* Close all. */
void refused_clear(struct refused *r);

/* When the next one has rested long enough, or DEADLINE_NEVER. */
int64_t refused_next(const struct refused *r);

#endif
