/* SPDX-License-Identifier: ISC */
/* report - the result for a person. */
#include "report.h"

#include "common/quantity.h"
#include "text.h"

#include <inttypes.h>
#include <string.h>

#define LABEL "%-13s"

static void print_endpoint(FILE *to, const struct endpoint *e)
{
	bool v6 = strchr(e->where.host, ':') != NULL;

	fprintf(to, v6 ? "[%s]:%u" : "%s:%u", e->where.host, (unsigned)e->where.port);
	fprintf(to, " (%s)", wire_service_name(e->service));
}

static void print_sizes(FILE *to, const struct size_range *size)
{
	char min[QUANTITY_TEXT_MAX];
	char max[QUANTITY_TEXT_MAX];

	fprintf(to, ", payload %s", quantity_format_size(size->min_bytes, min));
	if (size->max_bytes > size->min_bytes)
		fprintf(to, " to %s", quantity_format_size(size->max_bytes, max));
}

static void print_plan(FILE *to, const struct settings *s)
{
	char number[TEXT_NUMBER_MAX];

	fprintf(to, LABEL, "load");
	print_endpoint(to, &s->endpoint);
	fprintf(to, ": %s connections", text_count(s->connections, number, sizeof number));
	if (s->rate > 0)
		fprintf(to, ", open loop, %s messages/s",
			text_count(s->rate, number, sizeof number));
	else
		fprintf(to, ", closed loop");
	fprintf(to, ", %" PRIu64 " in flight each", s->in_flight);
	print_sizes(to, &s->size);
	if (s->per_connection > 0)
		fprintf(to, ", a new connection every %" PRIu64, s->per_connection);
	fprintf(to, ", seed %" PRIu64 "\n", s->seed);
}

static void print_time(FILE *to, const struct result *r, const struct settings *s)
{
	char text[TEXT_NUMBER_MAX];

	fprintf(to, LABEL, "time");
	fprintf(to, "%s measured", text_duration(r->window_ns, text, sizeof text));
	if (s->ramp_ns > 0)
		fprintf(to, ", behind a ramp of %s", text_duration(s->ramp_ns, text, sizeof text));
	fprintf(to, "; opening took %s", text_duration(r->opening_ns, text, sizeof text));
	fprintf(to, "%s\n", r->interrupted ? "; ended early by a signal" : "");
}

static double per_second(uint64_t count, const struct result *r)
{
	return r->window_ns > 0 ? (double)count * 1e9 / (double)r->window_ns : 0;
}

static void print_throughput(FILE *to, const struct result *r)
{
	char text[TEXT_NUMBER_MAX];

	fprintf(to, LABEL, "throughput");
	fprintf(to, "%s replies/s", text_count((uint64_t)result_rate(r), text, sizeof text));
	fprintf(to, "; sent %s",
		text_byte_rate(per_second(r->figures.bytes_sent, r), text, sizeof text));
	fprintf(to, ", received %s\n",
		text_byte_rate(per_second(r->figures.bytes_received, r), text, sizeof text));
}

static void print_messages(FILE *to, const struct result *r)
{
	const struct figures *f = &r->figures;
	const struct {
		const char *name;
		uint64_t count;
	} rows[] = {
		{"sent", f->sent},
		{"answered", f->answered},
		{"mismatched", f->mismatched},
		{"lost", f->lost},
		{"cut off", f->cut_off},
	};
	const char *between = "";
	char text[TEXT_NUMBER_MAX];

	fprintf(to, LABEL, "messages");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		fprintf(to, "%s%s %s", between, text_count(rows[i].count, text, sizeof text),
			rows[i].name);
		between = ", ";
	}
	fprintf(to, "%s\n", r->marked ? " (by the mark)" : "");
}

/* The histograms side by side, a percentile a row. */

struct column {
	const char *name;
	const struct histogram *histogram;
};

static const struct {
	const char *name;
	double percentile;
} percentiles[] = {
	{"p50", 50},
	{"p90", 90},
	{"p95", 95},
	{"p99", 99},
	{"p99.9", 99.9},
	{"p99.99", 99.99},
	{"max", 100},
};

static void print_cell(FILE *to, const struct histogram *h, int64_t ns)
{
	char text[TEXT_NUMBER_MAX];

	fprintf(to, "%14s", h->count > 0 ? text_duration(ns, text, sizeof text) : "-");
}

static void print_histograms(FILE *to, const struct result *r, const struct settings *s)
{
	const struct figures *f = &r->figures;
	const struct column open_loop[] = {
		{"from intended", &f->latency},
		{"from sent", &f->actual},
		{"connect", &f->connect},
		{"first byte", &f->first_byte},
	};
	const struct column closed_loop[] = {
		{"latency", &f->latency},
		{"connect", &f->connect},
		{"first byte", &f->first_byte},
	};
	const struct column *columns = s->rate > 0 ? open_loop : closed_loop;
	size_t count = s->rate > 0 ? 4 : 3;

	fprintf(to, LABEL, s->rate > 0 ? "latency" : "");
	for (size_t c = 0; c < count; c++)
		fprintf(to, "%14s", columns[c].name);
	fputc('\n', to);
	for (size_t p = 0; p < sizeof percentiles / sizeof *percentiles; p++) {
		fprintf(to, "  %-11s", percentiles[p].name);
		for (size_t c = 0; c < count; c++)
			print_cell(to, columns[c].histogram,
				histogram_percentile(
					columns[c].histogram, percentiles[p].percentile));
		fputc('\n', to);
	}
	fprintf(to, "  %-11s", "mean");
	for (size_t c = 0; c < count; c++)
		print_cell(to, columns[c].histogram, (int64_t)histogram_mean(columns[c].histogram));
	fputc('\n', to);
}

