/* SPDX-License-Identifier: ISC */
/*
 * spin - when it pays to ask a socket again and again instead of going to sleep.
 *
 * A thread that sleeps until its peer speaks pays for the way to sleep and for the way back.  Where
 * an exchange takes no longer than that, a thread that asks the socket again and again is several
 * times as fast.  But it burns a processor, which pays only if the next message comes soon and no
 * other thread could use the processor.  So
 *
 *   - only so many threads spin at once as there are permits: one for every two processors;
 *   - a turn in which nothing came is followed by 1, 3, 7, and in the end 1023 waits without one;
 *   - a thread that finds that another one ran in its place closes the permits for all threads, for
 *     1 ms, twice that the next time, and 1 s in the end.
 *
 * Threads:  any may share the permits; a struct spin belongs to one thread.
 */
#ifndef BOBBIN_COMMON_SPIN_H
#define BOBBIN_COMMON_SPIN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct spin_permits {                     /* fields belong to spin.c */
	int count;                        /* [const] */
	atomic_int taken;                 /* [atomic] */
	_Atomic int64_t closed_until_ns;  /* [atomic] */
	_Atomic int64_t closed_longer_ns; /* [atomic] the next time; 0: the least */
};

/* What was learnt from one peer.  Zeroed to begin with. */
struct spin {           /* fields belong to spin.c */
	unsigned idle;  /* so many waits go by without a turn */
	unsigned after; /* as many as followed the last turn in which nothing came */
};

/* One permit for every two of the processors that this process may use; without a second one, none. */
void spin_init(struct spin_permits *permits);

/* One turn of asking. */
struct spin_turn { /* fields belong to spin.c */
	struct spin *spin;
	struct spin_permits *permits;
	int64_t until_ns;
	long replaced; /* how often another thread had run in this one's place before it asked again */
	bool asked_again;
	bool was_replaced;
};

/*
 * Begin a turn of at most time_ns.  False: it does not pay now.  True: the caller asks its socket
 * without blocking, asks again for as long as nothing came and spin_again() is true, and then owes
 * spin_end().
 */
bool spin_begin(
	struct spin_turn *turn, struct spin *spin, struct spin_permits *permits, int64_t time_ns);
bool spin_again(struct spin_turn *turn);
void spin_end(struct spin_turn *turn, bool came);

#endif
