/* SPDX-License-Identifier: ISC */
/*
 * ledger - a small server of line, frame and echo that is right, or wrong in one chosen way, and
 * that keeps its own record of what came and what it answered.
 *
 *   ledger RECORD SERVICE [OPTION VALUE]...
 *
 * server.h says what the options do.
 */
#include "common/quantity.h"
#include "server.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>

static bool read_duration(const char *text, void *field)
{
	return quantity_parse_duration(text, field) == 0;
}

static bool read_count(const char *text, void *field)
{
	char *end;

	errno = 0;
	*(uint64_t *)field = strtoull(text, &end, 10);
	return errno == 0 && end > text && *end == '\0';
}

static bool read_text(const char *text, void *field)
{
	*(const char **)field = text;
	return true;
}

static bool read_mode(const char *text, void *field)
{
	return answers_parse(text, field);
}

static bool read_yes(const char *text, void *field)
{
	*(bool *)field = strcmp(text, "yes") == 0;
	return *(bool *)field;
}

#define FIELD(name) offsetof(struct server_settings, name)

static const struct {
	const char *name;
	bool (*read)(const char *text, void *field);
	size_t field;
} options[] = {
	{"--mode", read_mode, FIELD(mode)},
	{"--delay", read_duration, FIELD(delay_ns)},
	{"--idle", read_duration, FIELD(idle_ns)},
	{"--hang-time", read_duration, FIELD(hang_time_ns)},
	{"--hang-after", read_count, FIELD(hang_after)},
	{"--end-after", read_count, FIELD(end_after)},
	{"--unanswered", read_count, FIELD(unanswered)},
	{"--read-at-most", read_count, FIELD(read_at_most)},
	{"--backlog", read_count, FIELD(backlog)},
	{"--speak-every", read_count, FIELD(speak_every)},
	{"--banner", read_text, FIELD(banner)},
	{"--accepts-nothing", read_yes, FIELD(accepts_nothing)},
};

static bool read_option(struct server_settings *s, const char *name, const char *value)
{
	for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
		if (strcmp(name, options[i].name) == 0)
			return value && options[i].read(value, (char *)s + options[i].field);
	}
	return false;
}

static bool read_command_line(struct server_settings *s, int argc, char **argv)
{
	if (argc < 3 || !framing_parse(argv[2], &s->framing))
		return false;
	for (int i = 3; i < argc; i += 2) {
		if (!read_option(s, argv[i], argv[i + 1]))
			return false;
	}
	return s->speak_every > 0;
}

static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	must(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
	limit.rlim_cur = limit.rlim_max;
	must(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
}

int main(int argc, char **argv)
{
	struct server_settings settings = {.backlog = 4096, .speak_every = 50};

	if (!read_command_line(&settings, argc, argv)) {
		fputs("usage: ledger RECORD line|frame|echo [OPTION VALUE]...\n", stderr);
		return EX_USAGE;
	}
	struct record *record = record_map(argv[1]);
	must(record != NULL, argv[1]);
	/* A test that waits for a line must not wait for a full buffer. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	raise_descriptor_limit();
	server_run(&settings, record);
	return EX_OK;
}
