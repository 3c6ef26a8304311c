/* SPDX-License-Identifier: ISC */
/* run - the default command. */
#include "run.h"

#include "engine.h"
#include "options.h"
#include "report.h"
#include "report_json.h"

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

static bool resolve(struct settings *s)
{
	const char *fault;

	if (endpoint_resolve(&s->endpoint, &fault) == 0)
		return true;
	fprintf(stderr, "bobbin-load: no name: %s: %s\n", s->endpoint.where.host, fault);
	return false;
}

/* A source that is no address of this host would fail at every connect, and not for want of ports.
 */
static bool check_sources(const struct sources *sources)
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
		fprintf(stderr, "bobbin-load: --source: %s cannot be used here: %s\n",
			address_format(&a, text), strerrordesc_np(rc));
		return false;
	}
	return true;
}

static int deliver(const struct result *r, const struct settings *s)
{
	bool json_only = s->json_path && strcmp(s->json_path, "-") == 0;
	int status = result_status(r, s);

	if (!json_only) {
		report_print(stdout, r, s);
		report_print_bounds(stdout, r, s);
	}
	if (s->json_path) {
		int rc = report_json_write(s->json_path, r, s);
		if (rc < 0) {
			fprintf(stderr, "bobbin-load: --json %s: %s\n", s->json_path,
				strerrordesc_np(-rc));
			return EX_CANTCREAT;
		}
	}
	if (!r->reached && !r->interrupted)
		fprintf(stderr, "bobbin-load: %s:%u could not be reached at all\n",
			s->endpoint.where.host, (unsigned)s->endpoint.where.port);
	return fflush(stdout) == 0 && !ferror(stdout) ? status : EX_IOERR;
}

static int load(const struct settings *s)
{
	struct result *r = calloc(1, sizeof *r);
	int rc = r ? engine_run(s, r) : -ENOMEM;
	int status = EX_OSERR;

	if (rc == 0)
		status = deliver(r, s);
	else
		fprintf(stderr, "bobbin-load: the load could not be set up: %s\n",
			strerrordesc_np(-rc));
	free(r);
	return status;
}

int run_main(int argc, char **argv)
{
	struct settings settings;
	char fault[OPTIONS_FAULT_MAX];

	switch (options_parse(argc, argv, &settings, fault)) {
	case OPTIONS_HELP:
		options_print_help(stdout);
		return EX_OK;
	case OPTIONS_WRONG:
		fprintf(stderr, "bobbin-load: %s\nbobbin-load -h lists the options.\n", fault);
		return EX_USAGE;
	case OPTIONS_RUN:
		break;
	}
	raise_descriptor_limit();
	if (!check_sources(&settings.sources))
		return EX_USAGE;
	if (!resolve(&settings))
		return EX_UNAVAILABLE;
	return load(&settings);
}
