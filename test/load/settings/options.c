/* SPDX-License-Identifier: ISC */
/* options - the command line of `bobbin-load run`, as rows. */
#include "options.h"

#include "common/deadline.h"
#include "test/load/text/layout.h"
#include "value.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define COUNT_OF(rows) (sizeof(rows) / sizeof *(rows))

struct row {
	size_t group;
	const char *name;
	char letter;          /* or 0 */
	const char *argument; /* what it is called in the help; NULL: it takes none */
	value_reader *read;
	size_t field; /* offset in struct settings */
	struct value_range range;
	const char *initial; /* read before the command line; NULL: zeroed */
	const char *help;
};

#define FIELD(name)    offsetof(struct settings, name)
#define WHOLE          0

#define DEFAULT_PREFIX "echo: "

static const char *const groups[] = {
	"The load:",
	"Connections:",
	"Messages and replies:",
	"The result:",
};

enum group {
	LOAD,
	CONNECTIONS,
	MESSAGES,
	RESULT,
};

static const struct row rows[] = {
	{LOAD, "connections", 'c', "N", value_number, FIELD(connections), {1, 1000000}, "64",
		"connections at a time"},
	{LOAD, "duration", 'd', "TIME", value_duration, FIELD(duration_ns), {0, 0}, NULL,
		"how long to load, the ramp not counted (10s, without -n)"},
	{LOAD, "messages", 'n', "N", value_number, FIELD(messages), {1, INT64_MAX}, NULL,
		"how many messages to send in all"},
	{LOAD, "in-flight", 'P', "N", value_number, FIELD(in_flight), {1, 65536}, "1",
		"messages on a connection that may wait for their replies"},
	{LOAD, "rate", 0, "RATE", value_rate, FIELD(rate), {0, 0}, NULL,
		"open loop: messages in all, on a fixed schedule: 20k/s, 30/min, 0.5/s"},
	{LOAD, "ramp", 0, "TIME", value_duration, FIELD(ramp_ns), {0, 0}, NULL,
		"let the load rise evenly for so long, and measure after it"},
	{LOAD, "threads", 't', "N", value_number, FIELD(threads), {1, 256}, NULL,
		"threads that share the connections (half of the processors)"},
	{CONNECTIONS, "connect-rate", 0, "RATE", value_rate, FIELD(connect_rate), {0, 0}, NULL,
		"connections opened, at most"},
	{CONNECTIONS, "per-connection", 0, "N", value_number, FIELD(per_connection), {1, INT64_MAX},
		NULL, "messages, then a new connection"},
	{CONNECTIONS, "close", 0, "fin|reset", value_close, FIELD(close_by_reset), {0, 0}, "fin",
		"how a connection is ended"},
	{CONNECTIONS, "source", 0, "LIST", value_sources, FIELD(sources), {0, 0}, NULL,
		"local addresses to use in turn: 127.0.0.2-127.0.0.9,127.0.0.20"},
	{CONNECTIONS, "timeout", 0, "TIME", value_duration, FIELD(timeout_ns), {0, 0}, "5s",
		"for a connect, and for a reply"},
	{MESSAGES, "size", 's', "SIZE[-SIZE]", value_sizes, FIELD(size), {0, 0}, "64B",
		"of a payload; of a range, any size equally often"},
	{MESSAGES, "seed", 0, "N", value_seed, WHOLE, {0, UINT64_MAX}, NULL,
		"makes the same payloads again (random)"},
	{MESSAGES, "prefix", 0, "TEXT", value_prefix, FIELD(prefix), {0, 0}, DEFAULT_PREFIX,
		"what stands before the payload in a line's reply"},
	{MESSAGES, "prefix-any", 0, NULL, value_flag, FIELD(prefix_any), {0, 0}, NULL,
		"a line's reply need only end with the payload"},
	{MESSAGES, "banner", 0, "TEXT", value_banner, FIELD(banner), {0, 0}, NULL,
		"the line that the server says first; {id} stands for 1 to 255 bytes"},
	{RESULT, "fail-if", 0, "EXPR", value_bound, FIELD(bounds), {0, 0}, NULL,
		"the run has failed if so, as in 'p99 > 5ms' (see below); may be repeated"},
	{RESULT, "json", 0, "FILE", value_text, FIELD(json_path), {0, 0}, NULL,
		"write the result as JSON, too (-: to standard output, instead)"},
	{RESULT, "quiet", 'q', NULL, value_flag, FIELD(quiet), {0, 0}, NULL,
		"draw no progress on the terminal"},
	{RESULT, "help", 'h', NULL, NULL, 0, {0, 0}, NULL, "print this"},
};

