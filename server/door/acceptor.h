/* SPDX-License-Identifier: ISC */
/*
 * acceptor - the accept loop of one listener: admission, the dispatch to a worker, and the end of
 * its queue.
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
#include <stdbool.h>
#include <stddef.h>
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

/*
 * What becomes of a listener.  The coordinator turns OURS, OFFERED and UNWANTED into each other and
 * OFFERED into ADOPTED; the acceptor's own thread turns any of them into LOST or DONE, which are
 * final.
 */
enum acceptor_state {
	ACCEPTOR_OURS,    /* no other process sets options of the listener */
	ACCEPTOR_OFFERED, /* a successor that is being started may set them as its settings say: each
			      connection that is accepted here meanwhile gets its own, one by one */
	ACCEPTOR_UNWANTED, /* the same, but the successor does not use the listener */
	ACCEPTOR_ADOPTED,  /* it is the successor's, and so is its queue */
	ACCEPTOR_LOST,     /* the listener failed */
	ACCEPTOR_DONE,     /* the listener is closed, as it should be */
};

struct acceptor { /* fields belong to acceptor.c but for state, which others may load */
	const struct server *server; /* [const] */
	struct listener listener;    /* [its thread] */
	struct settings *settings;   /* [its thread] held; the listener's endpoint is in it */
	unsigned version;            /* [its thread] of the settings */
	struct quota quota;          /* [lock of the registry] */
	struct refused refused;      /* [its thread] */
	pthread_attr_t attributes;   /* [its thread] of new workers */
	pthread_t thread;            /* [const] once started */
	atomic_int state;            /* [atomic] enum acceptor_state */
	int64_t back_off_ns;         /* [its thread] 0: no shortage */
	int64_t quiet_until_ns;      /* [its thread] a shortage is told once a second */
	uint64_t untold;             /* [its thread] shortages since the last one told */
};

/* All of a process.  [const] once they are made. */
struct acceptors {
	struct acceptor *each;
	size_t count;
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
 * Accept until the stop; then accept what is queued as slots get free, refuse the rest, close the
 * listener, and leave the barrier accepting.  A listener that a successor has adopted is closed at
 * once, because its queue is the successor's.  A thread's start function: the argument is the acceptor.
 */
void *acceptor_run(void *acceptor);

/*
 * Wake it if it sleeps in accept(2).  One knock can come just before that call, so knock until it
 * has left accepting. Its thread must not have been joined.
 */
void acceptor_knock(struct acceptor *a);

void acceptors_knock(const struct acceptors *all);

/* Other settings are in force: have every acceptor look at them, wherever it waits. */
void acceptors_renew(const struct acceptors *all);

/*
 * For the coordinator: turn one state into another.  Returns false, and changes nothing, if the
 * acceptor is in another state than from.  ACCEPTOR_ADOPTED comes before registry_stop(), after
 * which the acceptor looks for it.
 */
bool acceptor_turn(struct acceptor *a, enum acceptor_state from, enum acceptor_state to);

#endif
