/* SPDX-License-Identifier: ISC */
/*
 * settings - all that was chosen, in one set that does not change once it is loaded.
 *
 * options.c has the row of each field: its key, type, range, default and meaning.
 *
 * A set is counted: whoever uses it holds it, and the last one to let go of it frees it.  So a
 * reload takes nothing away from the connections that began with the old set.
 *
 * Threads:  filled in by one thread; from then on everybody's to read, hold and let go.
 */
#ifndef BOBBIN_SERVER_SETTINGS_SETTINGS_H
#define BOBBIN_SERVER_SETTINGS_SETTINGS_H

#include "common/address.h"
#include "common/stream.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct block_list;
struct service;
struct settings;

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
	struct settings *settings; /* the set that it is part of */
	int64_t max_connections;   /* of this listener; 0: no bound of its own */
	int64_t policy;            /* enum limit_policy */
	char *allow;               /* blocks (common/block.h), as text and read */
	char *deny;
	struct block_list *allowed;
	struct block_list *denied;
	char *banner;            /* templates (template.h): the line service's first line, */
	char *prefix;            /* and what stands before its replies */
	int64_t backlog;         /* listen(2) */
	int64_t nodelay;         /* TCP_NODELAY, 0 or 1 */
	int64_t dead_after_ns;   /* a silent network is a dead peer after so long; 0: never */
	char *congestion;        /* TCP_CONGESTION; "": the system's */
	int64_t defer_accept_ns; /* TCP_DEFER_ACCEPT; 0: accept at once */
	int64_t reuse_port;      /* SO_REUSEPORT, 0 or 1 */
	bool from_supervisor;    /* nobody named it: a supervisor passed its socket */
};

/* In the order of the words of the option threads.schedule. */
enum thread_schedule {
	SCHEDULE_LATENCY,    /* SCHED_OTHER */
	SCHEDULE_THROUGHPUT, /* SCHED_BATCH */
};

/* In the order of the words of the option limits.policy. */
enum limit_policy {
	LIMIT_WAIT,   /* at the limit clients stay in the accept queue */
	LIMIT_REFUSE, /* they are told, and closed */
};

struct settings {
	atomic_uint holders; /* [atomic] */
	char *instance;      /* what this server calls itself; "": the host's name */
	int64_t max_connections;
	int64_t per_address; /* connections of one source at once; 0: no bound */
	int64_t rate;        /* new connections of one source a second; 0: no bound */
	int64_t burst;       /* so many of them may come together */
	int64_t thread_stack_bytes;
	int64_t thread_schedule; /* enum thread_schedule */
	int64_t threads_parked;  /* at most so many wait for their next connection */
	int64_t park_time_ns;
	int64_t drain_grace_ns;      /* keep accepting so long after SIGTERM */
	int64_t drain_first_ns;      /* the age at which a connection that said nothing is idle */
	int64_t drain_timeout_ns;    /* for answering what had arrived */
	int64_t drain_force_ns;      /* for the threads of what was cut to end */
	int64_t handover_timeout_ns; /* for a successor to be ready */
	int64_t handover_drain_ns;   /* for the connections that are left behind then */
	int64_t log_level;           /* enum log_level */
	int64_t log_format;          /* enum log_format */

	struct endpoint defaults; /* what a listener does not say itself */
	struct endpoint *endpoints;
	size_t endpoint_count;
	bool built_in_listener; /* the one endpoint is that of a server of which nobody asked any */
};

/*
 * A set with every row at its default and no listener, held once by the caller.  Never NULL:
 * without memory the process ends.
 */
struct settings *settings_new(void);

/* Hold it once more.  Returns it. */
struct settings *settings_hold(struct settings *s);

/* Let go of it once; the last one frees it.  Takes NULL. */
void settings_release(struct settings *s);

/*
 * A new endpoint at the end of the set, a copy of its defaults.  Valid until the next call.
 */
struct endpoint *settings_add_endpoint(struct settings *s);

/*
 * The same with the listener's own keys as those of an endpoint of another set: name, network,
 * address and what else only a listener has.
 */
struct endpoint *settings_add_copy(struct settings *s, const struct endpoint *of);

/* Drop all endpoints. */
void settings_clear_endpoints(struct settings *s);

/*
 * Look over one key of an endpoint whose keys are set, and derive what follows from it: where, service
 * and terms.framing, a name if it has none.  Call it for each, from 0 on, until *key is NULL.
 * Returns NULL, or a sentence that says what is wrong with *key, in static memory.
 */
const char *settings_check_endpoint(
	struct settings *s, struct endpoint *e, unsigned check, const char **key);

/* All of them.  Returns the first mistake, or NULL. */
const char *settings_finish_endpoint(struct settings *s, struct endpoint *e, const char **key);

/* The endpoint of s that is the same listener as e: name, network and address.  NULL: none is. */
const struct endpoint *settings_find_endpoint(const struct settings *s, const struct endpoint *e);

#endif
