/* SPDX-License-Identifier: ISC */
/* expression - a bound on a result. */
#include "expression.h"

#include "common/quantity.h"
#include "test/load/text/rate.h"
#include "test/load/text/text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PERCENTILE_MEAN (-1.0)
#define PERCENTILE_MAX  (-2.0)

static const struct {
	const char *prefix;
	size_t offset;
} histograms[] = {
	{"", offsetof(struct figures, latency)},
	{"actual.", offsetof(struct figures, actual)},
	{"connect.", offsetof(struct figures, connect)},
	{"first_byte.", offsetof(struct figures, first_byte)},
};

enum source {
	SOURCE_FIELD, /* a uint64_t of the figures */
	SOURCE_ERRORS,
	SOURCE_MISMATCHES,
	SOURCE_NOT_SENT,
	SOURCE_RATE,
};

static const struct {
	const char *name;
	enum source source;
	size_t offset;
} counts[] = {
	{"errors", SOURCE_ERRORS, 0},
	{"mismatches", SOURCE_MISMATCHES, 0},
	{"rate", SOURCE_RATE, 0},
	{"not_sent", SOURCE_NOT_SENT, 0},
	{"due", SOURCE_FIELD, offsetof(struct figures, due)},
	{"sent", SOURCE_FIELD, offsetof(struct figures, sent)},
	{"answered", SOURCE_FIELD, offsetof(struct figures, answered)},
	{"lost", SOURCE_FIELD, offsetof(struct figures, lost)},
	{"cut_off", SOURCE_FIELD, offsetof(struct figures, cut_off)},
};

static bool above(double a, double b)
{
	return a > b;
}

static bool at_least(double a, double b)
{
	return a >= b;
}

static bool below(double a, double b)
{
	return a < b;
}

static bool at_most(double a, double b)
{
	return a <= b;
}

static bool equal(double a, double b)
{
	return a == b;
}

static bool unequal(double a, double b)
{
	return a != b;
}

static const struct {
	const char *sign; /* the longer ones first: ">" also begins ">=" */
	bool (*holds)(double, double);
} relations[] = {
	{">=", at_least},
	{"<=", at_most},
	{"==", equal},
	{"!=", unequal},
	{">", above},
	{"<", below},
};

#define COUNT_OF(rows) (sizeof(rows) / sizeof *(rows))

/* Parsing: each part takes its own characters off the front, and returns false if they are not
 * there. */

static void skip_space(const char **p)
{
	while (isspace((unsigned char)**p))
		(*p)++;
}

static size_t word_len(const char *p)
{
	size_t len = 0;

	while (isalnum((unsigned char)p[len]) || p[len] == '.' || p[len] == '_')
		len++;
	return len;
}

/* A decimal number; strtod(3) would also take hexadecimal, infinity, and the locale's comma. */
static bool take_number(const char **p, double *value)
{
	size_t len = strspn(*p, "0123456789.");
	char *end;

	if (len == 0)
		return false;
	*value = strtod(*p, &end);
	if (end != *p + len)
		return false;
	*p = end;
	return true;
}

static bool parse_percentile(const char *name, size_t len, double *percentile)
{
	const char *p = name + 1;

	if (len == 4 && memcmp(name, "mean", 4) == 0)
		*percentile = PERCENTILE_MEAN;
	else if (len == 3 && memcmp(name, "max", 3) == 0)
		*percentile = PERCENTILE_MAX;
	else
		return *name == 'p' && take_number(&p, percentile) && p == name + len &&
			*percentile <= 100;
	return true;
}

static bool parse_histogram(const char *name, size_t len, struct expression *e)
{
	for (size_t i = COUNT_OF(histograms); i-- > 0;) {
		size_t prefix = strlen(histograms[i].prefix);
		if (len > prefix && memcmp(name, histograms[i].prefix, prefix) == 0) {
			e->subject = i;
			return parse_percentile(name + prefix, len - prefix, &e->percentile);
		}
	}
	return false;
}

static bool parse_count(const char *name, size_t len, struct expression *e)
{
	for (size_t i = 0; i < COUNT_OF(counts); i++) {
		if (strlen(counts[i].name) == len && memcmp(name, counts[i].name, len) == 0) {
			e->subject = i;
			return true;
		}
	}
	return false;
}

static bool take_metric(const char **p, struct expression *e)
{
	size_t len = word_len(*p);

	e->duration = parse_histogram(*p, len, e);
	if (!e->duration && !parse_count(*p, len, e))
		return false;
	*p += len;
	skip_space(p);
	return true;
}

static bool take_relation(const char **p, struct expression *e)
{
	for (size_t i = 0; i < COUNT_OF(relations); i++) {
		size_t len = strlen(relations[i].sign);
		if (strncmp(*p, relations[i].sign, len) == 0) {
			e->relation = i;
			*p += len;
			skip_space(p);
			return true;
		}
	}
	return false;
}

static const char *parse_duration(const char *text, struct expression *e)
{
	int64_t ns;

	if (quantity_parse_duration(text, &ns) < 0)
		return "the value is not a duration with a unit (" QUANTITY_DURATION_UNITS ")";
	e->value = (double)ns;
	return NULL;
}

static const char *parse_rate(const char *text, struct expression *e)
{
	struct rate rate;
	const char *wrong = rate_parse(text, &rate);

	if (!wrong)
		e->value = rate_per_s(&rate);
	return wrong;
}

