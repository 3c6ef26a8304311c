/* SPDX-License-Identifier: ISC */
/* report - what came out: case by case as text for a person, and row by row as JSON for a program. */
#include "report.h"

#include <math.h>
#include <sys/utsname.h>
#include <unistd.h>

#define FIGURE_MAX 32

static const char *const by_1000[] = {"", " k", " M", NULL};
static const char *const seconds[] = {" ns", " us", " ms", " s", NULL};
static const char *const bytes[] = {" B", " KiB", " MiB", NULL};

static const struct {
	const char *name;
	const char *const *units;
	double step; /* from one unit to the next */
} metrics[METRICS] = {
	[RATE] = {"rate", by_1000, 1000},
	[P50] = {"p50", seconds, 1000},
	[P99] = {"p99", seconds, 1000},
	[SERVER_CPU] = {"cpu a reply", seconds, 1000},
	[RESIDENT] = {"resident memory", bytes, 1024},
	[MEMORY] = {"memory in all", bytes, 1024},
};

static char *figure(double value, enum metric m, char text[FIGURE_MAX])
{
	const char *const *unit = metrics[m].units;

	while (value >= metrics[m].step && unit[1]) {
		value /= metrics[m].step;
		unit++;
	}
	int places = value < 10 ? 2 : value < 100 ? 1 : 0;
	snprintf(text, FIGURE_MAX, isnan(value) ? "-" : "%.*f%s", places, value, *unit);
	return text;
}

/* A ratio, or a figure that stands alone. */
static char *measured(double value, const struct row *row, char text[FIGURE_MAX])
{
	return figure(value, row->against == NONE ? row->metric : RATE, text);
}

char *report_row(const struct row *row, char text[REPORT_ROW_MAX])
{
	char bound[FIGURE_MAX];
	bool is_ratio = row->against != NONE;

	snprintf(text, REPORT_ROW_MAX, "%s: %s of %s%s%s at %s %s", row->of->name,
		metrics[row->metric].name, server_name(row->subject), is_ratio ? " to " : "",
		is_ratio ? server_name(row->against) : "",
		row->sense == AT_LEAST ? "least" : "most", measured(row->bound, row, bound));
	return text;
}

static void read_word(const char *path, char word[FIGURE_MAX])
{
	FILE *file = fopen(path, "re");

	if (!file || fscanf(file, "%31s", word) != 1)
		snprintf(word, FIGURE_MAX, "?");
	if (file)
		fclose(file);
}

void report_begin(struct report *r, const struct plan *plan)
{
	struct utsname host = {.sysname = "?"};
	char control[FIGURE_MAX];
	char load[FIGURE_MAX];
	char conditions[512];

	(void)uname(&host);
	read_word("/proc/sys/net/ipv4/tcp_congestion_control", control);
	read_word("/proc/loadavg", load);
	snprintf(conditions, sizeof conditions,
		"%s %s, %ld processors shared by servers and client, loopback, %s, load before %s; "
		"runs of %lld ms, %zu rounds at most",
		host.sysname, host.release, sysconf(_SC_NPROCESSORS_ONLN), control, load,
		(long long)plan->run_ms, plan->rounds);
	printf("%s\n", conditions);
	for (size_t i = 0; i < plan->programs.with_count; i++)
		printf("bobbind with %s\n", plan->programs.with[i]);
	if (r->json)
		fprintf(r->json,
			"{\"program\": \"bobbin-bench " BOBBIN_VERSION
			"\",\n\"conditions\": \"%s\",\n\"rows\": [",
			conditions);
}

/* Text. */

static void print_entrant(const struct contest *c, enum server s)
{
	const struct entrant *e = &c->entrants[s];
	char text[FIGURE_MAX];

	printf("  %-24s", server_name(s));
	for (int m = 0; m < METRICS && !e->fault[0]; m++) {
		double median = median_of(e->of[m], c->rounds);
		if (!isnan(median))
			printf("  %s %s", metrics[m].name, figure(median, m, text));
	}
	printf("%s%s\n", e->fault,
		2 * e->client_limited > c->rounds ? "  (client at its limit)" : "");
}

static void print_row(const struct row *row, const struct verdict *v, const char *why)
{
	char text[REPORT_ROW_MAX];
	char median[FIGURE_MAX];
	char low[FIGURE_MAX];
	char high[FIGURE_MAX];

	printf("%-8s  %s: ", state_name(v->state), report_row(row, text));
	if (why || v->count == 0)
		printf("%s\n", why ? why : "no round counts");
	else
		printf("%s [%s %s]\n", measured(v->median, row, median), measured(v->low, row, low),
			measured(v->high, row, high));
}

/* JSON: no text of it has a quote or a backslash. */

static void write_number(FILE *to, const char *before, double value)
{
	fprintf(to, isfinite(value) ? "%s%.9g" : "%snull", before, value);
}

static void write_figures(
	FILE *to, const char *name, const struct contest *c, enum server s, enum metric m)
{
	fprintf(to, ",\n  \"%s\": [", name);
	for (size_t i = 0; i < c->rounds && s != NONE && !c->entrants[s].fault[0]; i++)
		write_number(to, i ? ", " : "", c->entrants[s].of[m][i]);
	fputc(']', to);
}

static void write_row(FILE *to, const struct contest *c, const struct row *row,
	const struct verdict *v, const char *why)
{
	char text[REPORT_ROW_MAX];

	fprintf(to, "{\"row\": \"%s\", \"verdict\": \"%s\", \"why\": \"%s\"", report_row(row, text),
		state_name(v->state), why ? why : "");
	write_number(to, ", \"bound\": ", row->bound);
	write_number(to, ", \"median\": ", v->median);
	write_number(to, ", \"low\": ", v->low);
	write_number(to, ", \"high\": ", v->high);
	write_figures(to, "figures", c, row->subject, row->metric);
	write_figures(to, "to", c, row->against, row->metric);
	fputc('}', to);
}

void report_case(struct report *r, const struct contest *c)
{
	printf("\n%s: medians of %zu rounds, %zu dropped\n", c->rows[0]->of->name, c->rounds,
		c->dropped);
	for (int s = 0; s < SERVERS; s++) {
		if (c->entrants[s].takes_part)
			print_entrant(c, s);
	}
	for (size_t i = 0; i < c->row_count; i++) {
		const char *why;
		struct verdict v = contest_judge(c, c->rows[i], &why);
		print_row(c->rows[i], &v, why);
		if (r->json) {
			fputs(r->rows++ ? ",\n" : "\n", r->json);
			write_row(r->json, c, c->rows[i], &v, why);
		}
		r->states[v.state]++;
	}
	fflush(stdout);
}

void report_end(struct report *r)
{
	putchar('\n');
	for (int s = 0; s < STATES; s++)
		printf("%s%zu %s", s ? ", " : "", r->states[s], state_name(s));
	putchar('\n');
	if (r->json)
		fputs("\n]}\n", r->json);
}