static void print_addresses(FILE *to, const struct result *r, const struct endpoint *e)
{
	char text[ADDRESS_TEXT_MAX];

	for (int i = 0; i < e->count && e->count > 1; i++)
		fprintf(to, LABEL "%s: %" PRIu64 " connections, %" PRIu64 " failed attempts\n",
			i == 0 ? "addresses" : "", address_format(&e->addresses[i], text),
			r->figures.address_opened[i], r->figures.address_failed[i]);
}

static void print_failure(FILE *to, const struct tally *t, enum failure i)
{
	char count[TEXT_NUMBER_MAX];
	char example[384];

	fprintf(to, "  %s %s\n", text_count(t->count[i], count, sizeof count), failure_name(i));
	fprintf(to, "      first: %s\n",
		failure_format_example(&t->first[i], example, sizeof example));
	if (failure_advice(i)[0])
		fprintf(to, "      %s\n", failure_advice(i));
}

static void print_failures(FILE *to, const struct result *r)
{
	const struct tally *t = &r->figures.failures;
	char text[TEXT_NUMBER_MAX];

	fprintf(to, LABEL "%s\n", "failures",
		failure_total(t) > 0 ? text_count(failure_total(t), text, sizeof text) : "none");
	for (size_t i = 0; i < FAILURES; i++) {
		if (t->count[i] > 0)
			print_failure(to, t, (enum failure)i);
	}
}

static void print_client(FILE *to, const struct result *r, const struct settings *s)
{
	const struct figures *f = &r->figures;
	double sent = f->sent > 0 ? (double)f->sent : 1;

	fprintf(to, LABEL "%.2f us of processor time a message (user %.2f, system %.2f)\n",
		"client", result_cpu_ns_per_message(r) / 1e3, (double)f->user_ns / sent / 1e3,
		(double)f->system_ns / sent / 1e3);
	fprintf(to,
		LABEL "busiest of %" PRIu64
		      " %s: running %.0f %% of the time, waiting for a processor %.0f %%\n",
		"", s->threads, s->threads == 1 ? "thread" : "threads", result_running(r) * 100,
		(result_busiest(r) - result_running(r)) * 100);
	if (s->rate > 0) {
		char p99[TEXT_NUMBER_MAX];
		char max[TEXT_NUMBER_MAX];
		fprintf(to, LABEL "own lateness: p99 %s, max %s\n", "",
			text_duration(histogram_percentile(&f->lateness, 99), p99, sizeof p99),
			text_duration(f->lateness.max_ns, max, sizeof max));
	}
}

static void print_warnings(FILE *to, const struct result *r, const struct settings *s)
{
	int64_t late_ns = histogram_percentile(&r->figures.lateness, 99);

	if (!result_schedule_kept(r, s))
		fprintf(to,
			LABEL "THE SCHEDULE WAS NOT KEPT: this client, not the server, was more "
			      "than 10 ms late with over 1 %% of the messages\n",
			"warning");
	else if (s->rate > 0 && late_ns > histogram_percentile(&r->figures.latency, 99) / 10)
		fprintf(to, LABEL "the client's own lateness is more than a tenth of the p99\n",
			"warning");
	if (result_client_limited(r))
		fprintf(to,
			LABEL
			"THE CLIENT WAS THE LIMIT, or near it: try more threads (-t) or another machine\n",
			"warning");
	else if (result_processors_short(r))
		fprintf(to,
			LABEL
			"THE PROCESSORS WERE THE LIMIT: the client had to share them, with the server or others\n",
			"warning");
	if (r->figures.failures.count[FAILURE_NOT_SENT] > 0)
		fprintf(to, LABEL "the latencies leave out the messages that could not be sent\n",
			"warning");
}

void report_print(FILE *to, const struct result *r, const struct settings *s)
{
	print_plan(to, s);
	if (!r->reached) {
		print_addresses(to, r, &s->endpoint);
		print_failures(to, r);
		return;
	}
	print_time(to, r, s);
	print_throughput(to, r);
	print_messages(to, r);
	print_histograms(to, r, s);
	print_addresses(to, r, &s->endpoint);
	print_failures(to, r);
	print_client(to, r, s);
	print_warnings(to, r, s);
}

void report_print_bounds(FILE *to, const struct result *r, const struct settings *s)
{
	double rate = result_rate(r);
	char text[256];

	for (size_t i = 0; i < s->bound_count; i++) {
		const struct expression *e = &s->bounds[i];
		double measured = expression_measure(e, &r->figures, rate);
		fprintf(to, LABEL "%s\n", expression_holds(e, measured) ? "BROKEN" : "kept",
			expression_explain(e, measured, text, sizeof text));
	}
}
