/* SPDX-License-Identifier: ISC */
/*
 * server - a server as a child of this process: its start, what it has used, its end.
 *
 * If this process dies, the kernel ends its children.
 */
#ifndef BOBBIN_BENCH_SERVER_H
#define BOBBIN_BENCH_SERVER_H

#include "cases.h"

#include <netinet/in.h>
#include <sys/types.h>

#define WITH_MAX 8

struct programs {
	char folder[256];           /* of this program; those of the build are found from it */
	const char *old;            /* an older bobbind, or NULL */
	const char *with[WITH_MAX]; /* NAME=VALUE, for bobbind but not for the old one */
	size_t with_count;
};

struct child {     /* zeroed is none */
	pid_t pid; /* 0: none, or reaped */
	int pidfd;
	int log_fd; /* of a file in memory, so that a log costs what a file costs */
	in_port_t port;
};

const char *server_name(enum server s);

/* The path of its program; the text is kept until the next call. */
const char *server_program(enum server s, const struct programs *p);

/* What bobbind and bobbin-load call the services. */
extern const char *const service_names[];

/*
 * Start it for a case, and wait until it listens.  Returns whether it does; server_end() is owed in
 * each case.
 */
bool server_start(
	struct child *c, enum server s, const struct bench_case *of, const struct programs *p);

/* Wait for its end, at most so long.  It must have been started. */
bool server_has_ended(const struct child *c, int wait_ms);

/* Wait until it has dealt with the connections of the last run, and forget its log. */
void server_rest(struct child *c);

/* Processor time of all its threads, those that have ended too. */
double server_cpu_ns(const struct child *c);

struct memory {
	double resident_bytes; /* counted exactly, which takes a while */
	double kernel_bytes; /* for threads and sockets: the whole system's, so others disturb it */
};

struct memory server_memory(const struct child *c);

/* End it, politely at first.  Takes a zeroed one. */
void server_end(struct child *c);

#endif
