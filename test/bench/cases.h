/* SPDX-License-Identifier: ISC */
/*
 * cases - what is measured, and what must be reached.
 *
 * A case is one load on several servers; a row is one bound on a figure of a case, so that several
 * rows can look at the same runs.
 */
#ifndef BOBBIN_BENCH_CASES_H
#define BOBBIN_BENCH_CASES_H

#include "contestant.h"
#include "verdict.h"

#include <stdbool.h>
#include <stdint.h>

enum metric {
	RATE,          /* replies a second */
	P50,           /* ns */
	P99,           /* ns */
	SERVER_CPU,    /* ns a reply */
	CLIENT_CPU,    /* ns a message */
	RESIDENT,      /* bytes a connection */
	MEMORY,        /* the same with the kernel's share, both ends' sockets */
	MESSAGE_CALLS, /* system calls a message */
	OPENING_CALLS, /* system calls a connection and its one message, the hand-over's not counted */
	METRICS,
};

enum kind {
	LOAD,  /* rates and latencies under load */
	IDLE,  /* memory of connections that have talked */
	CALLS, /* system calls, counted with strace(1) */
};

struct bench_case {
	const char *name;
	enum kind kind;
	enum service service;
	uint32_t connections;
	uint32_t in_flight;
	uint32_t bytes;
	uint32_t per_connection; /* 0: connections stay */
	uint32_t threads;        /* of the client */
	bool at_once;            /* each connection sends one message, all at the same time */
	const struct bench_case *half_of; /* open loop at half of floor's rate in that case */
	bool whole;                       /* left out of a quick look */
	unsigned contestants;             /* bits */
};

#define BIT(contestant) (1U << (contestant))

struct row {
	const char *id;
	const char *what;
	const struct bench_case *of;
	enum metric metric;
	enum contestant subject; /* whose figure it is */
	enum contestant
		against; /* the figure is a ratio to this server's; NOBODY: it stands alone */
	enum sense sense;
	double bound; /* in the unit of the metric where it stands alone */
};

extern const struct bench_case bench_cases[];
extern const size_t bench_case_count;
extern const struct row rows[];
extern const size_t row_count;

/* Descriptors that a server or the client needs for so many connections. */
#define DESCRIPTORS_SPARE 200

#endif
