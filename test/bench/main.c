/* SPDX-License-Identifier: ISC */
/*
 * main - bobbin-bench: measures bobbind against the limit of its architecture and against peers, in
 * one interleaved run, and says which bounds held.
 *
 * Exit status: 0 all that was measured held or is open, 1 a bound was missed, 2 a row is invalid, 64
 * the command line, 71 the system, 130 a signal.
 */
#include "common/deadline.h"
#include "process.h"
#include "report.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sysexits.h>
#include <unistd.h>

#define STATUS_MISSED      1
#define STATUS_INVALID     2
#define STATUS_INTERRUPTED 130

#define GROWTH_ROUNDS      3

struct options {
	struct plan plan;
	const char *json;
	const char *svg;
	const char *only[ROWS_MAX];
	size_t only_count;
	bool quick;
	bool growth; /* and nothing else */
};

static const char help[] =
	"bobbin-bench [options]\n"
	"  --quick         fewer and shorter runs, of what the rows need: under two minutes\n"
	"  --rounds N      how often each server has its turn in each case\n"
	"  --run TIME      of one run, in ms\n"
	"  --only ROW      only rows of that name, as P4; may be given several times\n"
	"  --growth        only how bobbind grows with its connections, which a whole run has, too\n"
	"  --bobbind PATH  another bobbind than that of this build\n"
	"  --json FILE     write every figure as JSON\n"
	"  --svg FILE      draw the rows\n"
	"  --list          say what would be measured, and how long it takes\n";

/* The command line. */

static bool parse_number(const char *text, long least, long most, long *value)
{
	char *end;

	errno = 0;
	*value = strtol(text, &end, 10);
	return errno == 0 && end != text && *end == '\0' && *value >= least && *value <= most;
}

/* Returns 0, or the option that is wrong. */
static int parse(int argc, char **argv, struct options *o, struct programs *p, bool *list)
{
	static const struct option names[] = {
		{"quick", no_argument, NULL, 'q'},
		{"rounds", required_argument, NULL, 'r'},
		{"run", required_argument, NULL, 't'},
		{"only", required_argument, NULL, 'o'},
		{"growth", no_argument, NULL, 'g'},
		{"bobbind", required_argument, NULL, 'b'},
		{"json", required_argument, NULL, 'j'},
		{"svg", required_argument, NULL, 's'},
		{"list", no_argument, NULL, 'l'},
		{NULL, 0, NULL, 0},
	};
	long value;
	int option;

	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (option) {
		case 'q':
			o->plan.rounds = 3;
			o->plan.run_ms = 200;
			o->plan.ramp_ms = 50;
			o->quick = true;
			break;
		case 'r':
			if (!parse_number(optarg, 1, SPREAD_MAX, &value))
				return option;
			o->plan.rounds = (size_t)value;
			break;
		case 't':
			if (!parse_number(optarg, 50, 60000, &value))
				return option;
			o->plan.run_ms = value;
			o->plan.ramp_ms = value / 4;
			break;
		case 'o':
			if (o->only_count == ROWS_MAX)
				return option;
			o->only[o->only_count++] = optarg;
			break;
		case 'g':
			o->growth = true;
			break;
		case 'b':
			snprintf(p->bobbind, sizeof p->bobbind, "%s", optarg);
			break;
		case 'j':
			o->json = optarg;
			break;
		case 's':
			o->svg = optarg;
			break;
		case 'l':
			*list = true;
			break;
		default:
			return '?';
		}
	}
	return optind == argc ? 0 : '?';
}

/* What to measure. */

static bool is_wanted(const struct options *o, const char *id)
{
	for (size_t i = 0; i < o->only_count; i++) {
		if (strcasecmp(o->only[i], id) == 0)
			return true;
	}
	return o->only_count == 0;
}

static bool is_selected(const struct options *o, const struct row *row)
{
	if (o->growth || !is_wanted(o, row->id))
		return false;
	return !o->quick || o->only_count > 0 || !row->of->whole;
}

/* Those of a case, and what it hangs on. */
static void select_case(struct report *r, const struct bench_case *c, unsigned who)
{
	size_t index = (size_t)(c - bench_cases);

	r->contestants[index] |= who & c->contestants;
	if (c->half_of)
		select_case(r, c->half_of, who | BIT(FLOOR));
}

/* For a quick look only those that a row compares. */
static unsigned contestants_for(const struct row *row, const struct options *o)
{
	if (!o->quick)
		return ~0U;
	return BIT(row->subject) | (row->against == NOBODY ? 0 : BIT(row->against));
}

/* Returns how many rows. */
static size_t select_rows(struct report *r, const struct options *o)
{
	size_t count = 0;

	for (size_t i = 0; i < row_count; i++) {
		r->selected[i] = is_selected(o, &rows[i]);
		count += r->selected[i];
		if (r->selected[i])
			select_case(r, rows[i].of, contestants_for(&rows[i], o));
	}
	return count;
}

static bool wants_growth(const struct options *o)
{
	return o->growth || (!o->quick && o->only_count == 0);
}

/* Its figures are for a table, not for a bound. */
static struct plan growth_plan(const struct options *o)
{
	struct plan plan = o->plan;

	if (plan.rounds > GROWTH_ROUNDS)
		plan.rounds = GROWTH_ROUNDS;
	return plan;
}

/* How. */

static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void read_word(const char *path, char *word, size_t size)
{
	FILE *file = fopen(path, "re");

	snprintf(word, size, "?");
	if (!file)
		return;
	if (fgets(word, (int)size, file))
		word[strcspn(word, " \n")] = '\0';
	fclose(file);
}

