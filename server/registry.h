/* SPDX-License-Identifier: ISC */
/*
 * registry - the slots of the live connections: who, since when, in which state.
 *
 * It is the only way to another thread's socket.  A slot's descriptor may be shut down by others
 * under the registry's lock; only the worker that owns the slot closes it, after it has taken it
 * out under the same lock, so that nobody ever touches a number that the kernel has given to
 * another file.
 *
 * It is also where accepting threads wait: for a free slot, or for a shortage to pass.
 *
 * Threads:  any, after registry_init().
 * Lifetime: as long as the process, like the barrier.
 */
#ifndef BOBBIN_SERVER_REGISTRY_H
#define BOBBIN_SERVER_REGISTRY_H

#include "common/address.h"
#include "common/stream.h"
#include "counters.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct endpoint;
struct workers;

/* One connection, from its hand-over until its worker is done with it. */
struct slot {
	struct stream_gate gate; /* [atomic] */
	int fd;                  /* [lock] -1: nobody's, or its worker is about to close it */
	uint64_t id; /* the rest is set before the hand-over, and [const] until the release */
	const struct endpoint *endpoint;
	struct address peer;
	int64_t since_ns;
	pthread_t thread;        /* its worker's, stored before the gate says GATE_NEW */
	struct workers *workers; /* for the thread that is started with the slot */
	struct slot *next;       /* [lock] of the free ones */
};

/* How far the stop has come. */
enum stop_level {
	STOP_NO,
	STOP_DRAIN, /* no new clients but those who wait already; answer what has arrived */
	STOP_FORCE, /* cut what is left */
};

struct registry { /* fields belong to registry.c */
	pthread_mutex_t lock;
	pthread_cond_t
		changed; /* broadcast, under lock: a slot was freed, or the stop went a step on */
	struct slot *slots;        /* [const] */
	size_t size;               /* [const] */
	size_t used;               /* [lock] slots from here on were never taken */
	struct slot *free;         /* [lock] last in, first out: the warmest memory first */
	unsigned waiters;          /* [lock] on changed */
	uint64_t last_id;          /* [lock] */
	struct counters counters;  /* [lock] */
	enum stop_level stop;      /* [lock] */
	int64_t drain_deadline_ns; /* [lock] set with STOP_DRAIN */
	atomic_bool draining;      /* [atomic] what the gates look at; stop > STOP_NO */
};

/* Slots for so many connections.  Ends the process if there is no memory. */
void registry_init(struct registry *r, size_t size);

/* Where an accepting thread sleeps. */

/*
 * Sleep until a slot is free.  True: there was one.  False: the stop forbids to wait longer, which
 * is any stop, or, if draining, STOP_FORCE and STOP_DRAIN with its deadline passed.
 */
bool registry_await_room(struct registry *r, bool draining);

/*
 * Sleep until a connection ends, the stop goes a step on, or deadline_ns; while draining no longer
 * than the drain, and not at all in a forced stop.
 */
void registry_rest(struct registry *r, int64_t deadline_ns);

/*
 * A slot for an accepted socket, which it owns from now on, waiting for a free one as long as the
 * stop allows.  NULL if it does not; then the caller still has the socket, and it is counted as
 * refused.
 */
struct slot *registry_take(
	struct registry *r, int fd, const struct endpoint *endpoint, const struct address *peer);

/*
 * Give a slot back whose socket never got a thread.  It is counted as refused.  Returns the socket,
 * the caller's.
 */
int registry_untake(struct registry *r, struct slot *slot);

/* The worker's way out. */

/*
 * Take the socket out of the slot: from now on nobody else shuts it down.  Returns it, the caller's
 * to close.
 */
int registry_detach(struct registry *r, struct slot *slot);

/* The socket is closed: count the connection as ended, and free the slot for the next. */
void registry_release(struct registry *r, struct slot *slot, const struct stream *s);

/* The coordinator's part. */

/* Go a step on.  drain_deadline_ns is looked at with STOP_DRAIN only. */
void registry_stop(struct registry *r, enum stop_level level, int64_t drain_deadline_ns);

/*
 * Tell each connection that is idle to end, one that has said nothing yet only from the age of
 * first_ns on, and knock (signals.h) at those that have been told and still sleep: a knock can come
 * just before recv(2), so this is called again and again during a stop.  Returns how many were told
 * for the first time.
 */
size_t registry_wake_idle(struct registry *r, int64_t first_ns);

/*
 * Cut each connection that is left.  Returns how many of them still owed something to their peers.
 */
size_t registry_cut(struct registry *r);

/* Counting. */

void registry_count_shortage(struct registry *r, bool thread);
void registry_count_peer_error(struct registry *r);
void registry_count_thread(struct registry *r);
struct counters registry_counters(struct registry *r);

#endif
