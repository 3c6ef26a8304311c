/* SPDX-License-Identifier: ISC */
/*
 * registry - the slots of the live connections, and where accepting threads wait for one.
 *
 * Another thread reaches a connection's socket through its slot only.  Any thread may shut the
 * socket down under the registry's lock.  Only the slot's worker closes it, after it has taken it
 * out of the slot under the same lock: so no thread uses a number that the kernel has given to
 * another file.
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

/* How many slots the connections of one listener take.  [lock] of the registry. */
struct quota {
	int64_t limit; /* 0: only the registry's */
	int64_t active;
	bool disturbed; /* the wait for a vacancy, this one or the next, ends early */
};

/* One connection, from its dispatch until its worker is done with it. */
struct slot {
	struct stream_status status; /* [atomic] */
	int fd;                      /* [lock] -1: taken out, or the slot is free */
	bool taken;                  /* [lock] not free */
	bool cut;                    /* [lock] by registry_cut() */
	struct slot *next;           /* [lock] among the free ones */
	/* The others are set before the dispatch, and [const] until the release. */
	struct candidate candidate;
	uint64_t number; /* of the connection, from 1 */
	int64_t since_ns;
	struct workers *workers; /* those of the thread that is started with the slot */
	pthread_t thread;        /* its worker's, stored before the status becomes STATUS_NEW */
};

/* How far the stop has come. */
enum stop_level {
	STOP_NO,
	STOP_SUCCEEDED, /* another process accepts from now on; the connections here stay */
	STOP_DRAIN,     /* clients still queued are accepted; what has arrived is answered */
	STOP_FORCE,     /* the connections that are left are cut */
};

/* Slots come in chunks, so that a limit can grow and no slot ever moves. */
#define REGISTRY_CHUNK 1024

/* The largest limit. */
#define REGISTRY_MAX 1000000

struct registry { /* fields belong to registry.c */
	pthread_mutex_t lock;
	pthread_cond_t changed;        /* broadcast, under lock, when a wait may be over */
	int64_t limit;                 /* [lock] so many connections may be active */
	size_t used;                   /* [lock] slots from here on were never taken */
	struct slot *free;             /* [lock] last in, first out: the warmest memory first */
	unsigned waiters;              /* [lock] on changed */
	uint64_t last_number;          /* [lock] */
	struct counts counts;          /* [lock] bytes and messages of ended connections only */
	size_t cut_owing;              /* [lock] see registry_cut_owing() */
	enum stop_level stop;          /* [lock] */
	int64_t drain_deadline_ns;     /* [lock] set with STOP_DRAIN */
	_Atomic int64_t held_until_ns; /* [atomic] see registry_hold_back() */
	atomic_bool closing;           /* [atomic] what acceptors look at: stop > STOP_NO */
	atomic_bool draining;          /* [atomic] what the statuses look at: stop >= STOP_DRAIN */
	struct spin_permits permits;   /* which connections may spin (common/spin.h) */
	/* [lock] those that have been used, from the first on */
	struct slot *chunks[REGISTRY_MAX / REGISTRY_CHUNK + 1];
};

/* A registry for at most so many connections at once, up to REGISTRY_MAX. */
void registry_init(struct registry *r, int64_t limit);

/* Change a limit.  Connections above it stay. */
void registry_set_limit(struct registry *r, int64_t limit);
void registry_set_quota(struct registry *r, struct quota *quota, int64_t limit);

/* Where an accepting thread sleeps. */

/*
 * Sleep until a slot is free, within the listener's quota too.  True: there was one.  False:
 * until_ns has passed, or the stop ends the wait.  If not draining, any stop ends it, and so does
 * registry_disturb(); if draining, STOP_FORCE does, and STOP_DRAIN at its deadline.
 */
bool registry_await_vacancy(
	struct registry *r, struct quota *quota, bool draining, int64_t until_ns);

/* Wake this listener's acceptor, or its next wait, to re-read its settings. */
void registry_disturb(struct registry *r, struct quota *quota);

/*
 * Sleep until a connection ends, the stop goes a step on, or deadline_ns; while draining no longer
 * than the drain, and not at all in a forced stop.
 */
void registry_rest(struct registry *r, int64_t deadline_ns);

/*
 * Until then acceptors take no connection, so that freed descriptors go to the reload or the
 * handover; a rest goes on until then, or until a stop.  0: it is over.
 */
void registry_hold_back(struct registry *r, int64_t until_ns);
bool registry_is_held_back(struct registry *r);

/*
 * Give an accepted socket a slot, which owns it from now on; with wait, as soon as one is free and
 * as long as the stop allows.  Returns REFUSAL_NONE with the slot in *slot.  Otherwise the reason
 * (REFUSAL_FULL, REFUSAL_LISTENER_FULL, REFUSAL_SHORTAGE, REFUSAL_STOPPING): then the caller still
 * owns the socket, and counts the refusal.
 */
enum refusal registry_take(
	struct registry *r, const struct candidate *candidate, bool wait, struct slot **slot);

/*
 * Free a slot whose connection got no thread, which is counted as REFUSAL_SHORTAGE.  Returns the
 * socket, the caller's.
 */
int registry_untake(struct registry *r, struct slot *slot);

/* What a worker does at the end. */

/*
 * Take the socket out of the slot: from now on no other thread shuts it down.  Returns it, the
 * caller's to close.
 */
int registry_detach(struct registry *r, struct slot *slot);

/* Once the socket is closed: count the connection as ended, and free the slot. */
void registry_release(struct registry *r, struct slot *slot, const struct stream *s);

/* What the coordinator does. */

/* Go on to a higher level.  drain_deadline_ns counts with STOP_DRAIN only. */
void registry_stop(struct registry *r, enum stop_level level, int64_t drain_deadline_ns);

/*
 * Wake each idle connection, so that it ends; one that has said nothing yet only from the age of
 * first_ns on.  A knock (signals.h) that comes just before recv(2) is lost, so call this again and
 * again during a stop: it also knocks at workers that were woken before and still sleep.  Returns
 * how many were woken for the first time.
 */
size_t registry_wake_idle(struct registry *r, int64_t first_ns);

/* Cut each connection that is left. */
void registry_cut(struct registry *r);

/*
 * How many connections that were cut still owed their peers something.  Only their workers know, so
 * those that have ended are counted.
 */
size_t registry_cut_owing(struct registry *r);

/* Counting. */

/* A client was accepted, and got no slot. */
void registry_count_refused(struct registry *r, enum refusal why);

/* A snapshot of the registry's rows.  It looks at each slot in use. */
struct counts registry_counts(struct registry *r);

/* How many connections are active. */
uint64_t registry_active(struct registry *r);

#endif
