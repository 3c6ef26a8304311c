/* SPDX-License-Identifier: ISC */
/* command_line - what the operator typed, and with it the whole of the settings. */
#include "command_line.h"

#include "config_file.h"
#include "config_print.h"
#include "mistakes.h"
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#define DEFAULT_LISTENER "127.0.0.1:7007"

static const char usage[] =
	"usage: bobbind [-c FILE] [-l [NETWORK:]ADDRESS[=SERVICE]]... [-o key=value]...\n"
	"               [-t] [-T] [-v] [-V] [-h]\n"
	"\n"
	"  -c FILE   read the configuration from FILE, see bobbind.conf(5)\n"
	"  -l ...    listen there instead of where the file says; NETWORK is tcp (the\n"
	"            default), tcp4 or tcp6, SERVICE is line (the default), frame or echo\n"
	"  -o k=v    set one option, as in -o timeouts.idle=10s, instead of the file's value\n"
	"  -t        check the configuration, and end\n"
	"  -T        write the configuration in force as a file, and end\n"
	"  -v        log more (log.level=debug)\n"
	"  -V        print the version, and end\n"
	"  -h        print this, and end\n"
	"\n"
	"-l and -o may be given several times.  Without -c and -l it serves lines on\n"
	"127.0.0.1:7007.  Ctrl-C ends it.\n";

/* The arguments, as they were typed. */
struct arguments {
	const char *file;
	bool check;
	bool print;
	bool verbose;
	const char *done;   /* text to print on standard output before ending at once */
	char **assignments; /* -o, in their order */
	size_t assignment_count;
	char **listeners; /* -l, in their order */
	size_t listener_count;
};

static void take_option(struct arguments *a, int letter, struct mistakes *m)
{
	switch (letter) {
	case 'c':
		a->file = optarg;
		break;
	case 't':
		a->check = true;
		break;
	case 'T':
		a->print = true;
		break;
	case 'v':
		a->verbose = true;
		break;
	case 'V':
		a->done = "bobbind " BOBBIN_VERSION "\n";
		break;
	case 'h':
		a->done = usage;
		break;
	case 'l':
		a->listeners[a->listener_count++] = optarg;
		break;
	case 'o':
		a->assignments[a->assignment_count++] = optarg;
		break;
	case ':':
		mistakes_in_usage(m, "-%c needs an argument; bobbind -h tells more", optopt);
		break;
	default:
		mistakes_in_usage(m, "there is no option -%c; bobbind -h tells more", optopt);
		break;
	}
}

static void take_arguments(struct arguments *a, int argc, char **argv, struct mistakes *m)
{
	int letter;

	opterr = 0;
	optind = 0; /* glibc: start anew, even after an earlier command line */
	while ((letter = getopt(argc, argv, ":c:tTl:o:vVh")) != -1)
		take_option(a, letter, m);
	for (int i = optind; i < argc; i++)
		mistakes_in_usage(
			m, "%s: nothing is expected here; an address goes behind -l", argv[i]);
}

/* -o key=value */
static void assign(const char *text, struct settings *s, struct mistakes *m)
{
	const char *equals = strchr(text, '=');
	char mistake[OPTION_MISTAKE_MAX];
	char key[128];

	if (!equals) {
		mistakes_in_usage(m, "-o %s: write key=value, as in timeouts.idle=10s", text);
		return;
	}
	snprintf(key, sizeof key, "%.*s", (int)(equals - text), text);
	const struct option *row = option_find(key);
	const char *near = row ? NULL : option_near(key);
	if (row && row->scope == OPTION_LISTENER)
		mistakes_in_usage(
			m, "-o %s: this belongs to one listener; use -l or the file", text);
	else if (row && !option_set(row, option_base(row, s), equals + 1, mistake))
		mistakes_in_usage(m, "-o %s: %s", text, mistake);
	else if (!row && near)
		mistakes_in_usage(
			m, "-o %s: there is no option %s; did you mean %s?", text, key, near);
	else if (!row)
		mistakes_in_usage(m, "-o %s: there is no option %s", text, key);
}

/*
 * Split "tcp4:" from an address, and set the network to it.  Returns the address.  Without such a
 * word the network stays as it is.
 */
static char *split_network(char *text, int64_t *network)
{
	enum network named;
	char *colon = strchr(text, ':');

	if (!colon)
		return text;
	*colon = '\0';
	bool found = address_parse_network(text, &named) == 0;
	*colon = ':';
	if (!found)
		return text;
	*network = named;
	return colon + 1;
}