static void describe(struct report *r)
{
	struct utsname host;
	char control[32];
	char load[32];

	if (uname(&host) < 0)
		return;
	read_word("/proc/sys/net/ipv4/tcp_congestion_control", control, sizeof control);
	read_word("/proc/loadavg", load, sizeof load);
	snprintf(r->conditions, sizeof r->conditions,
		"%s %s, %ld processors shared by servers and client, loopback, %s, load before %s; "
		"%zu rounds of %lld ms",
		host.sysname, host.release, sysconf(_SC_NPROCESSORS_ONLN), control, load,
		r->plan->rounds, (long long)r->plan->run_ms);
}

static int64_t takes_ms(const struct report *r, const struct options *o)
{
	struct plan plan = growth_plan(o);
	int64_t all = wants_growth(o) ? growth_takes_ms(&plan) : 0;

	for (size_t c = 0; c < bench_case_count; c++)
		all += contest_takes_ms(&bench_cases[c], r->contestants[c], r->plan);
	return all;
}

static void list(const struct report *r)
{
	char bound[48];

	for (size_t i = 0; i < row_count; i++) {
		if (r->selected[i])
			printf("%-4s %-45s %-28s %s\n", rows[i].id, rows[i].of->name, rows[i].what,
				report_bound(&rows[i], bound, sizeof bound));
	}
}

static uint64_t half_of_floor(const struct report *r, const struct bench_case *c)
{
	const struct outcome *o = &r->outcomes[c->half_of - bench_cases][FLOOR];

	if (o->fault[0] || o->count == 0)
		return 0;
	return (uint64_t)(spread_of(o->of[RATE], o->count).median / 2);
}

/* Returns 0 or -EINTR. */
static int run_cases(struct report *r, struct plan *plan)
{
	int64_t began = deadline_now();

	for (size_t c = 0; c < bench_case_count; c++) {
		if (!r->contestants[c])
			continue;
		fprintf(stderr, "%4lld s  %s\n", (long long)((deadline_now() - began) / NS_PER_S),
			bench_cases[c].name);
		plan->rate = bench_cases[c].half_of ? half_of_floor(r, &bench_cases[c]) : 0;
		int rc = contest_run(&bench_cases[c], r->contestants[c], plan, r->outcomes[c]);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* What came out. */

static int write_file(const char *path, const struct report *r,
	void (*write_report)(FILE *to, const struct report *r))
{
	FILE *to = path ? fopen(path, "we") : NULL;

	if (!path)
		return EX_OK;
	if (to)
		write_report(to, r);
	bool failed = !to || ferror(to);
	if ((to && fclose(to) != 0) || failed) {
		fprintf(stderr, "bobbin-bench: %s cannot be written: %s\n", path,
			strerrordesc_np(errno));
		return EX_CANTCREAT;
	}
	return EX_OK;
}

static int conclude(struct report *r, const struct options *o)
{
	bool missed = false;
	bool invalid = false;

	for (size_t i = 0; i < row_count; i++) {
		if (!r->selected[i])
			continue;
		r->judgements[i] = judge(&rows[i], r->outcomes[rows[i].of - bench_cases]);
		missed |= r->judgements[i].verdict == VERDICT_MISSED;
		invalid |= r->judgements[i].verdict == VERDICT_INVALID;
	}
	report_print(stdout, r);
	int json = write_file(o->json, r, report_write_json);
	int svg = write_file(o->svg, r, report_write_svg);
	if (json || svg)
		return EX_CANTCREAT;
	return invalid ? STATUS_INVALID : missed ? STATUS_MISSED : EX_OK;
}

static int run_growth(struct report *r, const struct options *o)
{
	struct plan plan = growth_plan(o);

	if (!wants_growth(o))
		return 0;
	fputs("growth\n", stderr);
	return growth_measure(&r->growth, &plan);
}

static int measure(struct report *r, struct options *o)
{
	r->outcomes = calloc(bench_case_count, sizeof *r->outcomes);
	if (!r->outcomes)
		return EX_OSERR;
	process_catch_signals();
	int rc = run_cases(r, &o->plan);
	if (rc == 0)
		rc = run_growth(r, o);
	int status = rc == -EINTR ? STATUS_INTERRUPTED : conclude(r, o);
	free(r->outcomes);
	if (rc == -EINTR)
		fputs("bobbin-bench: interrupted: no result\n", stderr);
	return status;
}

int main(int argc, char **argv)
{
	static struct programs programs;
	static struct options o = {
		.plan = {.programs = &programs, .rounds = 7, .run_ms = 700, .ramp_ms = 175}};
	static struct report report;
	bool only_list = false;

	if (programs_find(&programs) < 0)
		return EX_OSERR;
	if (parse(argc, argv, &o, &programs, &only_list) != 0) {
		fputs(help, stderr);
		return EX_USAGE;
	}
	report.plan = &o.plan;
	if (select_rows(&report, &o) == 0 && !o.growth) {
		fputs("bobbin-bench: no row has such a name; --list has them all\n", stderr);
		return EX_USAGE;
	}
	raise_descriptor_limit();
	describe(&report);
	printf("%s\n", report.conditions);
	printf("This takes about %lld s.\n", (long long)(takes_ms(&report, &o) / 1000));
	fflush(stdout);
	if (only_list) {
		list(&report);
		return EX_OK;
	}
	return measure(&report, &o);
}
