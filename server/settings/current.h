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

/* The settings in force, held for the caller, who releases them. */
struct settings *current_hold(struct current *c);

/*
 * From now on others are in force.  Takes over the caller's hold on s.  To put the same ones in
 * force again makes every listener set its options anew.
 */
void current_replace(struct current *c, struct settings *s);

/* Which ones are in force, for a cheap look whether they are still the same. */
unsigned current_version(struct current *c);

#endif
