/* SPDX-License-Identifier: ISC */
/*
 * cases - what is compared, and what must be reached.
 *
 * A case is one load on several servers; a row is one bound on a figure of a case.  The servers of a
 * case are those that its rows name.
 */
#ifndef BOBBIN_BENCH_CASES_H
#define BOBBIN_BENCH_CASES_H

#include "verdict.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum server {
	BOBBIND,     /* as it is by default, but for the number of connections */
	OLD,         /* an older bobbind */
	QUIET,       /* without the records of connections */
	THROUGHPUT,  /* with threads.schedule=throughput */
	SPIN,        /* with threads.spin */
	FLOOR,       /* the least program of bobbind's architecture */
	LOOP,        /* epoll, one thread */
	GO_PLAIN,    /* as tutorials write it; raw is Read and Write */
	GO_BUFFERED, /* buffers, flushed before it blocks */
	GO_COPY,     /* io.Copy */
	SERVERS,
	NONE = SERVERS,
};

enum service {
	RAW,
	LINE,
	FRAME,
};

enum metric {
	RATE,       /* replies a second */
	P50,        /* ns */
	P99,        /* ns */
	SERVER_CPU, /* ns a reply, opening and closing included */
	RESIDENT,   /* bytes a connection */
	MEMORY,     /* the same with the kernel's share, and the sockets of both ends */
	METRICS,
};

enum kind {
	CLOSED_LOOP, /* each connection sends as soon as it is answered */
	OPEN_LOOP,   /* messages come at half of the rate at which floor answers in a closed loop */
	AT_ONCE,     /* each connection sends one message, all at the same time */
	RESTING,     /* memory of connections that have talked */
};

struct bench_case {
	const char *name;
	enum kind kind;
	enum service service;
	unsigned connections;
	unsigned in_flight;
	unsigned bytes;
	unsigned per_connection; /* messages; 0: connections stay */
	unsigned threads;        /* of the client */
};

struct row {
	const struct bench_case *of;
	enum metric metric;
	enum server subject; /* whose figure it is */
	enum server against; /* the figure is a ratio to this server's; NONE: it stands alone */
	enum sense sense;
	double bound; /* in the unit of the metric where the figure stands alone */
	bool quick;   /* a quick look has it, too */
};

extern const struct row rows[];
extern const size_t row_count;

#define ROWS_MAX 48

/*
 * The rows for judging a change: each figure of bobbind that a row looks at is held against the old
 * bobbind's, and must not be more than 2 % worse.  Returns how many there are.
 */
size_t cases_pairs(struct row pairs[ROWS_MAX]);

#endif