const char *options_name(size_t i)
{
	static char name[32];

	if (i >= COUNT_OF(rows))
		return NULL;
	snprintf(name, sizeof name, "--%s", rows[i].name);
	return name;
}

const char *options_letter(size_t i)
{
	static char letter[3];

	if (i >= COUNT_OF(rows))
		return NULL;
	snprintf(letter, sizeof letter, "-%c", rows[i].letter);
	return rows[i].letter ? letter : "";
}

/* The command line. */

static const struct row *find_long(const char *name, size_t len)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (strlen(rows[i].name) == len && memcmp(rows[i].name, name, len) == 0)
			return &rows[i];
	}
	return NULL;
}

static const struct row *find_letter(char letter)
{
	for (size_t i = 0; letter && i < COUNT_OF(rows); i++) {
		if (rows[i].letter == letter)
			return &rows[i];
	}
	return NULL;
}

/*
 * One option of argv[*at]: "--name=value", "--name value", "-n value" or "-nvalue".  *at moves past
 * a value of its own. Returns the row with *value set, or NULL with the mistake written.
 */
static const struct row *take_option(
	int argc, char **argv, int *at, const char **value, char *mistake)
{
	const char *arg = argv[*at];
	bool is_long = arg[1] == '-';
	size_t len = strcspn(arg, "=");
	const struct row *row = is_long ? find_long(arg + 2, len - 2) : find_letter(arg[1]);
	const char *attached =
		is_long ? (arg[len] ? arg + len + 1 : NULL) : (arg[2] ? arg + 2 : NULL);

	if (!row) {
		snprintf(mistake, OPTIONS_MISTAKE_MAX, "%s: there is no such option", arg);
		return NULL;
	}
	if (!row->argument && attached) {
		snprintf(mistake, OPTIONS_MISTAKE_MAX, "%s: --%s takes no value", arg, row->name);
		return NULL;
	}
	if (row->argument && !attached && *at + 1 >= argc) {
		snprintf(mistake, OPTIONS_MISTAKE_MAX, "%s: a value must follow: %s", arg,
			row->argument);
		return NULL;
	}
	*value = attached;
	if (row->argument && !attached)
		*value = argv[++*at];
	return row;
}

static bool apply(const struct row *row, const char *value, struct settings *s, char *mistake)
{
	const char *wrong = row->read(&row->range, value, (char *)s + row->field);

	if (!wrong)
		return true;
	if (row->range.max > 0 && row->range.max < INT64_MAX)
		snprintf(mistake, OPTIONS_MISTAKE_MAX,
			"--%s %s: %s (from %" PRIu64 " to %" PRIu64 ")", row->name, value, wrong,
			row->range.min, row->range.max);
	else
		snprintf(mistake, OPTIONS_MISTAKE_MAX, "--%s %s: %s", row->name, value, wrong);
	return false;
}

static void apply_defaults(struct settings *s)
{
	char mistake[OPTIONS_MISTAKE_MAX];

	*s = (struct settings){.json_path = NULL};
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		bool right = !rows[i].initial || apply(&rows[i], rows[i].initial, s, mistake);
		assert(right);
		(void)right;
	}
}

/* Defaults that depend on the machine or on other options. */
static void complete(struct settings *s)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	if (s->threads == 0)
		s->threads = processors >= 2 ? (uint64_t)processors / 2 : 1;
	if (s->threads > s->connections)
		s->threads = s->connections;
	if (s->duration_ns == 0 && s->messages == 0)
		s->duration_ns = 10 * NS_PER_S;
	/* Of 32 bits, so that it can be read and typed. */
	if (!s->seed_given && getrandom(&s->seed, sizeof s->seed, 0) == sizeof s->seed)
		s->seed &= UINT32_MAX;
}

/* What no option can see alone: NULL, or what is wrong with *option. */
static const char *contradiction(const struct settings *s, const char **option)
{
	*option = "--size";
	if (s->endpoint.service == SERVICE_ECHO && s->size.min_bytes == 0)
		return "echo has no framing, so no payload can be empty";
	*option = "--prefix-any";
	if (s->prefix_any && s->endpoint.service != SERVICE_LINE)
		return "only the replies of line have a prefix";
	*option = "--prefix";
	if (strcmp(s->prefix, DEFAULT_PREFIX) != 0 && s->endpoint.service != SERVICE_LINE)
		return "only the replies of line have a prefix";
	*option = "--in-flight";
	if (s->in_flight * s->connections > UINT64_C(1) << 28)
		return "at most 268,435,456 messages in flight on all connections";
	return NULL;
}

static enum options_outcome refuse(char *mistake, const char *what, const char *why)
{
	snprintf(mistake, OPTIONS_MISTAKE_MAX, "%s: %s", what, why);
	return OPTIONS_WRONG;
}

