/* SPDX-License-Identifier: ISC */
/* contestant - the servers that are compared, and how each is started. */
#ifndef BOBBIN_BENCH_CONTESTANT_H
#define BOBBIN_BENCH_CONTESTANT_H

#include <stdbool.h>
#include <stddef.h>

enum contestant {
	BOBBIND,       /* as it is by default, but for the number of connections */
	BOBBIND_QUIET, /* without the records of connections */
	BOBBIND_BATCH, /* with threads.schedule for throughput */
	BOBBIND_DEFER, /* with tcp.defer_accept */
	BOBBIND_RENO,  /* with that congestion control */
	BOBBIND_SPIN,  /* with threads.spin */
	FLOOR,
	GO_PLAIN,    /* as tutorials write it; raw is Read and Write */
	GO_BUFFERED, /* buffers, flushed before it blocks */
	GO_COPY,     /* io.Copy */
	LOOP,        /* epoll, one thread */
	FLOOR_BARE,  /* the same process as FLOOR, but loaded by the bare client */
	LOOP_BARE,   /* LOOP, likewise */
	CONTESTANTS,
	NOBODY = CONTESTANTS, /* a figure that is compared with no other server's */
};

enum service {
	RAW,
	LINE,
	FRAME,
};

/* The programs, as paths. */
struct programs {
	char bobbind[512];
	char bobbin_load[512];
	char bare[512];
	char floor[512];
	char loop[512];
	char go[512];
};

/* Those of the build that this program is in. */
int programs_find(struct programs *p);

const char *contestant_name(enum contestant c);

/* Can it be run here? */
bool contestant_is_there(enum contestant c, const struct programs *p);

/* Whose process it is: another's if only the client differs. */
enum contestant contestant_server(enum contestant c);

#define CONTESTANT_ARGUMENTS 16

/*
 * The command that serves, for messages of at most bytes.  The arguments point into *p and static
 * memory, until the next call.
 */
void contestant_command(enum contestant c, const struct programs *p, enum service service,
	size_t bytes, const char *argv[CONTESTANT_ARGUMENTS]);

/* What the load client calls the service. */
const char *service_name(enum service s);

#endif
