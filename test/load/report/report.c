/* SPDX-License-Identifier: ISC */
/* report - the result for a person. */
#include "report.h"

#include "common/quantity.h"
#include "test/load/text/layout.h"
#include "test/load/text/text.h"

#include <inttypes.h>
#include <string.h>

static void format_loop(const struct settings *s, char *text, size_t size)
{
	char rate[TEXT_NUMBER_MAX];

	if (s->rate.count == 0)
		snprintf(text, size, "closed loop");
	else
		snprintf(text, size, "open loop, %s messages/s",
			text_rate(rate_per_s(&s->rate), rate, sizeof rate));
}

static void format_sizes(const struct size_range *sizes, char *text, size_t size)
{
	char min[QUANTITY_TEXT_MAX];
	char max[QUANTITY_TEXT_MAX];

	quantity_format_size(sizes->min_bytes, min);
	if (sizes->max_bytes == sizes->min_bytes)
		snprintf(text, size, "%s", min);
	else
		snprintf(text, size, "%s to %s", min, quantity_format_size(sizes->max_bytes, max));
}

static void print_plan(FILE *to, const struct settings *s)
{
	char where[ENDPOINT_TEXT_MAX];
	char connections[64];
	char loop[96];
	char sizes[96];
	char renewal[64] = "";

	format_loop(s, loop, sizeof loop);
	format_sizes(&s->size, sizes, sizeof sizes);
	if (s->per_connection > 0)
		snprintf(renewal, sizeof renewal, ", a new connection every %" PRIu64,
			s->per_connection);
	layout_row(to, "load",
		"%s (%s): %s, %s, %" PRIu64 " in flight each, payload %s%s, seed %" PRIu64,
		endpoint_format(&s->endpoint, where), wire_service_name(s->endpoint.service),
		text_number_of(s->connections, "connection", connections, sizeof connections), loop,
		s->in_flight, sizes, renewal, s->seed);
}

static void print_time(FILE *to, const struct result *r, const struct settings *s)
{
	char measured[TEXT_NUMBER_MAX];
	char ramp[TEXT_NUMBER_MAX];
	char after[64] = "";
	char opening[TEXT_NUMBER_MAX];
	char open[64];

	if (!r->loaded) {
		layout_row(to, "time",
			"ended early by a signal, while opening: %" PRIu64 " of %s open",
			r->figures.opened,
			text_number_of(s->connections, "connection", open, sizeof open));
		return;
	}
	if (s->ramp_ns > 0)
		snprintf(after, sizeof after, " after a ramp of %s",
			text_duration(s->ramp_ns, ramp, sizeof ramp));
	layout_row(to, "time", "%s measured%s; opening took %s%s",
		r->window_ns > 0 ? text_duration(r->window_ns, measured, sizeof measured)
				 : "nothing",
		after, text_duration(r->opening_ns, opening, sizeof opening),
		r->interrupted ? "; ended early by a signal" : "");
}

static double per_second(uint64_t count, const struct result *r)
{
	return r->window_ns > 0 ? (double)count * 1e9 / (double)r->window_ns : 0;
}

static void print_throughput(FILE *to, const struct result *r)
{
	char rate[TEXT_NUMBER_MAX];
	char sent[TEXT_NUMBER_MAX];
	char received[TEXT_NUMBER_MAX];

	if (r->window_ns <= 0)
		return;
	layout_row(to, "throughput", "%s replies/s; sent %s, received %s",
		text_rate(result_rate(r), rate, sizeof rate),
		text_byte_rate(per_second(r->figures.bytes_sent, r), sent, sizeof sent),
		text_byte_rate(
			per_second(r->figures.bytes_received, r), received, sizeof received));
}

/* "1,000 sent, 0 not sent": names and counts, as one list. */
struct count {
	const char *name;
	uint64_t count;
};

static char *format_counts(const struct count *rows, size_t count, char *text, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		char number[TEXT_NUMBER_MAX];
		int n = snprintf(text + used, size - used, "%s%s %s", i > 0 ? ", " : "",
			text_count(rows[i].count, number, sizeof number), rows[i].name);
		used += (size_t)n < size - used ? (size_t)n : size - used - 1;
	}
	return text;
}

#define COUNT_OF(rows) (sizeof(rows) / sizeof *(rows))

static void print_messages(FILE *to, const struct result *r)
{
	const struct figures *f = &r->figures;
	const struct count begun[] = {
		{"due", f->due}, {"sent", f->sent}, {"not sent", figures_not_sent(f)}};
	const struct count causes[] = {
		{"no room", f->not_sent_no_vacancy}, {"client late", f->not_sent_late}};
	const struct count ended[] = {{"answered", f->answered}, {"mismatched", f->mismatched},
		{"lost", f->lost}, {"cut off", f->cut_off}};
	size_t skip = causes[0].count == 0;
	size_t named = COUNT_OF(causes) - skip - (causes[1].count == 0);
	char text[256];
	char why[128] = "";

	format_counts(begun, COUNT_OF(begun), text, sizeof text);
	if (named > 0)
		format_counts(causes + skip, named, why, sizeof why);
	layout_row(to, "messages", named > 0 ? "%s (%s)" : "%s%s", text, why);
	format_counts(ended, COUNT_OF(ended), text, sizeof text);
	layout_row(to, "", "%s%s", text, r->marked ? " (by the mark)" : "");
}

