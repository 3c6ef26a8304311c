/* SPDX-License-Identifier: ISC */
/*
 * acceptor - the accept loop of one listener: its errno table, the hand-over to a worker, and the
 * end of its queue.
 *
 * Threads:  each acceptor_run() in a thread of its own, with every signal blocked but the knock
 *           (signals.h).
 */
#ifndef BOBBIN_SERVER_DOOR_ACCEPTOR_H
#define BOBBIN_SERVER_DOOR_ACCEPTOR_H

#include "common/barrier.h"
#include "listener.h"
#include "server/admission/admission.h"
#include "server/admission/refused.h"
#include "server/settings/current.h"
#include "server/work/registry.h"
#include "server/work/worker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

/* What the acceptors of a process quota.  [const] */
struct server {
	struct current *current;
	struct admission *admission;
	struct registry *registry;
	struct counters *counters;
	struct workers *workers;
	struct barrier *busy;      /* entered for each connection */
	struct barrier *accepting; /* entered before a thread starts, left when it is done */
};

struct acceptor { /* fields belong to acceptor.c but for those marked otherwise */
	const struct server *server; /* [const] */
	struct listener listener;    /* [its thread] */
	struct settings *settings;   /* [its thread] held; the listener's endpoint is in it */
	unsigned version;            /* [its thread] of the settings */
	struct quota quota;          /* [lock of the registry] */
	struct refused refused;      /* [its thread] */
	pthread_attr_t attributes;   /* [its thread] of new workers */
	pthread_t thread;            /* [const] once started */
	atomic_bool acknowledged;    /* [atomic] it is done with its listener: no more knocks */
	atomic_bool lost;       /* [atomic] [result] the listener failed; it was not asked to end */
	atomic_bool handing_on; /* [atomic] a successor sets options of the listener: see below */
	atomic_bool not_wanted; /* [atomic] the successor does not use the listener */
	atomic_bool adopted;    /* [atomic] a successor has the listener */
	int64_t back_off_ns;    /* [its thread] 0: no shortage */
	int64_t quiet_until_ns; /* [its thread] a shortage is told once a second */
	uint64_t untold;        /* [its thread] shortages since the last one told */
};

/*
 * Make an acceptor of a listener, which it owns from now on, with the settings in force, of which
 * the listener's endpoint is part; and enter accepting for it.
 */
void acceptor_init(
	struct acceptor *a, const struct listener *listener, const struct server *server);

/* Free what it holds.  Its thread has ended. */
void acceptor_fini(struct acceptor *a);

/*
 * Accept until the stop, then what is queued as slots get free, refuse the rest, close the
 * listener, leave accepting. A listener that a successor has adopted is closed at once: the queue is
 * its.  A thread's start function: the argument is the acceptor.
 */
void *acceptor_run(void *acceptor);

/*
 * Wake it if it sleeps in accept(2).  One knock can come just before that call, so knock until it
 * has left accepting. Its thread must not have been joined.
 */
void acceptor_knock(struct acceptor *a);

/* Other settings are in force: have it look at them, wherever it waits. */
void acceptor_renew(struct acceptor *a);

/*
 * While a successor is being started it may set options of the shared listener as its own settings
 * say; so every connection accepted here meanwhile has its own set one by one.
 */
void acceptor_hand_on(struct acceptor *a, bool handing_on);

/* The successor that is being started does not use this listener; or there is none after all. */
void acceptor_not_wanted(struct acceptor *a);
void acceptor_keep(struct acceptor *a);

/* A successor accepts there from now on, if it wants to.  Before registry_stop(). */
void acceptor_give_away(struct acceptor *a);

#endif