static const char *parse_count_value(const char *text, struct expression *e)
{
	if (!take_number(&text, &e->value))
		return "the value is not a number";
	skip_space(&text);
	e->share = strcmp(text, "%") == 0;
	return e->share || *text == '\0' ? NULL : "the unit of a count can only be %";
}

static const char *parse_value(const char *text, struct expression *e)
{
	if (e->duration)
		return parse_duration(text, e);
	if (counts[e->subject].source == SOURCE_RATE)
		return parse_rate(text, e);
	return parse_count_value(text, e);
}

static const char *parse(const char *text, struct expression *e)
{
	const char *p = text;

	if (strlen(text) >= sizeof e->text)
		return "it is longer than 95 bytes";
	memcpy(e->text, text, strlen(text) + 1);
	skip_space(&p);
	if (!take_metric(&p, e))
		return "it does not begin with a metric: " EXPRESSION_METRICS;
	if (!take_relation(&p, e))
		return "no relation after the metric: one of > >= < <= == !=";

	char value[EXPRESSION_TEXT_MAX];
	size_t len = strlen(p);
	while (len > 0 && isspace((unsigned char)p[len - 1]))
		len--;
	memcpy(value, p, len);
	value[len] = '\0';
	return parse_value(value, e);
}

int expression_parse(const char *text, struct expression *out, const char **mistake)
{
	struct expression parsed = {.share = false};
	const char *wrong = parse(text, &parsed);

	if (wrong) {
		*mistake = wrong;
		return -EINVAL;
	}
	*out = parsed;
	return 0;
}

/* Evaluating. */

static const struct histogram *histogram_of(const struct expression *e, const struct figures *f)
{
	const char *base = (const char *)f;

	return (const struct histogram *)(const void *)(base + histograms[e->subject].offset);
}

bool expression_is_measured(const struct expression *e, const struct figures *f)
{
	return !e->duration || histogram_total(histogram_of(e, f)) > 0;
}

static double measure_duration(const struct expression *e, const struct figures *f)
{
	const struct histogram *h = histogram_of(e, f);

	/* A service that answers nothing breaks every bound on its latency.  If one reply never
	 * came, maximum and mean are infinite. */
	if (h->count == 0 || (h->never > 0 && e->percentile < 0))
		return INFINITY;
	if (e->percentile == PERCENTILE_MEAN)
		return histogram_mean(h);
	if (e->percentile == PERCENTILE_MAX)
		return (double)h->max_ns;
	int64_t ns = histogram_percentile(h, e->percentile);
	return ns == HISTOGRAM_NEVER ? INFINITY : (double)ns;
}

static double measure_count(const struct expression *e, const struct figures *f, double rate)
{
	const char *base = (const char *)f;

	switch (counts[e->subject].source) {
	case SOURCE_ERRORS:
		return e->share ? (double)figures_failed_messages(f)
				: (double)failure_errors(&f->failures);
	case SOURCE_NOT_SENT:
		return (double)figures_not_sent(f);
	case SOURCE_MISMATCHES:
		return (double)failure_mismatches(&f->failures);
	case SOURCE_RATE:
		return rate;
	case SOURCE_FIELD:
		break;
	}
	return (double)*(const uint64_t *)(const void *)(base + counts[e->subject].offset);
}

double expression_measure(const struct expression *e, const struct figures *f, double rate)
{
	if (e->duration)
		return measure_duration(e, f);
	double count = measure_count(e, f, rate);
	if (!e->share)
		return count;
	return f->due > 0 ? count * 100 / (double)f->due : 0;
}

bool expression_holds(const struct expression *e, double measured)
{
	return relations[e->relation].holds(measured, e->value);
}

bool expression_is_timed(const struct expression *e)
{
	return e->duration || counts[e->subject].source == SOURCE_RATE;
}

bool expression_is_on_not_sent(const struct expression *e)
{
	return !e->duration && counts[e->subject].source == SOURCE_NOT_SENT;
}

const char *expression_unit(const struct expression *e)
{
	if (e->duration)
		return "ns";
	if (e->share)
		return "%";
	return counts[e->subject].source == SOURCE_RATE ? "/s" : "";
}

static void format_measured(const struct expression *e, double measured, char *text, size_t size)
{
	char number[TEXT_NUMBER_MAX];

	if (isinf(measured))
		snprintf(text, size, "never");
	else if (e->duration)
		text_duration((int64_t)measured, text, size);
	else if (e->share)
		snprintf(text, size, "%.4g %%", measured);
	else if (counts[e->subject].source == SOURCE_RATE)
		snprintf(text, size, "%s/s", text_rate(measured, number, sizeof number));
	else
		snprintf(text, size, "%.0f", measured);
}

char *expression_explain(const struct expression *e, double measured, char *text, size_t size)
{
	char was[48];
	char by[48] = "";
	double distance = measured > e->value ? measured - e->value : e->value - measured;

	format_measured(e, measured, was, sizeof was);
	if (e->value > 0 && distance > 0 && !isinf(distance))
		snprintf(by, sizeof by, distance < e->value * 10 ? ", %.3g %% %s" : ", %.0f %% %s",
			distance * 100 / e->value, measured > e->value ? "above" : "below");
	snprintf(text, size, "%s: it was %s%s", e->text, was, by);
	return text;
}
