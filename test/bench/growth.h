/* SPDX-License-Identifier: ISC */
/*
 * growth - bobbind as its connections become more: rate, processor time and memory, as far as the
 * system lets it grow.
 */
#ifndef BOBBIN_BENCH_GROWTH_H
#define BOBBIN_BENCH_GROWTH_H

#include "contest.h"

#define GROWTH_STEPS 7

struct growth_step {
	uint32_t connections;
	double of[METRICS];    /* medians; NaN: not measured */
	double kernel;         /* bytes a connection: threads, and the sockets of both ends */
	char fault[FAULT_MAX]; /* "": none */
};

struct growth {
	struct growth_step steps[GROWTH_STEPS];
	size_t count;        /* 0: not measured */
	char end[FAULT_MAX]; /* why it ends before the last step; "": it does not */
};

/* Measure, in the rounds and times of the plan.  Returns 0, whatever came out, or -EINTR. */
int growth_measure(struct growth *g, const struct plan *plan);

/* About how long that takes, in ms. */
int64_t growth_takes_ms(const struct plan *plan);

/*
 * Find in bobbind's log how many connections the system allows, and which limit that is.  Returns 0
 * or -ENOENT; binding has room for size bytes.
 */
int growth_read_budget(const char *log, unsigned long *allowed, char *binding, size_t size);

#endif
