/* SPDX-License-Identifier: ISC */
/* load - a bobbin-load against the server of a scene. */
#include "load.h"

#include "test/process.h"
#include "test/scene.h"

#include "common/deadline.h"

#include <check.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX  48
#define RESULT     "load.json"
#define RESULT_MAX 65536

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

const char *load_start(const char *words)
{
	static char text[1024];
	const char *command[WORDS_MAX + 4] = {BOBBIN_LOAD, "--json", RESULT};
	int64_t deadline = deadline_after(PROCESS_PATIENCE_NS);
	int count = 3;

	snprintf(text, sizeof text, "%s", words);
	for (char *word = strtok(text, " "); word && count < WORDS_MAX; word = strtok(NULL, " "))
		command[count++] = word;
	load = process_start(command, NULL);
	heard = load->err.text;
	/* /proc has no event to wait for. */
	while (!takes_marks() && deadline_now() < deadline)
		poll(NULL, 0, 1);
	return takes_marks() ? NULL : load->err.text;
}

const char *load_mark(bool at_rest)
{
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

static long long number_of(const char *result, const char *key)
{
	char name[64];

	snprintf(name, sizeof name, "\"%s\": ", key);
	const char *found = strstr(result, name);
	return found ? strtoll(found + strlen(name), NULL, 10) : -1;
}

/* NULL, or a failure of the result that is not allowed. */
static const char *find_failure(const char *result, const char *allowed)
{
	static char name[64];
	const char *at = strstr(result, "\"failures\": [");
	const char *end = at ? strchr(at, ']') : NULL;

	while (at && (at = strstr(at, "\"name\": \"")) && at < end) {
		at += strlen("\"name\": \"");
		snprintf(name, sizeof name, "%.*s", (int)strcspn(at, "\""), at);
		if (!strstr(allowed, name))
			return name;
	}
	return NULL;
}

const char *load_end(const char *allowed)
{
	static char result[RESULT_MAX];
	static long long answered;

	process_kill(load, SIGINT);
	int status = process_end(load);
	FILE *file = fopen(RESULT, "re");
	size_t len = file ? fread(result, 1, sizeof result - 1, file) : 0;
	result[len] = '\0';
	if (file)
		fclose(file);
	process_free(load);
	/* 69: the stop came before the first connection. */
	if ((status != 0 && status != 1 && status != 69) || !file)
		return scene_wrong("exit status %d of the load", status);
	const char *failure = find_failure(result, allowed);
	long long cut_off = strstr(allowed, "cut_off") ? 0 : number_of(result, "cut_off");
	answered += number_of(result, "answered");
	printf("figure load: %lld answered and %lld owed at the mark so far\n", answered, owed);
	if (failure || number_of(result, "lost") || number_of(result, "mismatched") || cut_off)
		return scene_wrong(
			"%s; the load's result:\n%s", failure ? failure : "loss", result);
	return NULL;
}
