/* SPDX-License-Identifier: ISC */
/* command_line - what the operator typed, and with it the whole of the settings. */
#include "command_line.h"

#include "config_file.h"
#include "config_write.h"
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

static void take_option(struct arguments *a, int letter, struct mistakes *f)
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
		mistakes_in_usage(f, "-%c needs an argument; bobbind -h tells more", optopt);
		break;
	default:
		mistakes_in_usage(f, "there is no option -%c; bobbind -h tells more", optopt);
		break;
	}
}

static void take_arguments(struct arguments *a, int argc, char **argv, struct mistakes *f)
{
	int letter;

	opterr = 0;
	optind = 0; /* glibc's word for: from the beginning, whatever was read before */
	while ((letter = getopt(argc, argv, ":c:tTl:o:vVh")) != -1)
		take_option(a, letter, f);
	for (int i = optind; i < argc; i++)
		mistakes_in_usage(
			f, "%s: nothing is expected here; an address goes behind -l", argv[i]);
}

/* -o key=value */
static void assign(const char *text, struct settings *s, struct mistakes *f)
{
	const char *equals = strchr(text, '=');
	char mistake[OPTION_MISTAKE_MAX];
	char key[128];

	if (!equals) {
		mistakes_in_usage(f, "-o %s: write key=value, as in timeouts.idle=10s", text);
		return;
	}
	snprintf(key, sizeof key, "%.*s", (int)(equals - text), text);
	const struct option *row = option_find(key);
	const char *near = row ? NULL : option_near(key);
	if (row && row->scope == OPTION_LISTENER)
		mistakes_in_usage(
			f, "-o %s: this belongs to one listener; use -l or the file", text);
	else if (row && !option_set(row, option_base(row, s), equals + 1, mistake))
		mistakes_in_usage(f, "-o %s: %s", text, mistake);
	else if (!row && near)
		mistakes_in_usage(
			f, "-o %s: there is no option %s; did you mean %s?", text, key, near);
	else if (!row)
		mistakes_in_usage(f, "-o %s: there is no option %s", text, key);
}

/*
 * "tcp4:" in front of an address.  Returns the address; the network stays as it is where none is
 * named.
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

/* A listener's key from a part of -l.  NULL parts stay at their default. */
static bool set_part(
	struct endpoint *e, const char *key, const char *part, char mistake[OPTION_MISTAKE_MAX])
{
	return !part || option_set(option_find(key), e, part, mistake);
}

/* -l [NETWORK:]ADDRESS[=SERVICE] */
static void add_listener(const char *text, struct settings *s, struct mistakes *f)
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
	/* It may lie in an option that the listener has taken over. */
	bool elsewhere = wrong && strchr(key, '.');
	if (wrong)
		mistakes_in_usage(f, "-l %s: %s%s%s", text, elsewhere ? key : "",
			elsewhere ? ": " : "", wrong);
	free(copy);
}

static void add_default_listener(struct settings *s, struct mistakes *f)
{
	add_listener(DEFAULT_LISTENER, s, f);
	s->built_in_listener = true;
}

/* File, then -o, then listeners, which start as copies of what holds by then. */
static void load(struct settings *s, const struct arguments *a, struct mistakes *f)
{
	struct config_file *file = a->file ? config_file_open(a->file, f) : NULL;

	if (file)
		config_file_apply(file, s, f);
	if (a->verbose)
		assign("log.level=debug", s, f);
	for (size_t i = 0; i < a->assignment_count; i++)
		assign(a->assignments[i], s, f);
	if (file)
		config_file_apply_listeners(file, s, f);
	if (a->listener_count > 0)
		settings_clear_endpoints(s);
	for (size_t i = 0; i < a->listener_count; i++)
		add_listener(a->listeners[i], s, f);
	if (s->endpoint_count == 0 && mistakes_status(f) == EX_OK)
		add_default_listener(s, f);
	config_file_free(file);
}

/* True: the settings were all that was asked for. */
static bool only_look(const struct arguments *a, const struct settings *s)
{
	if (a->print)
		config_write(stdout, s);
	else if (a->check)
		printf("bobbind: %s: the configuration is good\n", a->file ? a->file : "defaults");
	return a->print || a->check;
}

/* NULL if anything is wrong. */
static struct settings *load_or_fail(const struct arguments *a, struct mistakes *f)
{
	struct settings *s = settings_new();

	load(s, a, f);
	if (mistakes_status(f) == EX_OK)
		return s;
	settings_release(s);
	return NULL;
}

/* What was typed, with room for all of it.  The caller ends it with arguments_fini(). */
static void arguments_init(struct arguments *a, const struct command_line *c, struct mistakes *f)
{
	*a = (struct arguments){.file = NULL};
	a->listeners = calloc((size_t)c->argc, sizeof *a->listeners);
	a->assignments = calloc((size_t)c->argc, sizeof *a->assignments);
	if (!a->listeners || !a->assignments)
		abort();
	take_arguments(a, c->argc, c->argv, f);
}

static void arguments_fini(struct arguments *a)
{
	free(a->listeners);
	free(a->assignments);
}

struct settings *command_line_load(const struct command_line *c, int *status)
{
	struct mistakes f = {.to = stderr};
	struct arguments a;
	struct settings *s = NULL;

	arguments_init(&a, c, &f);
	if (mistakes_status(&f) == EX_OK && a.done)
		fputs(a.done, stdout);
	else
		s = load_or_fail(&a, &f);
	*status = mistakes_status(&f);
	if (s && only_look(&a, s)) {
		settings_release(s);
		s = NULL;
	}
	arguments_fini(&a);
	/* What was asked for must have reached its reader. */
	if (*status == EX_OK && fflush(stdout) != 0)
		*status = EX_IOERR;
	return s;
}

struct settings *command_line_reload(const struct command_line *c, FILE *mistakes)
{
	struct mistakes f = {.to = mistakes};
	struct arguments a;

	arguments_init(&a, c, &f);
	struct settings *s = load_or_fail(&a, &f);
	arguments_fini(&a);
	return s;
}
