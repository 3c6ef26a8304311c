/* SPDX-License-Identifier: ISC */
/*
 * coordinator - the one thread that takes signals: counters on SIGUSR1, other settings on SIGHUP, a
 * successor on SIGUSR2, and on SIGTERM or SIGINT the stop.
 *
 * stop.h and handover.h have what takes its time.
 *
 * Threads:  one, joinable; every signal that it waits for is blocked in all.
 */
#ifndef BOBBIN_SERVER_LIFE_COORDINATOR_H
#define BOBBIN_SERVER_LIFE_COORDINATOR_H

#include "reserve.h"
#include "server/door/acceptor.h"
#include "server/settings/command_line.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* The exit status of a stop that had to cut a connection: EX_TEMPFAIL. */
#define COORDINATOR_STATUS_CUT 75

enum handover {
	HANDOVER_NO,
	HANDOVER_ASKED,
	HANDOVER_GOES_ON, /* a successor is being started */
	HANDOVER_DONE,    /* it serves */
};

struct coordinator {                        /* fields belong to it, stop.c and handover.c */
	const struct server *server;        /* [const] */
	const struct command_line *command; /* [const] */
	struct acceptor *acceptors;         /* [const] */
	const struct listener *listeners;   /* [const] as they were opened, one for each acceptor */
	size_t acceptor_count;              /* [const] of both */
	const char *program;                /* [const] what a successor is started from */
	size_t *places; /* [its thread] room for as many: the acceptor of each socket handed over */
	int64_t outlived_until_ns; /* [its thread] what is left then, with a successor there, is stopped */
	enum handover handover; /* [its thread] */
	struct settings
		*settings;      /* [its thread] during a stop or handover: those that hold for it */
	pthread_t thread;       /* [const] once started */
	struct reserve reserve; /* [its thread] */
	bool grace;             /* [its thread] the stop began with SIGTERM */
	unsigned stops_asked;   /* [its thread] SIGTERM and SIGINT so far */
	size_t woken;           /* [its thread] idle connections */
	size_t cut;             /* [its thread] connections that were owed an answer */
	unsigned left; /* [result] workers that did not end: main must not return from under them */
};

/*
 * Start the thread.  The acceptors' threads are started and are joined only after this one.
 * Returns 0 or -errno.
 */
int coordinator_start(struct coordinator *c);

/*
 * Wait for the stop to be over.  Returns the exit status: EX_OK, COORDINATOR_STATUS_CUT or
 * EX_OSERR.
 */
int coordinator_join(struct coordinator *c);

/* Tell the service manager that we serve, and where. */
void coordinator_notify_ready(const struct coordinator *c);

/*
 * For stop.c and handover.c, in its thread: take one signal, waiting for it until deadline_ns, and
 * do what it asks for.  Returns false if none came.
 */
bool coordinator_take_signal(struct coordinator *c, int64_t deadline_ns);

/* Take those that are there.  True: a stop has been asked for twice. */
bool coordinator_is_forced(struct coordinator *c);

/* Knock at every acceptor that is not done. */
void coordinator_knock(struct coordinator *c);

/*
 * From the first call until the second, where descriptors are short, those that are kept for a
 * change are there for it; an acceptor that was about to accept may still take one.
 */
void coordinator_spend_reserve(struct coordinator *c);
void coordinator_renew_reserve(struct coordinator *c);

/* Ask for a stop from inside the process, as SIGINT would. */
void coordinator_ask_stop(void);

#endif
