/* SPDX-License-Identifier: ISC */
/* bench - what the connections of one thread work with: its clock, buffers, budget and figures. */
#ifndef BOBBIN_LOAD_BENCH_H
#define BOBBIN_LOAD_BENCH_H

#include "figures.h"
#include "schedule.h"
#include "settings.h"
#include "wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of each of the two buffers; bulk moves in pieces of this size. */
#define BENCH_BUFFER_BYTES ((size_t)128 * 1024)

struct bench {                           /* belongs to one thread */
	const struct settings *settings; /* [const] */
	const struct wire *wire;         /* [const] */
	const struct schedule *schedule; /* [const] */
	struct figures *figures;
	int epoll_fd;

	int64_t now_ns;     /* read once after each wait and after each recv */
	int64_t start_ns;   /* of the load; 0 before */
	int64_t measure_ns; /* messages meant for an earlier moment belong to the ramp */
	bool beginning;     /* messages may be begun; in an open loop, noticed */
	bool marked;        /* the mark has been taken */

	uint64_t budget;      /* messages that may still be begun; in an open loop, noticed */
	uint64_t outstanding; /* begun, and not yet ended in any way */
	uint64_t owed;        /* open loop: noticed to be due, and not begun */

	char *in; /* BENCH_BUFFER_BYTES each; hold nothing between events */
	char *out;
};

#endif