/* Nothing if each was opened once and the server ended none. */
static void print_connections(FILE *to, const struct result *r, const struct settings *s)
{
	const struct figures *f = &r->figures;
	const struct count rows[] = {{"opened", f->opened},
		{"ended by the server with nothing owed", f->ended_by_server}};
	char text[128];

	if (f->opened == s->connections && f->ended_by_server == 0)
		return;
	layout_row(to, "connections", "%s",
		format_counts(rows, f->ended_by_server > 0 ? 2 : 1, text, sizeof text));
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

/* True if there are enough for this percentile to differ from the maximum. */
static bool is_enough(const struct histogram *h, double percentile)
{
	uint64_t total = histogram_total(h);

	if (percentile == 100)
		return total > 0;
	return (double)total * (100 - percentile) / 100 > 1 - 1e-9;
}

static void print_cell(FILE *to, bool enough, int64_t ns)
{
	char text[TEXT_NUMBER_MAX];

	if (!enough)
		fprintf(to, "%14s", "-");
	else if (ns == HISTOGRAM_NEVER)
		fprintf(to, "%14s", "never");
	else
		fprintf(to, "%14s", text_duration(ns, text, sizeof text));
}

/* A row for which no column has enough is left out. */
static void print_percentile(
	FILE *to, const struct column *columns, size_t count, const char *name, double percentile)
{
	bool any = false;

	for (size_t c = 0; c < count; c++)
		any = any || is_enough(columns[c].histogram, percentile);
	if (!any)
		return;
	fprintf(to, "  %-11s", name);
	for (size_t c = 0; c < count; c++)
		print_cell(to, is_enough(columns[c].histogram, percentile),
			histogram_percentile(columns[c].histogram, percentile));
	fputc('\n', to);
}

static void print_mean(FILE *to, const struct column *columns, size_t count)
{
	fprintf(to, "  %-11s", "mean");
	for (size_t c = 0; c < count; c++) {
		const struct histogram *h = columns[c].histogram;
		print_cell(to, histogram_total(h) > 0,
			h->never > 0 ? HISTOGRAM_NEVER : (int64_t)histogram_mean(h));
	}
	fputc('\n', to);
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
		{"from sent", &f->latency},
		{"connect", &f->connect},
		{"first byte", &f->first_byte},
	};
	const struct column *columns = s->rate.count > 0 ? open_loop : closed_loop;
	size_t count = s->rate.count > 0 ? COUNT_OF(open_loop) : COUNT_OF(closed_loop);

	fprintf(to, "%-*s", LAYOUT_LABEL, "latency");
	for (size_t c = 0; c < count; c++)
		fprintf(to, "%14s", columns[c].name);
	fputc('\n', to);
	for (size_t p = 0; p < COUNT_OF(percentiles); p++)
		print_percentile(
			to, columns, count, percentiles[p].name, percentiles[p].percentile);
	print_mean(to, columns, count);
}

static void print_addresses(FILE *to, const struct result *r, const struct endpoint *e)
{
	char text[ADDRESS_TEXT_MAX];

	for (int i = 0; i < e->count && e->count > 1; i++)
		layout_row(to, i == 0 ? "addresses" : "",
			"%s: opened %" PRIu64 ", failed attempts %" PRIu64,
			address_format(&e->addresses[i], text), r->figures.address_opened[i],
			r->figures.address_failed[i]);
}

static void print_failure(FILE *to, const struct tally *t, enum failure i)
{
	char count[TEXT_NUMBER_MAX];
	char example[384];

	layout_text(to, 2, "%s %s", text_count(t->count[i], count, sizeof count), failure_name(i));
	layout_text(
		to, 6, "first: %s", failure_format_example(&t->first[i], example, sizeof example));
	if (failure_advice(i)[0])
		layout_text(to, 6, "%s", failure_advice(i));
}

static void print_failures(FILE *to, const struct result *r)
{
	const struct tally *t = &r->figures.failures;
	char text[TEXT_NUMBER_MAX];

	layout_row(to, "failures", "%s",
		failure_total(t) > 0 ? text_count(failure_total(t), text, sizeof text) : "none");
	for (size_t i = 0; i < FAILURES; i++) {
		if (t->count[i] > 0)
			print_failure(to, t, (enum failure)i);
	}
}

static const char *format_percentile(
	const struct histogram *h, double percentile, char *text, size_t size)
{
	int64_t ns = histogram_percentile(h, percentile);

	return ns == HISTOGRAM_NEVER ? "never" : text_duration(ns, text, size);
}

