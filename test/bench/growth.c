/* SPDX-License-Identifier: ISC */
/* growth - bobbind as its connections become more. */
#include "growth.h"

#include "process.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint32_t sizes[GROWTH_STEPS] = {1, 10, 100, 1000, 5000, 10000, 19000};

/* The memory of fewer is lost in that of the rest of the system. */
#define MEMORY_FROM 1000

#define BYTES       64

static struct bench_case case_of(uint32_t connections, enum kind kind)
{
	return (struct bench_case){
		.name = "growth",
		.kind = kind,
		.service = LINE,
		.connections = connections,
		.in_flight = 1,
		.bytes = BYTES,
		.threads = 1,
		.contestants = BIT(BOBBIND),
	};
}

int growth_read_budget(const char *log, unsigned long *allowed, char *binding, size_t size)
{
	const char *line = strstr(log, "event=budget");
	const char *end = line ? strchr(line, '\n') : NULL;
	const char *number = end ? strstr(line, " allowed=") : NULL;
	const char *name = end ? strstr(line, " binding=") : NULL;

	if (!number || !name || number > end || name > end)
		return -ENOENT;
	name += strlen(" binding=");
	*allowed = strtoul(number + strlen(" allowed="), NULL, 10);
	snprintf(binding, size, "%.*s", (int)strcspn(name, " \n"), name);
	return 0;
}

/* What bobbind itself says of the system.  Without a word from it there is no bound. */
static int find_bound(const struct plan *plan, unsigned long *allowed, char *binding, size_t size)
{
	const char *argv[CONTESTANT_ARGUMENTS];
	struct process server;
	in_port_t port;

	*allowed = sizes[GROWTH_STEPS - 1];
	contestant_command(BOBBIND, plan->programs, LINE, BYTES, argv);
	int rc = process_start(&server, argv);
	if (rc < 0)
		return 0;
	rc = process_await_port(&server, &port);
	char *log = rc == 0 ? process_errors(&server) : NULL;
	if (log)
		(void)growth_read_budget(log, allowed, binding, size);
	free(log);
	process_end(&server);
	return rc == -EINTR ? rc : 0;
}

/* One case, and of its medians those that are none of the other's. */
static int measure(struct growth_step *s, enum kind kind, const struct plan *plan)
{
	static struct outcome outcomes[CONTESTANTS];
	const struct outcome *o = &outcomes[BOBBIND];
	struct bench_case c = case_of(s->connections, kind);
	int rc = contest_run(&c, BIT(BOBBIND), plan, outcomes);

	if (rc < 0)
		return rc;
	if (o->fault[0]) {
		memcpy(s->fault, o->fault, sizeof s->fault);
		return 0;
	}
	for (int m = 0; m < METRICS; m++) {
		double median = spread_of(o->of[m], o->count).median;
		if (!isnan(median))
			s->of[m] = median;
	}
	return 0;
}

static int take_step(struct growth_step *s, uint32_t connections, const struct plan *plan)
{
	*s = (struct growth_step){.connections = connections};
	for (int m = 0; m < METRICS; m++)
		s->of[m] = NAN;
	int rc = measure(s, LOAD, plan);
	if (rc == 0 && !s->fault[0] && connections >= MEMORY_FROM)
		rc = measure(s, IDLE, plan);
	s->kernel = s->of[MEMORY] - s->of[RESIDENT];
	return rc;
}

int growth_measure(struct growth *g, const struct plan *plan)
{
	unsigned long allowed;
	char binding[64] = "";
	int rc = find_bound(plan, &allowed, binding, sizeof binding);

	*g = (struct growth){.count = 0};
	while (rc == 0 && g->count < GROWTH_STEPS && !g->end[0]) {
		uint32_t connections = sizes[g->count];
		if (connections > allowed) {
			snprintf(g->end, sizeof g->end, "%s: %lu connections are allowed", binding,
				allowed);
			break;
		}
		struct growth_step *s = &g->steps[g->count++];
		rc = take_step(s, connections, plan);
		memcpy(g->end, s->fault, sizeof g->end);
	}
	return rc;
}

int64_t growth_takes_ms(const struct plan *plan)
{
	int64_t all = 0;

	for (size_t i = 0; i < GROWTH_STEPS; i++) {
		struct bench_case load = case_of(sizes[i], LOAD);
		struct bench_case rest = case_of(sizes[i], IDLE);
		all += contest_takes_ms(&load, BIT(BOBBIND), plan);
		if (sizes[i] >= MEMORY_FROM)
			all += contest_takes_ms(&rest, BIT(BOBBIND), plan);
	}
	return all;
}
