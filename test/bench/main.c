/* SPDX-License-Identifier: ISC */
/*
 * main - bobbin-bench: measures bobbind against the limit of its architecture, against peers, or
 * against an older bobbind, and says which bounds are held.
 *
 * Exit status: 0 all that was measured is held or open, 1 a bound is missed, 2 a row is invalid, 64
 * the command line, 71 the system, 73 the JSON file.
 */
#include "common/deadline.h"
#include "report.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#define STATUS_MISSED  1
#define STATUS_INVALID 2

#define WHOLE_RUN_MS   700
#define QUICK_RUN_MS   500

/* The cases of a quick look have 26 servers, which makes less than three minutes. */
#define QUICK_SERVER_MS 6500

struct options {
	struct plan plan;
	const char *json;
	const char *only; /* text of the rows that are wanted, or NULL */
	bool quick;
	bool list;
};

static const char help[] =
	"bobbin-bench [options]\n"
	"  --quick         what matters most, in three minutes\n"
	"  --against PATH  judge this build's bobbind by an older one\n"
	"  --with OPTION   give bobbind (not the older one) an option, as NAME=VALUE; repeatable\n"
	"  --only TEXT     only rows that have this text, as --list shows them\n"
	"  --rounds N      at most so many rounds of each case, and never more than 40\n"
	"  --json FILE     write every figure as JSON\n"
	"  --list          say what would be measured\n";

static bool take(int option, char *value, struct options *o)
{
	struct programs *p = &o->plan.programs;

	switch (option) {
	case 'q':
		o->quick = true;
		o->plan.run_ms = QUICK_RUN_MS;
		o->plan.server_ms = QUICK_SERVER_MS;
		return true;
	case 'a':
		p->old = value;
		return access(value, X_OK) == 0;
	case 'w':
		if (p->with_count == WITH_MAX || strpbrk(value, "'\"\\"))
			return false;
		p->with[p->with_count++] = value;
		return true;
	case 'o':
		o->only = value;
		return true;
	case 'r':
		o->plan.rounds = strtoul(value, &value, 10);
		return *value == '\0' && o->plan.rounds > 0 && o->plan.rounds <= OBSERVATIONS_MAX;
	case 'j':
		o->json = value;
		return true;
	case 'l':
		o->list = true;
		return true;
	default:
		return false;
	}
}

static bool parse(int argc, char **argv, struct options *o)
{
	static const struct option names[] = {
		{"quick", no_argument, NULL, 'q'},
		{"against", required_argument, NULL, 'a'},
		{"with", required_argument, NULL, 'w'},
		{"only", required_argument, NULL, 'o'},
		{"rounds", required_argument, NULL, 'r'},
		{"json", required_argument, NULL, 'j'},
		{"list", no_argument, NULL, 'l'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (!take(option, optarg, o))
			return false;
	}
	return optind == argc;
}

static bool is_wanted(const struct row *row, const struct options *o)
{
	char text[REPORT_ROW_MAX];

	return (row->quick || !o->quick) && (!o->only || strstr(report_row(row, text), o->only));
}

/* Returns how many there are; those of one case stand together. */
static size_t select_rows(const struct options *o, const struct row *selected[ROWS_MAX])
{
	static struct row pairs[ROWS_MAX];
	const struct row *from = o->plan.programs.old ? pairs : rows;
	size_t from_count = o->plan.programs.old ? cases_pairs(pairs) : row_count;
	size_t count = 0;

	for (size_t i = 0; i < from_count; i++) {
		if (is_wanted(&from[i], o))
			selected[count++] = &from[i];
	}
	return count;
}

static void run(
	const struct plan *plan, const struct row *const *selected, size_t count, struct report *r)
{
	static struct contest contest;

	for (size_t from = 0, to = 0; from < count; from = to) {
		while (to < count && selected[to]->of == selected[from]->of)
			to++;
		contest_run(&contest, selected + from, to - from, plan);
		report_case(r, &contest);
	}
}

static int measure(struct options *o, const struct row *const *selected, size_t count)
{
	struct report r = {.json = o->json ? fopen(o->json, "we") : NULL};
	bool failed = o->json && !r.json;

	if (!failed) {
		report_begin(&r, &o->plan);
		run(&o->plan, selected, count, &r);
		report_end(&r);
	}
	if (r.json)
		failed = ferror(r.json) | (fclose(r.json) != 0);
	if (failed) {
		fprintf(stderr, "bobbin-bench: %s cannot be written: %s\n", o->json,
			strerrordesc_np(errno));
		return EX_CANTCREAT;
	}
	return r.states[INVALID] ? STATUS_INVALID : r.states[MISSED] ? STATUS_MISSED : EX_OK;
}

static void raise_descriptor_limit(void)
{
	struct rlimit limit = {.rlim_max = 1024};

	(void)getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv)
{
	static struct options o = {.plan = {.rounds = OBSERVATIONS_MAX, .run_ms = WHOLE_RUN_MS}};
	const struct row *selected[ROWS_MAX];
	char *folder = o.plan.programs.folder;
	char text[REPORT_ROW_MAX];

	if (readlink("/proc/self/exe", folder, sizeof o.plan.programs.folder - 1) < 0)
		return EX_OSERR;
	*strrchr(folder, '/') = '\0';
	bool is_right = parse(argc, argv, &o);
	size_t count = is_right ? select_rows(&o, selected) : 0;
	if (count == 0) {
		fputs(is_right ? "bobbin-bench: no row has such a text\n" : help, stderr);
		return EX_USAGE;
	}
	for (size_t i = 0; i < count && o.list; i++)
		puts(report_row(selected[i], text));
	if (o.list)
		return EX_OK;
	srandom((unsigned)deadline_now());
	raise_descriptor_limit();
	return measure(&o, selected, count);
}
