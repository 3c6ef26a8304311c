/* SPDX-License-Identifier: ISC */
/*
 * current - the settings in force, which a reload replaces as a whole.
 *
 * Threads:  any, after current_init().
 */
#ifndef BOBBIN_SERVER_SETTINGS_CURRENT_H
#define BOBBIN_SERVER_SETTINGS_CURRENT_H

#include "settings.h"

#include <pthread.h>
#include <stdatomic.h>

struct current { /* fields belong to current.c */
	pthread_mutex_t lock;
	struct settings *settings; /* [lock] held */
	atomic_uint version;       /* [atomic] another number after each current_replace() */
};

/* Takes over the caller's hold on s. */
void current_init(struct current *c, struct settings *s);

/* The settings in force, held for the caller, which releases them. */
struct settings *current_hold(struct current *c);

/*
 * Put other settings in force.  Takes over the caller's hold on s.  The same settings put in force
 * again make every listener set its options anew.
 */
void current_replace(struct current *c, struct settings *s);

/* A number to compare with an earlier one: it differs once other settings are in force. */
unsigned current_version(struct current *c);

#endif
