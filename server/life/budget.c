/* SPDX-License-Identifier: ISC */
/* budget - what the system allows, against what the settings ask. */
#include "budget.h"

#include "common/quantity.h"
#include "server/log.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define UNLIMITED INT64_MAX

/* Kept for everything that is no connection. */
#define DESCRIPTORS_SPARE 32
#define THREADS_SPARE     8
#define MAPPINGS_SPARE    256

/* A stack and its guard page. */
#define MAPPINGS_PER_CONNECTION 2

/* What a connection of short messages keeps in memory, measured, the kernel's share not counted. */
#define MEMORY_PER_CONNECTION INT64_C(16384)

/* Reading the system. */

/* The number in a file, or UNLIMITED ("max", no such file). */
static int64_t number_in(const char *path)
{
	int64_t value;
	FILE *file = fopen(path, "re");

	if (!file)
		return UNLIMITED;
	char text[32];
	char *end = text;
	value = fgets(text, sizeof text, file) ? strtoll(text, &end, 10) : 0;
	if (end == text)
		value = UNLIMITED;
	fclose(file);
	return value;
}

static int64_t descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return UNLIMITED;
	if (limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	return limit.rlim_cur == RLIM_INFINITY ? UNLIMITED : (int64_t)limit.rlim_cur;
}

/* RLIMIT_NPROC counts all threads of the user, and does not bind root. */
static int64_t user_threads(void)
{
	struct rlimit limit;

	if (geteuid() == 0 || getrlimit(RLIMIT_NPROC, &limit) < 0 ||
		limit.rlim_cur == RLIM_INFINITY)
		return UNLIMITED;
	return (int64_t)limit.rlim_cur;
}

static int64_t system_threads(void)
{
	return number_in("/proc/sys/kernel/threads-max");
}

static int64_t thread_ids(void)
{
	return number_in("/proc/sys/kernel/pid_max");
}

static int64_t mappings(void)
{
	return number_in("/proc/sys/vm/max_map_count");
}

/* A file of our cgroup in the unified hierarchy, or of any group above it, whichever says least. */
static int64_t cgroup_number(const char *name)
{
	char line[1024];
	char group[1024] = "";
	char path[2300];
	int64_t least = UNLIMITED;
	FILE *file = fopen("/proc/self/cgroup", "re");

	if (!file)
		return UNLIMITED;
	while (fgets(line, sizeof line, file)) {
		if (strncmp(line, "0::", 3) == 0)
			snprintf(group, sizeof group, "%.*s", (int)strcspn(line + 3, "\n"),
				line + 3);
	}
	fclose(file);
	/* From our group up to the root of what we see, which in a container is a group too. */
	for (;;) {
		snprintf(path, sizeof path, "/sys/fs/cgroup%s/%s", group, name);
		int64_t value = number_in(path);
		least = value < least ? value : least;
		char *slash = strrchr(group, '/');
		if (!slash)
			return least;
		*slash = '\0';
	}
}

static int64_t cgroup_threads(void)
{
	return cgroup_number("pids.max");
}

static int64_t cgroup_memory(void)
{
	return cgroup_number("memory.max");
}

static int64_t physical_memory(void)
{
	return (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
}

/* The rows of the budget. */

static const char waits[] = "further clients wait for a descriptor";
static const char lost[] = "further clients are closed for want of a thread";

static const struct {
	const char *key;
	int64_t (*allowed)(void);
	int64_t spare;
	int64_t per_connection;
	const char *beyond; /* what happens there */
} rows[] = {
	{"descriptors", descriptors, DESCRIPTORS_SPARE, 1, waits},
	{"user_threads", user_threads, THREADS_SPARE, 1, lost},
	{"system_threads", system_threads, THREADS_SPARE, 1, lost},
	{"thread_ids", thread_ids, THREADS_SPARE, 1, lost},
	{"cgroup_threads", cgroup_threads, THREADS_SPARE, 1, lost},
	{"mappings", mappings, MAPPINGS_SPARE, MAPPINGS_PER_CONNECTION, lost},
	{"cgroup_memory", cgroup_memory, 0, MEMORY_PER_CONNECTION, lost},
	{"physical_memory", physical_memory, 0, MEMORY_PER_CONNECTION, lost},
};

static int64_t connections(int64_t allowed, int64_t spare, int64_t each)
{
	if (allowed == UNLIMITED)
		return UNLIMITED;
	return allowed > spare ? (allowed - spare) / each : 0;
}

static int64_t memory_max(const struct settings *s)
{
	int64_t most = 0;

	for (size_t i = 0; i < s->endpoint_count; i++) {
		int64_t bytes = (int64_t)stream_memory_max(&s->endpoints[i].terms);
		most = bytes > most ? bytes : most;
	}
	return s->thread_stack_bytes + most;
}

void budget_check(const struct settings *s)
{
	char text[QUANTITY_TEXT_MAX];
	int64_t allowed[sizeof rows / sizeof *rows];
	size_t binding = 0;
	struct log_line l;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		allowed[i] = connections(rows[i].allowed(), rows[i].spare, rows[i].per_connection);
		if (allowed[i] < allowed[binding])
			binding = i;
	}
	bool enough = allowed[binding] >= s->max_connections;
	log_begin(&l, enough ? LOG_INFO : LOG_WARN, "budget");
	log_number(&l, "max_connections", s->max_connections);
	log_number(&l, "allowed", allowed[binding]);
	log_text(&l, "binding", rows[binding].key);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (allowed[i] != UNLIMITED)
			log_number(&l, rows[i].key, allowed[i]);
	}
	log_text(&l, "connection_memory_max", quantity_format_size(memory_max(s), text));
	if (!enough)
		log_text(&l, "effect", rows[binding].beyond);
	log_end(&l);
}
