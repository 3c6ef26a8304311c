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
#ifndef BOBBIN_SERVER_WORK_REGISTRY_H
#define BOBBIN_SERVER_WORK_REGISTRY_H

#include "common/stream.h"
#include "server/admission/candidate.h"
#include "server/admission/counters.h"
#include "server/admission/refusal.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct workers;

/* The slots that one listener's connections take. */
struct quota {
	int64_t limit;  /* [lock of the registry] of its own; 0: only the registry's */
	int64_t active; /* [lock of the registry] */
	bool disturbed; /* [lock of the registry] whoever waits for room is to look up */
};

/* One connection, from its hand-over until its worker is done with it. */
struct slot {
	struct stream_status status; /* [atomic] */
	int fd;                      /* [lock] -1: nobody's, or its worker is about to close it */
	struct candidate
		candidate; /* the rest is set before the hand-over, and [const] until the release */
	uint64_t number;   /* of the connection, from 1 */
	int64_t since_ns;
	pthread_t thread;        /* its worker's, stored before the status says STATUS_NEW */
	struct workers *workers; /* for the thread that is started with the slot */
	struct slot *next;       /* [lock] of the free ones */
	bool cut;                /* [lock] by registry_cut() */
	bool taken;              /* [lock] not free */
};

/* How far the stop has come. */
enum stop_level {
	STOP_NO,
	STOP_SUCCEEDED, /* another process accepts from now on; those who are here stay */
	STOP_DRAIN,     /* no new clients but those who wait already; answer what has arrived */
	STOP_FORCE,     /* cut what is left */
};

/* Slots come in chunks, so that a limit can grow and no slot ever moves. */
#define REGISTRY_CHUNK 1024

/* The largest limit. */
#define REGISTRY_MAX 1000000

struct registry { /* fields belong to registry.c */
	pthread_mutex_t lock;
	pthread_cond_t
		changed; /* broadcast, under lock: a slot was freed, or the stop went a step on */
	struct slot
		*chunks[REGISTRY_MAX / REGISTRY_CHUNK + 1]; /* [lock] from the first on, as used */
	int64_t limit;                                      /* [lock] so many may be active */
	size_t used;                   /* [lock] slots from here on were never taken */
	struct slot *free;             /* [lock] last in, first out: the warmest memory first */
	unsigned waiters;              /* [lock] on changed */
	_Atomic int64_t held_until_ns; /* [atomic] nobody accepts before that who can help it */
	uint64_t last_number;          /* [lock] */
	struct counts counts;          /* [lock] bytes and messages of ended connections only */
	size_t cut_owing;              /* [lock] were cut and released, and had left a reply out */
	enum stop_level stop;          /* [lock] */
	int64_t drain_deadline_ns;     /* [lock] set with STOP_DRAIN */
	atomic_bool closing;           /* [atomic] what acceptors look at; stop > STOP_NO */
	atomic_bool draining;          /* [atomic] what the statuses look at; stop >= STOP_DRAIN */
	struct spin_permits permits;   /* which connections may spin (common/spin.h) */
};

/* A registry for at most so many connections at once, up to REGISTRY_MAX. */
void registry_init(struct registry *r, int64_t limit);

/* Change the limits: connections that are there stay. */
void registry_set_limit(struct registry *r, int64_t limit);
void registry_set_quota(struct registry *r, struct quota *quota, int64_t limit);

/* Where an accepting thread sleeps. */

/*
 * Sleep until a slot is free, for this listener too.  True: there was one.  False: until_ns has
 * passed, or the stop forbids to wait longer, which is any stop, or, if draining, STOP_FORCE and
 * STOP_DRAIN with its deadline passed; or, if not draining, registry_disturb() was called.
 */
bool registry_await_vacancy(
	struct registry *r, struct quota *quota, bool draining, int64_t until_ns);

/* Have who waits for room for this listener, now or next, look at its settings again. */
void registry_disturb(struct registry *r, struct quota *quota);

/*
 * Sleep until a connection ends, the stop goes a step on, or deadline_ns; while draining no longer
 * than the drain, and not at all in a forced stop.
 */
void registry_rest(struct registry *r, int64_t deadline_ns);

/*
 * Until that moment descriptors that get free are meant for somebody else: who rests goes on
 * resting, and who accepts is to rest.  0: it is over.
 */
void registry_hold_back(struct registry *r, int64_t until_ns);
bool registry_is_held_back(struct registry *r);

/*
 * A slot for an accepted socket, which it owns from now on; if wait, as soon as one is free, as
 * long as the stop allows.  Returns REFUSAL_NONE with the slot in *slot; or why there is none
 * (REFUSAL_FULL, REFUSAL_LISTENER_FULL, REFUSAL_SHORTAGE, REFUSAL_STOPPING): then the caller still
 * has the socket, and counts the refusal.
 */
enum refusal registry_take(
	struct registry *r, const struct candidate *candidate, bool wait, struct slot **slot);

/*
 * Give a slot back whose socket never got a thread: counted as REFUSAL_SHORTAGE.  Returns the
 * socket, the caller's.
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

/* Go a step on, or several.  drain_deadline_ns is looked at with STOP_DRAIN only. */
void registry_stop(struct registry *r, enum stop_level level, int64_t drain_deadline_ns);

/*
 * Tell each connection that is idle to end, one that has said nothing yet only from the age of
 * first_ns on, and knock (signals.h) at those that have been told and still sleep: a knock can come
 * just before recv(2), so this is called again and again during a stop.  Returns how many were told
 * for the first time.
 */
size_t registry_wake_idle(struct registry *r, int64_t first_ns);

/* Cut each connection that is left. */
void registry_cut(struct registry *r);

/*
 * How many of those that were cut still owed something to their peers, as far as their workers have
 * ended: they alone know.
 */
size_t registry_cut_owing(struct registry *r);

/* Counting. */

/* A client that was accepted, and got no slot. */
void registry_count_refused(struct registry *r, enum refusal why);

/* A snapshot of the registry's rows.  It looks at each slot in use. */
struct counts registry_counts(struct registry *r);

/* How many connections are active. */
uint64_t registry_active(struct registry *r);

#endif
