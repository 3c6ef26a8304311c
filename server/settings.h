/* SPDX-License-Identifier: ISC */
/*
 * settings - all that was chosen, in one set that does not change once it is loaded.
 *
 * options.c has the row of each field: its key, type, range, default and meaning.
 *
 * Threads:  filled in by one thread; from then on everybody's to read.
 */
#ifndef BOBBIN_SERVER_SETTINGS_H
#define BOBBIN_SERVER_SETTINGS_H

#include "common/address.h"
#include "common/stream.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct service;

/*
 * One listener and what holds for its connections.  Numbers are int64_t, whatever they count,
 * because the rows are read and written by one piece of code.
 */
struct endpoint {
	char *name; /* for the log, and for a supervisor that passes sockets by name */
	char *service_name;
	char *address;   /* as it was written */
	int64_t network; /* enum network */
	struct host_port where;
	const struct service *service;
	struct stream_terms terms;
	char *prefix;          /* of the line service's replies */
	int64_t backlog;       /* listen(2) */
	int64_t nodelay;       /* TCP_NODELAY, 0 or 1 */
	int64_t dead_after_ns; /* a silent network is a dead peer after so long; 0: never */
};

struct settings {
	int64_t max_connections;
	int64_t thread_stack_bytes;
	int64_t threads_parked; /* at most so many wait for their next connection */
	int64_t park_time_ns;
	int64_t drain_grace_ns;   /* keep accepting so long after SIGTERM */
	int64_t drain_first_ns;   /* the age at which a connection that said nothing is idle */
	int64_t drain_timeout_ns; /* for answering what had arrived */
	int64_t drain_force_ns;   /* for the threads of what was cut to end */
	int64_t log_level;        /* enum log_level */
	int64_t log_format;       /* enum log_format */

	struct endpoint defaults; /* what a listener does not say itself */
	struct endpoint *endpoints;
	size_t endpoint_count;
	bool built_in_listener; /* the one endpoint is that of a server of which nobody asked any */
};

/*
 * A set with every row at its default and no listener.  Never NULL: without memory the process
 * ends.
 */
struct settings *settings_new(void);

/* Takes NULL. */
void settings_free(struct settings *s);

/*
 * A new endpoint at the end of the set, a copy of its defaults.  Valid until the next call.
 */
struct endpoint *settings_add_endpoint(struct settings *s);

/* Drop all endpoints. */
void settings_clear_endpoints(struct settings *s);

/*
 * Look over one key of an endpoint whose keys are set, and derive what follows from it: where, service
 * and terms.framing, a name if it has none.  Call it for each, from 0 on, until *key is NULL.
 * Returns NULL, or a sentence that says what is wrong with *key, in static memory.
 */
const char *settings_check_endpoint(
	struct settings *s, struct endpoint *e, unsigned check, const char **key);

/* All of them.  Returns the first fault, or NULL. */
const char *settings_finish_endpoint(struct settings *s, struct endpoint *e, const char **key);

#endif
