/* SPDX-License-Identifier: ISC */
/*
 * calls - the system calls that a message and a connection cost bobbind.
 *
 * The same load is run once and twice as long, each on a new server; the difference is what the load
 * costs, without the start and the stop.
 */
#include "calls.h"

#include "common/deadline.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STRACE      "strace"
#define MESSAGES    500
#define CONNECTIONS 200
#define END_MS      20000
#define LOOK_MS     5

/* What stands before the server's own command. */
#define TRACE_ARGUMENTS 9

#define NAMES_MAX       64

struct calls {
	struct {
		char name[32];
		double count;
	} of[NAMES_MAX];
	size_t names;
};

bool calls_can_be_counted(void)
{
	const char *folders = getenv("PATH");
	char path[512];

	while (folders && *folders) {
		size_t len = strcspn(folders, ":");
		snprintf(path, sizeof path, "%.*s/%s", (int)len, folders, STRACE);
		if (access(path, X_OK) == 0)
			return true;
		folders += len + (folders[len] == ':');
	}
	return false;
}

static double *place_of(struct calls *c, const char *name)
{
	size_t i = 0;

	while (i < c->names && strcmp(c->of[i].name, name) != 0)
		i++;
	if (i == NAMES_MAX)
		return NULL;
	if (i == c->names) {
		snprintf(c->of[i].name, sizeof c->of[i].name, "%s", name);
		c->of[i].count = 0;
		c->names++;
	}
	return &c->of[i].count;
}

/* Lines of a number and a name, but for the sum at the end. */
static void add_summary(struct calls *c, char *text, double weight)
{
	char name[32];
	double count;
	char *rest;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (sscanf(line, "%lf %31s", &count, name) != 2 || strcmp(name, "total") == 0)
			continue;
		double *place = place_of(c, name);
		if (place)
			*place += weight * count;
	}
}

/*
 * Our child is the server, and strace(1) a grandchild (-D), so that the server is ended like any
 * other; strace ends with it, and its summary comes a little later.
 */
static int end_server(struct process *server, char **summary)
{
	int64_t deadline = deadline_after(END_MS * NS_PER_MS);

	kill(server->pid, SIGTERM);
	int rc = process_wait(server, END_MS);
	while (rc >= 0 && deadline_now() < deadline) {
		*summary = process_output(server);
		if (*summary && strstr(*summary, "total\n"))
			return 0;
		free(*summary);
		*summary = NULL;
		rc = process_pause(LOOK_MS);
	}
	return rc < 0 ? rc : -ETIMEDOUT;
}

/* One load under strace, its calls added with that weight. */
static int count_one(const struct load_order *order, uint64_t messages, double weight,
	struct calls *calls, char fault[FAULT_MAX])
{
	const char *argv[CONTESTANT_ARGUMENTS + TRACE_ARGUMENTS] = {
		STRACE, "-f", "-qq", "-c", "-D", "-U", "calls,name", "-o", "/proc/self/fd/1"};
	struct load_order load = *order;
	struct process server;
	char *summary = NULL;
	struct sample sample;

	contestant_command(BOBBIND, order->programs, order->of->service, order->of->bytes,
		argv + TRACE_ARGUMENTS);
	int rc = process_start(&server, argv);
	if (rc < 0)
		return rc;
	rc = process_await_port(&server, &load.port);
	load.server = 0;
	load.ramp_ms = 0;
	load.messages = messages;
	if (rc == 0)
		rc = load_run(&load, &sample, fault);
	if (rc == 0)
		rc = end_server(&server, &summary);
	if (rc == 0)
		add_summary(calls, summary, weight);
	free(summary);
	process_end(&server);
	return rc;
}

static int count_each(const struct load_order *order, uint64_t messages, struct calls *calls,
	char fault[FAULT_MAX])
{
	*calls = (struct calls){.names = 0};
	int rc = count_one(order, messages, -1.0 / (double)messages, calls, fault);
	if (rc == 0)
		rc = count_one(order, 2 * messages, 1.0 / (double)messages, calls, fault);
	if (rc < 0 && rc != -EINTR && !fault[0])
		snprintf(fault, FAULT_MAX, "strace(1): %s", strerrordesc_np(-rc));
	return rc;
}

/* A thread's way to the next connection: how often it sleeps hangs on who waits for whom. */
static bool is_of_hand_over(const char *name)
{
	return strcmp(name, "futex") == 0 || strcmp(name, "sched_yield") == 0;
}

/* Those that make a difference, and their sum without those of the hand-over. */
static double tell(const struct calls *c, const char *what, char *note)
{
	size_t len = strlen(note);
	double sum = 0;

	len += (size_t)snprintf(note + len, FAULT_MAX - len, "%s:", what);
	for (size_t i = 0; i < c->names && len < FAULT_MAX; i++) {
		double count = c->of[i].count;
		if (!is_of_hand_over(c->of[i].name))
			sum += count;
		if (count >= 0.005 || count <= -0.005)
			len += (size_t)snprintf(
				note + len, FAULT_MAX - len, " %s %.2f", c->of[i].name, count);
	}
	return sum;
}

int calls_count(const struct load_order *order, struct sample *sample, char note[FAULT_MAX],
	char fault[FAULT_MAX])
{
	struct bench_case one_each = *order->of;
	struct load_order opening = *order;
	struct calls calls;

	*sample = sample_empty();
	note[0] = '\0';
	int rc = count_each(order, MESSAGES, &calls, fault);
	if (rc < 0)
		return rc;
	sample->of[MESSAGE_CALLS] = tell(&calls, "a message", note);
	one_each.per_connection = 1;
	opening.of = &one_each;
	rc = count_each(&opening, CONNECTIONS, &calls, fault);
	if (rc < 0)
		return rc;
	sample->of[OPENING_CALLS] = tell(&calls, "; a connection", note);
	return 0;
}