static void print_client(FILE *to, const struct result *r, const struct settings *s)
{
	const struct figures *f = &r->figures;
	double sent = f->sent > 0 ? (double)f->sent : 1;
	char text[64];

	if (f->sent > 0)
		layout_row(to, "client",
			"%.2f us of processor time a message (user %.2f, system %.2f)",
			result_cpu_ns_per_message(r) / 1e3, (double)f->user_ns / sent / 1e3,
			(double)f->system_ns / sent / 1e3);
	layout_row(to, f->sent > 0 ? "" : "client",
		"busiest of %s: running %.0f %% of the time, waiting for a processor %.0f %%",
		text_number_of(s->threads, "thread", text, sizeof text), result_running(r) * 100,
		(result_busiest(r) - result_running(r)) * 100);
	if (histogram_total(&f->lateness) > 0) {
		char max[TEXT_NUMBER_MAX];
		layout_row(to, "", "own lateness: p99 %s, max %s",
			format_percentile(&f->lateness, 99, text, sizeof text),
			format_percentile(&f->lateness, 100, max, sizeof max));
	}
	if (f->stalls > 0) {
		char longest[TEXT_NUMBER_MAX];
		layout_row(to, "", "it stood still itself %s, for %s at the longest",
			text_number_of(f->stalls, "time", text, sizeof text),
			text_duration(f->stall_max_ns, longest, sizeof longest));
	}
}

static void warn_of_schedule(FILE *to, const struct result *r, const struct settings *s)
{
	double late = result_late_share(r) * 100;
	double no_room = result_no_vacancy_share(r) * 100;
	uint64_t needed = result_needed_in_flight(r);
	char text[TEXT_NUMBER_MAX];
	char most[TEXT_NUMBER_MAX];

	if (late >= no_room)
		layout_row(to, "warning",
			"THE SCHEDULE WAS NOT KEPT: this client, not the server, was more than "
			"10 ms late with %.3g %% of the messages, or never sent them",
			late);
	else
		layout_row(to, "warning",
			"THE SCHEDULE WAS NOT KEPT: for %.3g %% of the messages there was no room",
			no_room);
	if (needed > s->connections * s->in_flight)
		layout_row(to, "",
			"at this latency the rate needs %s in flight; there is room for %s",
			text_number_of(needed, "message", text, sizeof text),
			text_count(s->connections * s->in_flight, most, sizeof most));
}

static void print_warnings(FILE *to, const struct result *r, const struct settings *s)
{
	int64_t late_ns = histogram_percentile(&r->figures.lateness, 99);
	char text[64];

	if (!result_schedule_kept(r))
		warn_of_schedule(to, r, s);
	else if (s->rate.count > 0 && late_ns > histogram_percentile(&r->figures.latency, 99) / 10)
		layout_row(
			to, "warning", "the client's own lateness is more than a tenth of the p99");
	if (r->figures.answered == 0 && r->figures.mismatched > 0)
		layout_row(to, "warning",
			"not one reply was right: is it another service (=line, =frame, =echo), "
			"another prefix (--prefix), or a server that speaks first (--banner)?");
	if (result_client_limited(r))
		layout_row(to, "warning",
			"THE CLIENT WAS THE LIMIT, or near it: try more threads (-t) or another "
			"machine");
	else if (result_processors_short(r))
		layout_row(to, "warning",
			"THE PROCESSORS WERE THE LIMIT: the client had to share them, with the "
			"server or others");
	if (r->figures.stalled_ns > r->window_ns / 10)
		layout_row(to, "warning",
			"this client stood still for %.0f %% of the time, in which it loaded nothing",
			100 * (double)r->figures.stalled_ns /
				(double)(r->window_ns + r->figures.stalled_ns));
	if (r->figures.stalls > 0 && r->figures.own.count > 0)
		layout_row(to, "warning",
			"of %s more than half of the latency is this client's own",
			text_number_of(r->figures.own.count, "message", text, sizeof text));
}

/* The figures cannot be trusted, and nothing that follows from them. */
static void print_broken_sum(FILE *to, const struct result *r)
{
	const char *sum = figures_broken_sum(&r->figures);

	if (sum)
		layout_row(to, "WRONG",
			"the figures contradict each other: %s does not hold. This is a fault of "
			"bobbin-load.",
			sum);
}

void report_print(FILE *to, const struct result *r, const struct settings *s)
{
	print_plan(to, s);
	if (r->loaded || r->interrupted)
		print_time(to, r, s);
	if (r->loaded) {
		print_throughput(to, r);
		print_messages(to, r);
		print_connections(to, r, s);
		print_histograms(to, r, s);
	}
	print_addresses(to, r, &s->endpoint);
	print_failures(to, r);
	if (r->loaded) {
		print_client(to, r, s);
		print_warnings(to, r, s);
	}
	print_broken_sum(to, r);
}

void report_print_bounds(FILE *to, const struct result *r, const struct settings *s)
{
	char text[256];

	for (size_t i = 0; i < s->bounds.count; i++) {
		const struct expression *e = &s->bounds.of[i];
		struct judgement j = result_judge(r, e);
		layout_row(to, j.broken ? "BROKEN" : "kept", "%s%s%s",
			expression_explain(e, j.measured, text, sizeof text),
			j.why_not_valid ? "; " : "", j.why_not_valid ? j.why_not_valid : "");
	}
}
