/* SPDX-License-Identifier: ISC */
/* report - the table for a person. */
#include "report.h"

#include <math.h>
#include <string.h>

/* Figures. */

static char *scaled(double value, const char *const *units, double step, char *text, size_t size)
{
	while (value >= step && units[1]) {
		value /= step;
		units++;
	}
	snprintf(text, size, "%.*f%s", value < 10 ? 2 : value < 100 ? 1 : 0, value, *units);
	return text;
}

char *report_figure(enum metric m, double value, char *text, size_t size)
{
	static const char *const rates[] = {"/s", " k/s", " M/s", NULL};
	static const char *const times[] = {" ns", " us", " ms", " s", NULL};
	static const char *const sizes[] = {" B", " KiB", " MiB", NULL};
	static const char *const numbers[] = {"", NULL};

	if (isnan(value)) {
		snprintf(text, size, "-");
		return text;
	}
	switch (m) {
	case RATE:
		return scaled(value, rates, 1000, text, size);
	case P50:
	case P99:
	case SERVER_CPU:
	case CLIENT_CPU:
		return scaled(value, times, 1000, text, size);
	case RESIDENT:
	case MEMORY:
		return scaled(value, sizes, 1024, text, size);
	default:
		return scaled(value, numbers, 1000, text, size);
	}
}

const char *report_metric_name(enum metric m)
{
	static const char *const names[METRICS] = {
		[RATE] = "replies_per_s",
		[P50] = "p50_ns",
		[P99] = "p99_ns",
		[SERVER_CPU] = "server_cpu_ns_per_reply",
		[CLIENT_CPU] = "client_cpu_ns_per_message",
		[RESIDENT] = "resident_bytes_per_connection",
		[MEMORY] = "memory_bytes_per_connection",
		[MESSAGE_CALLS] = "calls_per_message",
		[OPENING_CALLS] = "calls_per_connection",
	};

	return names[m];
}

/* A ratio, or a figure that stands alone. */
static char *measured(const struct row *row, double value, char *text, size_t size)
{
	if (row->against == NOBODY)
		return report_figure(row->metric, value, text, size);
	snprintf(text, size, isnan(value) ? "-" : "%.*f", value < 10 ? 2 : 1, value);
	return text;
}

char *report_bound(const struct row *row, char *text, size_t size)
{
	char value[32];

	snprintf(text, size, "%s %s", row->sense == AT_LEAST ? ">=" : "<=",
		measured(row, row->bound, value, sizeof value));
	return text;
}

/* Rows. */

static void print_row(FILE *to, const struct row *row, const struct judgement *j)
{
	char value[32];
	char low[32];
	char high[32];
	char bound[48];
	char own[32];
	char other[32];
	char between[80];

	snprintf(between, sizeof between, "%s to %s", measured(row, j->spread.q1, low, sizeof low),
		measured(row, j->spread.q3, high, sizeof high));
	fprintf(to, "%-4s %-45s %-28s", row->id, row->of->name, row->what);
	if (j->why) {
		fprintf(to, " %s: %s%s%s\n", verdict_name(j->verdict), contestant_name(j->whose),
			j->whose == NOBODY ? "" : ": ", j->why);
		return;
	}
	fprintf(to, " %9s  %-20s %-11s %-7s %9s %9s%s\n",
		measured(row, j->spread.median, value, sizeof value), between,
		report_bound(row, bound, sizeof bound), verdict_name(j->verdict),
		report_figure(row->metric, j->own, own, sizeof own),
		report_figure(row->metric, j->other, other, sizeof other),
		j->client_limited ? "  *" : "");
}

static void print_rows(FILE *to, const struct report *r)
{
	bool limited = false;

	fprintf(to, "%-4s %-45s %-28s %9s  %-20s %-11s %-7s %9s %9s\n", "row", "case", "measured",
		"median", "quartiles", "bound", "", "own", "other");
	for (size_t i = 0; i < row_count; i++) {
		if (!r->selected[i])
			continue;
		print_row(to, &rows[i], &r->judgements[i]);
		limited |= r->judgements[i].client_limited;
	}
	if (limited)
		fputs("*    the client was at its limit: look at the server's processor time below\n",
			to);
}

/* Cases. */

static void print_outcome(FILE *to, enum contestant who, const struct outcome *o)
{
	static const enum metric columns[] = {
		RATE, P50, P99, SERVER_CPU, CLIENT_CPU, RESIDENT, MEMORY};
	char text[32];

	fprintf(to, "     %-20s", contestant_name(who));
	if (o->fault[0]) {
		fprintf(to, " %s: %s\n", o->absent ? "left out" : "invalid", o->fault);
		return;
	}
	for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
		enum metric m = columns[i];
		double median = spread_of(o->of[m], o->count).median;
		fprintf(to, " %10s", report_figure(m, median, text, sizeof text));
	}
	fputs(o->client_limited ? "  client at its limit\n" : "\n", to);
	if (o->note[0])
		fprintf(to, "       %s\n", o->note);
}

static void print_cases(FILE *to, const struct report *r)
{
	fprintf(to, "\nmedians of the runs\n     %-20s %10s %10s %10s %10s %10s %10s %10s\n", "",
		"rate", "p50", "p99", "server cpu", "client cpu", "resident", "in all");
	for (size_t c = 0; c < bench_case_count; c++) {
		if (!r->contestants[c])
			continue;
		fprintf(to, "%s\n", bench_cases[c].name);
		for (int who = 0; who < CONTESTANTS; who++) {
			if (r->contestants[c] & BIT(who))
				print_outcome(to, who, &r->outcomes[c][who]);
		}
	}
}

/* Growth. */

static void print_step(FILE *to, const struct growth_step *s)
{
	static const enum metric columns[] = {RATE, SERVER_CPU, RESIDENT};
	char text[32];

	fprintf(to, "%11u", s->connections);
	if (s->fault[0]) {
		fprintf(to, "  invalid: %s\n", s->fault);
		return;
	}
	for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
		fprintf(to, " %11s",
			report_figure(columns[i], s->of[columns[i]], text, sizeof text));
	fprintf(to, " %11s\n", report_figure(MEMORY, s->kernel, text, sizeof text));
}

static void print_growth(FILE *to, const struct growth *g)
{
	fprintf(to,
		"\nbobbind, line, as its connections become more; memory for each of them\n"
		"%11s %11s %11s %11s %11s\n",
		"connections", "rate", "server cpu", "resident", "kernel's");
	for (size_t i = 0; i < g->count; i++)
		print_step(to, &g->steps[i]);
	if (g->end[0])
		fprintf(to, "it ends here: %s\n", g->end);
}

static bool has_rows(const struct report *r)
{
	for (size_t i = 0; i < row_count; i++) {
		if (r->selected[i])
			return true;
	}
	return false;
}

void report_print(FILE *to, const struct report *r)
{
	if (has_rows(r)) {
		fputc('\n', to);
		print_rows(to, r);
		print_cases(to, r);
	}
	if (r->growth.count > 0 || r->growth.end[0])
		print_growth(to, &r->growth);
}
