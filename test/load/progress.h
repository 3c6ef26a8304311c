/* SPDX-License-Identifier: ISC */
/*
 * progress - one line on standard error that is drawn again and again, if that is a terminal; else
 * nothing.
 *
 * Threads:  main.
 */
#ifndef BOBBIN_LOAD_PROGRESS_H
#define BOBBIN_LOAD_PROGRESS_H

#include "figures.h"

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool on;
	bool drawn; /* the line is on the screen */
	int64_t last_ns;
	uint64_t last_answered;
};

void progress_init(struct progress *p);

/* How long to wait between two lines, for poll(2); -1, for ever, if none is drawn. */
int progress_interval_ms(const struct progress *p);

/* Draw: elapsed time, rate since the last line, p99 so far, errors. */
void progress_draw(struct progress *p, const struct figures *f, int64_t elapsed_ns);

/* Take the line off the screen before something else is printed. */
void progress_clear(struct progress *p);

#endif
