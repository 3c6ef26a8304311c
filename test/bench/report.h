/* SPDX-License-Identifier: ISC */
/* report - what came out: case by case as text for a person, and row by row as JSON for a program. */
#ifndef BOBBIN_BENCH_REPORT_H
#define BOBBIN_BENCH_REPORT_H

#include "contest.h"

#include <stdio.h>

#define REPORT_ROW_MAX 160

struct report {
	FILE *json; /* NULL: none is wanted */
	size_t rows;
	size_t states[STATES]; /* rows in each */
};

/* What a row says: "raw c=64: rate of bobbind to floor at least 0.97". */
char *report_row(const struct row *row, char text[REPORT_ROW_MAX]);

void report_begin(struct report *r, const struct plan *plan);
void report_case(struct report *r, const struct contest *c);
void report_end(struct report *r);

#endif
