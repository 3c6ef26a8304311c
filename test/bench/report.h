/* SPDX-License-Identifier: ISC */
/*
 * report - what came out: as a table for a person, as JSON for a program, and as a picture.
 *
 * Each takes all cases and rows; those that were not selected have no outcome.
 */
#ifndef BOBBIN_BENCH_REPORT_H
#define BOBBIN_BENCH_REPORT_H

#include "growth.h"
#include "judge.h"

#include <stdio.h>

#define ROWS_MAX  48
#define CASES_MAX 32

struct report {
	const struct plan *plan;
	bool selected[ROWS_MAX];
	struct judgement judgements[ROWS_MAX];
	unsigned contestants[CASES_MAX]; /* bits of those that took part; 0: it was not run */
	struct outcome (*outcomes)[CONTESTANTS]; /* by case */
	struct growth growth;
	char conditions[512];
};

void report_print(FILE *to, const struct report *r);
void report_write_json(FILE *to, const struct report *r);
void report_write_svg(FILE *to, const struct report *r);

/* A figure with its unit: "61.2 k/s", "1.31 ms", "9.8 KiB". */
char *report_figure(enum metric m, double value, char *text, size_t size);

/* The words of a bound: ">= 0.97", "<= 5.00 ms". */
char *report_bound(const struct row *row, char *text, size_t size);

const char *report_metric_name(enum metric m);

#endif
