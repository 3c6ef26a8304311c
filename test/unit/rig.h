/* SPDX-License-Identifier: ISC */
/*
 * rig - the parts of a server as main() puts them together, without its threads.
 */
#ifndef BOBBIN_TEST_UNIT_RIG_H
#define BOBBIN_TEST_UNIT_RIG_H

#include "common/barrier.h"
#include "server/door/acceptor.h"
#include "server/settings/settings.h"
#include "server/work/registry.h"
#include "server/work/worker.h"

#include <stdbool.h>
#include <stddef.h>

/* One in a process; static, for detached threads use it to the very end. */
struct rig {
	struct settings *settings;
	struct current current;
	struct registry registry;
	struct counters counters;
	struct admission admission;
	struct identity identity;
	struct workers workers;
	struct barrier busy;
	struct barrier accepting;
	struct server server; /* all of these */
	struct quota quota;   /* of the first endpoint */
};

extern struct rig rig;

/* Default settings, to be changed before rig_build(). */
void rig_begin(void);

/* Set an option, or the test fails. */
void rig_set(const char *key, const char *value);

/* A listener's settings at this address, for this service. */
struct endpoint *rig_add_endpoint(const char *address, const char *service);

/* Signals blocked as in main(), and every part initialised.  The settings are the current ones. */
void rig_build(void);

/* The socket becomes a connection of the first endpoint, and a thread's.  Returns
 * worker_dispatch()'s result. */
int rig_serve(int fd);

/* Wait until every connection has ended, or the test fails. */
void rig_await_rest(void);

/* Wait until so many threads are parked. */
void rig_await_parked(int64_t count);

/* A count as it is now. */
uint64_t rig_count(enum counter row);

/* accepted = active + ended + refused, or the test fails. */
void rig_check_sum(void);

/*
 * Look again and again, giving the processor away in between, until what is looked for is there;
 * the test fails if it does not come.
 */
void await(bool (*is_there)(void *of), void *of);

#endif