/* Everything but the address, which is left in *endpoint; options may stand on both sides of it. */
static enum options_outcome read_arguments(
	int argc, char **argv, struct settings *out, const char **endpoint, char *mistake)
{
	bool only_words = false;

	for (int i = 1; i < argc; i++) {
		const char *value = NULL;
		if (!only_words && strcmp(argv[i], "--") == 0) {
			only_words = true;
			continue;
		}
		if (only_words || argv[i][0] != '-' || argv[i][1] == '\0') {
			if (*endpoint)
				return refuse(mistake, argv[i], "there is an address already");
			*endpoint = argv[i];
			continue;
		}
		const struct row *row = take_option(argc, argv, &i, &value, mistake);
		if (row && !row->read)
			return OPTIONS_HELP;
		if (!row || !apply(row, value, out, mistake))
			return OPTIONS_WRONG;
	}
	return OPTIONS_RUN;
}

enum options_outcome options_parse(
	int argc, char **argv, struct settings *out, char mistake[OPTIONS_MISTAKE_MAX])
{
	const char *endpoint = NULL;
	const char *wrong;

	apply_defaults(out);
	enum options_outcome outcome = read_arguments(argc, argv, out, &endpoint, mistake);
	if (outcome != OPTIONS_RUN)
		return outcome;
	if (!endpoint)
		return refuse(mistake, "an address is missing",
			"[NETWORK:]HOST:PORT[=SERVICE], as in 127.0.0.1:7007=line");
	if (endpoint_parse(endpoint, &out->endpoint, &wrong) < 0)
		return refuse(mistake, endpoint, wrong);
	wrong = contradiction(out, &endpoint);
	if (wrong)
		return refuse(mistake, endpoint, wrong);
	complete(out);
	return OPTIONS_RUN;
}

#define HELP_COLUMN 27

static void print_row(FILE *to, const struct row *r)
{
	char left[64];
	char letter[8] = "";
	char initial[32] = "";

	if (r->letter)
		snprintf(letter, sizeof letter, "-%c, ", r->letter);
	if (r->initial)
		snprintf(initial, sizeof initial, " (%s)", r->initial);
	snprintf(left, sizeof left, "  %s--%s %s", letter, r->name, r->argument ? r->argument : "");
	layout_pair(to, left, HELP_COLUMN, "%s%s", r->help, initial);
}

static const struct {
	const char *left;
	const char *text;
} after_the_rows[] = {
	{"", ""},
	{"Metrics of --fail-if, and the relations > >= < <= == !=:", ""},
	{"  durations",
		"pN (p50, p99, p99.9, ...), mean, max of the latency; with actual., "
		"connect. or first_byte. before one those of the actual send, the "
		"connects, the first bytes"},
	{"  counts",
		"errors, mismatches, lost, not_sent, cut_off, due, sent, answered; with % of "
		"the messages due"},
	{"  rate", "replies a second"},
	{"", ""},
	{"Exit status:", ""},
	{"  0", "all bounds kept"},
	{"  1", "a bound broken, or nothing answered; without bounds also a wrong or lost reply"},
	{"  3",
		"not valid: this client was late or stood still; without bounds also if more than "
		"1 % was not sent"},
	{"  64 69 70", "wrong usage; nothing opened; the figures contradict each other"},
	{"  71 73 74", "no load could be set up; no JSON file; no standard output"},
	{"", ""},
	{"Examples:", ""},
	{"  bobbin-load 127.0.0.1:7007", ""},
	{"  bobbin-load -d 1min --rate 20k/s --fail-if 'p99 > 5ms' 127.0.0.1:7007", ""},
	{"  bobbin-load -n 1000 --per-connection 1 [::1]:7008=frame", ""},
};

void options_print_help(FILE *to)
{
	fprintf(to,
		"usage: bobbin-load [run] [options] [NETWORK:]HOST:PORT[=SERVICE]\n"
		"NETWORK is tcp, tcp4 or tcp6; SERVICE is line, frame or echo.\n");
	for (size_t g = 0; g < COUNT_OF(groups); g++) {
		fprintf(to, "\n%s\n", groups[g]);
		for (size_t i = 0; i < COUNT_OF(rows); i++) {
			if (rows[i].group == g)
				print_row(to, &rows[i]);
		}
	}
	for (size_t i = 0; i < COUNT_OF(after_the_rows); i++) {
		if (after_the_rows[i].text[0])
			layout_pair(to, after_the_rows[i].left, LAYOUT_LABEL, "%s",
				after_the_rows[i].text);
		else
			fprintf(to, "%s\n", after_the_rows[i].left);
	}
}
