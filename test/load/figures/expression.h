/* SPDX-License-Identifier: ISC */
/*
 * expression - a bound on a result: "p99 > 5ms" says when a run has failed.
 *
 *   METRIC RELATION VALUE
 *
 * Metrics: p50, p99.9 and any other percentile, mean, max (durations); errors, mismatches, lost,
 * not_sent, cut_off, due, sent, answered (counts, or with % a share of the messages due); rate.
 * The percentiles are those of the latency; "actual." "connect." and "first_byte." before one name
 * the other histograms.  What never came is slower than any duration.
 *
 * Threads:  any.
 */
#ifndef BOBBIN_LOAD_EXPRESSION_H
#define BOBBIN_LOAD_EXPRESSION_H

#include "figures.h"

#include <stdbool.h>
#include <stddef.h>

#define EXPRESSION_TEXT_MAX 96

struct expression {
	char text[EXPRESSION_TEXT_MAX]; /* as it was written */
	size_t subject;                 /* row of the histogram, or of the count or rate */
	double percentile;              /* of a histogram; -1: the mean, -2: the maximum */
	size_t relation;
	bool duration; /* subject is a histogram */
	bool share;    /* the value is in % of the messages due */
	double value;  /* in ns, messages, messages a second or % */
};

/* Those by which a run is judged: it has failed if one of them holds. */
#define EXPRESSION_BOUNDS_MAX 32

struct bounds {
	struct expression of[EXPRESSION_BOUNDS_MAX];
	size_t count;
};

/* Read text.  Returns 0, or -EINVAL with *mistake a constant sentence and *out as it was. */
int expression_parse(const char *text, struct expression *out, const char **mistake);

/* What the expression is about, in the unit of its value; rate is the run's throughput in replies a
 * second. */
double expression_measure(const struct expression *e, const struct figures *f, double rate);

/* False if it is about durations of which there are none. */
bool expression_is_measured(const struct expression *e, const struct figures *f);

/* True if the relation holds between what was measured and the value: the run has failed. */
bool expression_holds(const struct expression *e, double measured);

/* True if the time that things took is in it, so that a schedule not kept spoils it. */
bool expression_is_timed(const struct expression *e);

/* True if it is about messages that were not sent. */
bool expression_is_on_not_sent(const struct expression *e);

/* The unit of what is measured: "ns", "/s", "%" or "". */
const char *expression_unit(const struct expression *e);

/* The metrics, for people. */
#define EXPRESSION_METRICS                                                                         \
	"p99 (or another percentile), mean, max, each also after actual., connect. or "            \
	"first_byte.; errors, mismatches, lost, not_sent, cut_off, due, sent, answered; rate"

/* "p99 > 5ms: it was 7.2 ms, 44 % beyond" for an expression that holds.  Returns text. */
char *expression_explain(const struct expression *e, double measured, char *text, size_t size);

#endif
