/* SPDX-License-Identifier: ISC */
/*
 * stream_status - what the owner of many streams and the thread of one tell each other, without a
 * lock.
 *
 * The stream stores its state and then loads *draining; the owner stores *draining and then swaps
 * the state.  All of these are sequentially consistent, so at least one of the two sees the other.
 *
 * To drain, the owner swaps STATUS_IDLE for STATUS_WOKEN, and STATUS_NEW too once it has waited long
 * enough for a first byte.  It then interrupts the thread by a signal whose handler does nothing,
 * again and again until the state changes: a signal that comes just before recv(2) is lost.  The
 * owner does not shut down the reading side, because after our own FIN the kernel would answer the
 * peer's next bytes with RST.
 *
 * To cut, the owner stores STATUS_FORCED and shuts down both sides.  A stream that only waits may be
 * given STATUS_WOKEN instead: its peer then gets FIN and no RST.
 *
 * Threads:  init is the owner's, before the stream's thread runs; any thread may read.
 */
#ifndef BOBBIN_COMMON_STREAM_STATUS_H
#define BOBBIN_COMMON_STREAM_STATUS_H

#include "spin.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum stream_state {
	STATUS_NEW,       /* waiting, and nothing has been received yet */
	STATUS_IDLE,      /* waiting between messages */
	STATUS_BUSY,      /* in a message or its reply */
	STATUS_LINGERING, /* every reply is sent; reading and dropping */
	STATUS_WOKEN,     /* was waiting when the owner drained */
	STATUS_FORCED,    /* cut; final */
};

struct stream_status {
	_Atomic int state;            /* [atomic] enum stream_state */
	const atomic_bool *draining;  /* [const] the owner's flag: becomes true once, for good */
	struct spin_permits *permits; /* [const] of all its streams; NULL: none may spin */
	/* Only the stream's thread adds to these (tally.h). */
	_Atomic uint64_t bytes_in;     /* [atomic] received, dropped bytes not counted */
	_Atomic uint64_t bytes_out;    /* [atomic] taken by the kernel */
	_Atomic uint64_t messages_in;  /* [atomic] 0 for RAW */
	_Atomic uint64_t messages_out; /* [atomic] 0 for RAW */
};

/*
 * Make *status that of a connection that has not begun: STATUS_BUSY until its thread publishes
 * STATUS_NEW, all counts 0.
 */
void stream_status_init(
	struct stream_status *status, const atomic_bool *draining, struct spin_permits *permits);

/* What a stream has moved so far. */
struct stream_counts {
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t messages_in;
	uint64_t messages_out;
};

/*
 * The counts of a stream, which may be at work.  Each only grows until the next
 * stream_status_init().  They are read one after the other, so a message may be counted whose bytes
 * are not yet.
 */
struct stream_counts stream_counts(const struct stream_status *status);

/*
 * For the stream: store the new state and return the one before it.  STATUS_FORCED is final: if it
 * was the state, it still is.
 */
enum stream_state stream_status_publish(struct stream_status *status, enum stream_state state);

/* The state as it is now. */
enum stream_state stream_status_state(const struct stream_status *status);

#endif
