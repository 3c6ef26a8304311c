/* SPDX-License-Identifier: ISC */
/* run - the default command. */
#include "run.h"

#include "test/load/engine/engine.h"
#include "test/load/report/report.h"
#include "test/load/report/report_json.h"
#include "test/load/settings/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

/* Every connection is a descriptor; the soft limit of a login shell is often 1,024. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* A source that is no address of this host would fail at every connect, as if ports were short. */
static bool check_sources(const struct sources *sources, char *why, size_t size)
{
	for (uint32_t i = 0; i < sources->count; i++) {
		struct address a = endpoint_source(sources, i);
		char text[ADDRESS_TEXT_MAX];
		int fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		int rc = fd < 0 || bind(fd, &a.any, address_size(&a)) < 0 ? errno : 0;
		if (fd >= 0)
			close(fd);
		if (rc == 0)
			continue;
		snprintf(why, size, "--source: %s cannot be used here: %s",
			address_format(&a, text), strerrordesc_np(rc));
		return false;
	}
	return true;
}

/* The JSON file is opened before the load, so that a mistake costs no run, and so that an earlier
 * run's file is not taken for this one's. */
struct json_file {
	FILE *to; /* or NULL */
	bool only;
};

static int open_json(const struct settings *s, struct json_file *json)
{
	*json = (struct json_file){.to = NULL};
	if (!s->json_path)
		return EX_OK;
	json->only = strcmp(s->json_path, "-") == 0;
	json->to = json->only ? stdout : fopen(s->json_path, "we");
	if (json->to)
		return EX_OK;
	fprintf(stderr, "bobbin-load: --json %s: %s\n", s->json_path, strerrordesc_np(errno));
	return EX_CANTCREAT;
}

/* A full disk is told by the last flush.  Returns the status, or that of what went wrong here. */
static int close_json(const struct settings *s, const struct json_file *json, int status)
{
	if (!json->to || json->only)
		return status;
	bool failed = ferror(json->to) != 0;
	if (fclose(json->to) == 0 && !failed)
		return status;
	fprintf(stderr, "bobbin-load: --json %s: it could not be written\n", s->json_path);
	return EX_CANTCREAT;
}

static int deliver(const struct result *r, const struct settings *s, const struct json_file *json)
{
	const char *sum = figures_broken_sum(&r->figures);
	int status = result_status(r, &s->bounds);
	char where[ENDPOINT_TEXT_MAX];

	if (!json->only) {
		report_print(stdout, r, s);
		report_print_bounds(stdout, r, s);
	}
	if (json->to)
		report_json_write(json->to, r, s);
	if (sum)
		fprintf(stderr, "bobbin-load: the figures contradict each other: %s\n", sum);
	else if (!r->reached && !r->interrupted)
		fprintf(stderr, "bobbin-load: %s could not be reached at all\n",
			endpoint_format(&s->endpoint, where));
	return fflush(stdout) == 0 && !ferror(stdout) ? status : EX_IOERR;
}

/* The run cannot be: say why, on standard error and in the JSON. */
static int give_up(const struct json_file *json, int status, const char *why)
{
	fprintf(stderr, "bobbin-load: %s\n", why);
	if (json->to)
		report_json_write_failure(json->to, why, status);
	return status;
}

static int load(struct settings *s, const struct json_file *json)
{
	char why[384];
	const char *mistake;

	if (!check_sources(&s->sources, why, sizeof why))
		return give_up(json, EX_USAGE, why);
	if (endpoint_resolve(&s->endpoint, &mistake) < 0) {
		snprintf(why, sizeof why, "no name: %s: %s", s->endpoint.where.host, mistake);
		return give_up(json, EX_UNAVAILABLE, why);
	}
	struct result *r = calloc(1, sizeof *r);
	int rc = r ? engine_run(s, r) : -ENOMEM;
	int status = EX_OSERR;
	if (rc == 0) {
		status = deliver(r, s, json);
	} else {
		snprintf(why, sizeof why, "the load could not be set up: %s", strerrordesc_np(-rc));
		give_up(json, status, why);
	}
	free(r);
	return status;
}

int run_main(int argc, char **argv)
{
	struct settings settings;
	char mistake[OPTIONS_MISTAKE_MAX];

	switch (options_parse(argc, argv, &settings, mistake)) {
	case OPTIONS_HELP:
		options_print_help(stdout);
		return EX_OK;
	case OPTIONS_WRONG:
		fprintf(stderr, "bobbin-load: %s\nbobbin-load -h lists the options.\n", mistake);
		return EX_USAGE;
	case OPTIONS_RUN:
		break;
	}
	raise_descriptor_limit();
	struct json_file json;
	int status = open_json(&settings, &json);
	if (status != EX_OK)
		return status;
	return close_json(&settings, &json, load(&settings, &json));
}
