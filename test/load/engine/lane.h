/* SPDX-License-Identifier: ISC */
/* lane - what the connections of one thread work with: its clock, buffers, budget and figures. */
#ifndef BOBBIN_LOAD_LANE_H
#define BOBBIN_LOAD_LANE_H

#include "schedule.h"
#include "test/load/figures/figures.h"
#include "test/load/settings/settings.h"
#include "test/load/wire/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of each of the two buffers; bulk moves in pieces of this size. */
#define LANE_BUFFER_BYTES ((size_t)128 * 1024)

/* A thread does little between two looks at the clock.  If more time than this has passed, the
 * thread stood still: it was stopped, or had no processor. */
#define LANE_STALL_NS (INT64_C(50) * 1000000)

/* So many of the last stalls are remembered. */
#define LANE_STALLS 16

struct lane_stall {
	int64_t from_ns;
	int64_t to_ns;
};

struct lane {                            /* belongs to one thread */
	const struct settings *settings; /* [const] */
	const struct wire *wire;         /* [const] */
	const struct schedule *schedule; /* [const] */
	struct figures *figures;
	int epoll_fd;

	int64_t now_ns;     /* the last look at the clock */
	int64_t start_ns;   /* of the load; 0 before */
	int64_t measure_ns; /* messages meant for an earlier moment belong to the ramp */
	int64_t end_ns;     /* replies that come later count for no rate; never, if not known */
	bool beginning;     /* messages may be begun; in an open loop, come due */
	bool marked;        /* the mark has been taken */

	uint64_t budget;      /* messages that will come due; UINT64_MAX: no bound */
	uint64_t outstanding; /* begun, and not ended in any way */
	uint64_t owed;        /* due, and neither begun nor given up */

	struct lane_stall stalls[LANE_STALLS]; /* the newest at stall_count - 1, round and round */
	unsigned stall_count;

	char *in; /* LANE_BUFFER_BYTES each; hold nothing between events */
	char *out;
};

/* Look at the clock.  Since the last look the thread meant to wait for waited_ns at most. */
void lane_look(struct lane *lane, int64_t waited_ns);

/* True if what happens now counts for the rates. */
bool lane_is_measuring(const struct lane *lane);

/* How long the thread stood still between a moment and the last look. */
int64_t lane_stalled_since(const struct lane *lane, int64_t moment_ns);

/* Record the time from a moment until the last look in all; and in own, too, if the thread stood
 * still for more than half of it. */
void lane_record(
	const struct lane *lane, struct histogram *all, struct histogram *own, int64_t moment_ns);

/* True if so much time has passed since a moment, not counting how long the thread stood still. */
bool lane_has_passed(const struct lane *lane, int64_t moment_ns, int64_t duration_ns);

#endif