/* Set a listener's key from a part of -l.  A NULL part leaves the default. */
static bool set_part(
	struct endpoint *e, const char *key, const char *part, char mistake[OPTION_MISTAKE_MAX])
{
	return !part || option_set(option_find(key), e, part, mistake);
}

/* -l [NETWORK:]ADDRESS[=SERVICE] */
static void add_listener(const char *text, struct settings *s, struct mistakes *m)
{
	struct endpoint *e = settings_add_endpoint(s);
	char *copy = strdup(text);
	char mistake[OPTION_MISTAKE_MAX];
	const char *wrong = mistake;
	const char *key = "";

	if (!copy)
		abort();
	char *service = strrchr(copy, '=');
	if (service)
		*service++ = '\0';
	char *address = split_network(copy, &e->network);
	if (set_part(e, "service", service, mistake) && set_part(e, "address", address, mistake))
		wrong = settings_finish_endpoint(s, e, &key);
	/* The mistake may lie in an option that the listener copied from the defaults. */
	bool elsewhere = wrong && strchr(key, '.');
	if (wrong)
		mistakes_in_usage(m, "-l %s: %s%s%s", text, elsewhere ? key : "",
			elsewhere ? ": " : "", wrong);
	free(copy);
}

static void add_default_listener(struct settings *s, struct mistakes *m)
{
	add_listener(DEFAULT_LISTENER, s, m);
	s->built_in_listener = true;
}

/* The file, then -o, then listeners, which start as copies of the defaults set so far. */
static void load(struct settings *s, const struct arguments *a, struct mistakes *m)
{
	struct config_file *file = a->file ? config_file_open(a->file, m) : NULL;

	if (file)
		config_file_apply(file, s, m);
	if (a->verbose)
		assign("log.level=debug", s, m);
	for (size_t i = 0; i < a->assignment_count; i++)
		assign(a->assignments[i], s, m);
	if (file)
		config_file_apply_listeners(file, s, m);
	if (a->listener_count > 0)
		settings_clear_endpoints(s);
	for (size_t i = 0; i < a->listener_count; i++)
		add_listener(a->listeners[i], s, m);
	if (s->endpoint_count == 0 && mistakes_status(m) == EX_OK)
		add_default_listener(s, m);
	config_file_free(file);
}

/* True if -T or -t asked for nothing but a look at the settings. */
static bool only_look(const struct arguments *a, const struct settings *s)
{
	if (a->print)
		config_print(stdout, s);
	else if (a->check)
		printf("bobbind: %s: the configuration is good\n", a->file ? a->file : "defaults");
	return a->print || a->check;
}

/* NULL if anything is wrong. */
static struct settings *load_or_fail(const struct arguments *a, struct mistakes *m)
{
	struct settings *s = settings_new();

	load(s, a, m);
	if (mistakes_status(m) == EX_OK)
		return s;
	settings_release(s);
	return NULL;
}

/* The caller ends it with arguments_fini(). */
static void arguments_init(struct arguments *a, const struct command_line *c, struct mistakes *m)
{
	*a = (struct arguments){.file = NULL};
	a->listeners = calloc((size_t)c->argc, sizeof *a->listeners);
	a->assignments = calloc((size_t)c->argc, sizeof *a->assignments);
	if (!a->listeners || !a->assignments)
		abort();
	take_arguments(a, c->argc, c->argv, m);
}

static void arguments_fini(struct arguments *a)
{
	free(a->listeners);
	free(a->assignments);
}

struct settings *command_line_load(const struct command_line *c, int *status)
{
	struct mistakes m = {.to = stderr};
	struct arguments a;
	struct settings *s = NULL;

	arguments_init(&a, c, &m);
	if (mistakes_status(&m) == EX_OK && a.done)
		fputs(a.done, stdout);
	else
		s = load_or_fail(&a, &m);
	*status = mistakes_status(&m);
	if (s && only_look(&a, s)) {
		settings_release(s);
		s = NULL;
	}
	arguments_fini(&a);
	/* Output that could not be written is a failure. */
	if (*status == EX_OK && fflush(stdout) != 0)
		*status = EX_IOERR;
	return s;
}

struct settings *command_line_reload(const struct command_line *c, FILE *mistakes)
{
	struct mistakes m = {.to = mistakes};
	struct arguments a;

	arguments_init(&a, c, &m);
	struct settings *s = load_or_fail(&a, &m);
	arguments_fini(&a);
	return s;
}
