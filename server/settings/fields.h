/* SPDX-License-Identifier: ISC */
/*
 * fields - what the operator can choose: each option's row (options.c) fills one field here.
 *
 * Threads:  one thread fills a set in; afterwards any thread may read it.
 */
#ifndef BOBBIN_SERVER_SETTINGS_FIELDS_H
#define BOBBIN_SERVER_SETTINGS_FIELDS_H

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
	int64_t dead_after_ns;   /* silence of the network after which a peer is dead; 0: never */
	char *congestion;        /* TCP_CONGESTION; "": the system's */
	int64_t defer_accept_ns; /* TCP_DEFER_ACCEPT; 0: accept at once */
	int64_t reuse_port;      /* SO_REUSEPORT, 0 or 1 */
	bool from_supervisor;    /* not configured: a supervisor passed its socket */
};

/* In the order of the words of the option threads.schedule. */
enum thread_schedule {
	SCHEDULE_LATENCY,    /* SCHED_OTHER */
	SCHEDULE_THROUGHPUT, /* SCHED_BATCH */
};

/* In the order of the words of the option limits.policy. */
enum limit_policy {
	LIMIT_WAIT,   /* at the limit clients stay in the accept queue */
	LIMIT_REFUSE, /* they get an error and are closed */
};

struct settings {
	atomic_uint holders; /* [atomic] */
	char *instance;      /* what this server calls itself; "": the host's name */
	int64_t max_connections;
	int64_t per_address; /* connections of one source at once; 0: no bound */
	int64_t rate;        /* new connections of one source a second; 0: no bound */
	int64_t burst;       /* how many of those may come at once */
	int64_t thread_stack_bytes;
	int64_t thread_schedule; /* enum thread_schedule */
	int64_t threads_parked;  /* most that wait for their next connection */
	int64_t park_time_ns;
	int64_t drain_grace_ns; /* how long to keep accepting after SIGTERM */
	int64_t drain_first_ns; /* the age up to which a connection that said nothing is not idle */
	int64_t drain_timeout_ns;    /* to answer what had arrived */
	int64_t drain_force_ns;      /* for the threads of connections that were cut */
	int64_t handover_timeout_ns; /* for a successor to get ready */
	int64_t handover_drain_ns;   /* for the connections that stay with the old server */
	int64_t log_level;           /* enum log_level */
	int64_t log_format;          /* enum log_format */

	struct endpoint defaults; /* what holds for a listener that does not override it */
	struct endpoint *endpoints;
	size_t endpoint_count;
	bool built_in_listener; /* the one endpoint is the default: none was configured */
};

#endif
