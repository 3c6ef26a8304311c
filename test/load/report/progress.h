/* SPDX-License-Identifier: ISC */
/*
 * progress - one line on standard error that is drawn again and again, if that is a terminal; else
 * nothing.
 *
 * Threads:  main.
 */
#ifndef BOBBIN_LOAD_PROGRESS_H
#define BOBBIN_LOAD_PROGRESS_H

#include "test/load/figures/figures.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress { /* fields belong to progress.c; some 530 KiB */
	bool on;
	bool dumb;    /* the terminal knows no escape sequences */
	size_t drawn; /* columns of the line on the screen */
	int64_t last_ns;
	uint64_t last_answered;
	struct histogram last;  /* the latencies at the last line, */
	struct histogram since; /* and those since */
};

/* quiet: nothing is ever drawn. */
void progress_init(struct progress *p, bool quiet);

/* How long to wait between two lines, for poll(2); -1, for ever, if none is drawn. */
int progress_interval_ms(const struct progress *p);

/* Draw how many of the connections are open. */
void progress_draw_opening(struct progress *p, const struct figures *f, uint64_t connections);

/* Draw elapsed time, rate and p99 since the last line, and errors. */
void progress_draw(struct progress *p, const struct figures *f, int64_t elapsed_ns);

/* Take the line off the screen before something else is printed. */
void progress_clear(struct progress *p);

#endif
