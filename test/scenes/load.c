/* SPDX-License-Identifier: ISC */
/* load - a bobbin-load against the server of a scene, one at a time. */
#include "stage.h"

#include "test/json_scan.h"

#include "common/deadline.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESULT "load.json"

/* How many marks it may take until two tell the same. */
#define MARKS_MAX 100

static struct process *load;
static const char *heard; /* so much of what it says has been read */
static long long owed;

/* True once it takes SIGUSR1 as the mark; before, it would die of it. */
static bool takes_marks(void)
{
	char path[64];
	char line[256];
	unsigned long long blocked = 0;

	snprintf(path, sizeof path, "/proc/%d/status", (int)load->pid);
	FILE *file = fopen(path, "re");
	while (file && fgets(line, sizeof line, file)) {
		if (strncmp(line, "SigBlk:", 7) == 0)
			blocked = strtoull(line + 7, NULL, 16);
	}
	if (file)
		fclose(file);
	return blocked >> (SIGUSR1 - 1) & 1;
}

/* WORDS: start it so, and wait until it can be told something. */
const char *play_load(const struct scene_call *c)
{
	const char *command[STAGE_ARGUMENTS_MAX + 4] = {BOBBIN_LOAD, "--json", RESULT};
	int64_t deadline = deadline_after(PROCESS_PATIENCE_NS);
	int count = 3;

	for (char *word = strtok(c->args[0], " "); word && count < STAGE_ARGUMENTS_MAX;
		word = strtok(NULL, " "))
		command[count++] = word;
	load = process_start(command, NULL);
	heard = load->err.text;
	/* /proc has no event to wait for. */
	while (!takes_marks() && deadline_now() < deadline)
		poll(NULL, 0, 1);
	return takes_marks() ? NULL : load->err.text;
}

/*
 * now or at-rest: it notes which of its requests the server's kernel has acknowledged: those are owed.  At
 * rest: once nothing is under way any more, for a server that stands still.
 */
const char *play_mark(const struct scene_call *c)
{
	bool at_rest = strcmp(c->args[0], "at-rest") == 0;
	long long before = -1;
	long long now = -2;

	for (int i = 0; i < MARKS_MAX && before != now; i++) {
		before = at_rest ? now : -1;
		process_kill(load, SIGUSR1);
		heard = process_await_next(load, &load->err, heard, "marked:");
		const char *found = strstr(heard, ", ");
		now = found ? strtoll(found + 2, NULL, 10) : -1;
		if (!at_rest)
			break;
	}
	owed += now;
	return now >= 0 ? NULL : "it says nothing of requests";
}

static double number(const char *result, const char *path)
{
	double value;

	return json_scan_number(result, path, &value) == 0 ? value : -1;
}

/* True if each failure of the result is allowed. */
static bool is_allowed(const char *result, const char *allowed)
{
	char path[64];
	char name[64];
	size_t count = 0;

	if (json_scan_count(result, "failures", &count) < 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		snprintf(path, sizeof path, "failures.%zu.name", i);
		if (json_scan_text(result, path, name, sizeof name) < 0 || !strstr(allowed, name))
			return false;
	}
	return true;
}

/* FAILURE...: it ends; no request was lost or wrongly answered, and nothing failed but so. */
const char *play_unload(const struct scene_call *c)
{
	static char result[1 << 20];
	static double answered;

	process_kill(load, SIGINT);
	int status = process_end(load);
	FILE *file = fopen(RESULT, "re");
	size_t len = file ? fread(result, 1, sizeof result - 1, file) : 0;
	result[len] = '\0';
	if (file)
		fclose(file);
	process_free(load);
	/* 69: the stop came before the first connection. */
	if (status != 0 && status != 1 && status != 69)
		return scene_wrong("exit status %d of the load", status);
	answered += number(result, "messages.answered");
	printf("figure load: %.0f answered and %lld owed at the mark so far\n", answered, owed);
	if (is_allowed(result, c->args[0]) && number(result, "messages.lost") == 0 &&
		number(result, "messages.mismatched") == 0 &&
		(strstr(c->args[0], "cut_off") || number(result, "messages.cut_off") == 0))
		return NULL;
	return scene_wrong("the load's result:\n%.3000s", result);
}
