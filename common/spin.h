/* SPDX-License-Identifier: ISC */
/*
 * spin - receiving without going to sleep first, for a moment, as long as that pays.
 *
 * A thread that sleeps until its peer speaks pays for the way to sleep and for the way back; where
 * an exchange takes no longer than that, one that asks the socket again and again is several times
 * as fast.  But it burns a processor, which pays only if what it waits for comes soon and nobody
 * else has a use for the processor.  So
 *
 *   - only so many threads spin at once as there are permits: one for every two processors;
 *   - a wait in which nothing came is followed by 1, 3, 7, and in the end 1023 that do not spin;
 *   - a thread that finds its processor taken for others closes the permits for all, for 1 ms, twice
 *     that the next time, and 1 s in the end.
 *
 * Threads:  any may share the permits; a struct spin belongs to one.
 */
#ifndef BOBBIN_COMMON_SPIN_H
#define BOBBIN_COMMON_SPIN_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct spin_permits {                     /* fields belong to spin.c */
	int count;                        /* [const] */
	atomic_int taken;                 /* [atomic] */
	_Atomic int64_t closed_until_ns;  /* [atomic] */
	_Atomic int64_t closed_longer_ns; /* [atomic] the next time; 0: the least */
};

/* What was learnt from one peer.  Zeroed to begin with. */
struct spin {           /* fields belong to spin.c */
	unsigned idle;  /* so many waits go by without a spin */
	unsigned after; /* and so many the last time */
};

/* One permit for every two of the processors that this process may use; without a second one, none. */
void spin_init(struct spin_permits *permits);

/*
 * recv(2) for at most time_ns, asked again and again, and of no effect if it is not worth while.
 * Returns the count, 0 at the end of the stream, or -errno: -EAGAIN if nothing came, and then the
 * caller goes on to wait in its own way.
 */
ssize_t spin_receive(struct spin *s, struct spin_permits *permits, int64_t time_ns, int fd,
	void *data, size_t len);

#endif
