/* SPDX-License-Identifier: ISC */
/* load - one run of bobbin-load on one server. */
#include "load.h"

#include "common/deadline.h"
#include "scan.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * How often the server's processor time is read.  With many threads that is work, for the kernel
 * adds them up.
 */
#define LOOK_MS      10
#define LOOK_MANY_MS 100
#define MANY         2000

#define LOOKS_MAX    4096

/* bobbin-load's exit status for a schedule that was not kept. */
#define OFF_SCHEDULE 3

/* One address has 28,000 ports; those of connections that the client closed rest for a second. */
#define MANY_SOURCES "127.0.0.2-127.0.0.9"
#define PORTS_SAFE   5000

struct sample sample_empty(void)
{
	struct sample s = {.client_was_limit = false};

	for (int m = 0; m < METRICS; m++)
		s.of[m] = NAN;
	return s;
}

__attribute__((format(printf, 2, 3))) static int say(char fault[FAULT_MAX], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(fault, FAULT_MAX, format, args);
	va_end(args);
	return -EPROTO;
}

/* The command line. */

struct command {
	const char *argv[40];
	size_t count;
	char texts[20][32];
	size_t texts_used;
};

static void add(struct command *c, const char *word)
{
	c->argv[c->count++] = word;
	c->argv[c->count] = NULL;
}

static void add_quantity(struct command *c, uint64_t number, const char *unit)
{
	char *text = c->texts[c->texts_used++];

	snprintf(text, sizeof c->texts[0], "%llu%s", (unsigned long long)number, unit);
	add(c, text);
}

static void add_number(struct command *c, const char *option, uint64_t number, const char *unit)
{
	add(c, option);
	add_quantity(c, number, unit);
}

static int start_bare(const struct load_order *o, struct process *client)
{
	struct command c = {.count = 0};

	add(&c, o->programs->bare);
	add(&c, service_name(o->of->service));
	add_quantity(&c, o->port, "");
	add_quantity(&c, o->of->connections, "");
	add_quantity(&c, o->of->bytes, "");
	add_quantity(&c, (uint64_t)o->ramp_ms, "");
	add_quantity(&c, (uint64_t)o->run_ms, "");
	return process_start(client, c.argv);
}

int load_start(const struct load_order *o, struct process *client)
{
	const struct bench_case *of = o->of;
	struct command c = {.count = 0};
	char where[64];

	if (o->bare)
		return start_bare(o, client);
	add(&c, o->programs->bobbin_load);
	add(&c, "--json");
	add(&c, "-");
	add_number(&c, "-c", of->connections, "");
	add_number(&c, "-P", of->in_flight, "");
	add_number(&c, "-s", of->bytes, "B");
	add_number(&c, "-t", of->threads, "");
	add_number(&c, "--seed", o->seed, "");
	if (o->messages)
		add_number(&c, "-n", o->messages, "");
	else
		add_number(&c, "-d", (uint64_t)o->run_ms, "ms");
	if (o->ramp_ms)
		add_number(&c, "--ramp", (uint64_t)o->ramp_ms, "ms");
	if (o->rate)
		add_number(&c, "--rate", o->rate, "");
	if (of->per_connection)
		add_number(&c, "--per-connection", of->per_connection, "");
	if (of->per_connection || of->connections > PORTS_SAFE) {
		add(&c, "--source");
		add(&c, MANY_SOURCES);
	}
	snprintf(where, sizeof where, "127.0.0.1:%u=%s", (unsigned)o->port,
		service_name(of->service));
	add(&c, where);
	return process_start(client, c.argv);
}

/* The server's processor time while it is loaded. */

struct looks {
	int64_t at_ns[LOOKS_MAX];
	int64_t cpu_ns[LOOKS_MAX];
	size_t count;
};

static void look(struct looks *l, pid_t server)
{
	int64_t cpu = server ? process_cpu_ns(server) : -1;

	if (cpu < 0)
		return;
	/* A run that takes longer than it should loses its last place to each newer one. */
	size_t i = l->count < LOOKS_MAX ? l->count++ : LOOKS_MAX - 1;
	l->at_ns[i] = deadline_now();
	l->cpu_ns[i] = cpu;
}

/* In between two looks, as if it had been used evenly. */
static double used_until(const struct looks *l, int64_t moment_ns)
{
	size_t i = 1;

	while (i + 1 < l->count && l->at_ns[i] < moment_ns)
		i++;
	double span = (double)(l->at_ns[i] - l->at_ns[i - 1]);
	double share = span > 0 ? (double)(moment_ns - l->at_ns[i - 1]) / span : 0;
	share = share < 0 ? 0 : share > 1 ? 1 : share;
	return (double)l->cpu_ns[i - 1] + share * (double)(l->cpu_ns[i] - l->cpu_ns[i - 1]);
}

/* The result. */

/* The first place in which the JSON is not as it should be makes the run worthless. */
struct reading {
	const char *json;
	const char *wrong;
};

static double number(struct reading *r, const char *path)
{
	double value = NAN;

	if (scan_number(r->json, path, &value) < 0 && !r->wrong)
		r->wrong = path;
	return value;
}

static bool yes(struct reading *r, const char *path)
{
	bool value = false;

	if (scan_bool(r->json, path, &value) < 0 && !r->wrong)
		r->wrong = path;
	return value;
}

static size_t entries(struct reading *r, const char *path)
{
	size_t count = 0;

	if (scan_count(r->json, path, &count) < 0 && !r->wrong)
		r->wrong = path;
	return count;
}

static int find_failure(struct reading *r, char fault[FAULT_MAX])
{
	char name[64] = "";
	char first[128] = "";

	if (entries(r, "failures") == 0)
		return 0;
	(void)scan_text(r->json, "failures.0.name", name, sizeof name);
	(void)scan_text(r->json, "failures.0.first", first, sizeof first);
	return say(fault, "%.0f failures \"%s\": %s", number(r, "failures.0.count"), name, first);
}

/* For memory it is enough that all have talked. */
static bool is_timed(const struct load_order *o)
{
	return o->of->kind != IDLE;
}

/* Anything but replies, all right, to all that was sent, in time. */
static int find_fault(struct reading *r, const struct load_order *o, char fault[FAULT_MAX])
{
	static const char *const none_of[] = {
		"messages.mismatched", "messages.lost", "messages.cut_off"};
	int rc = find_failure(r, fault);

	for (size_t i = 0; rc == 0 && i < sizeof none_of / sizeof *none_of; i++) {
		double count = number(r, none_of[i]);
		if (count > 0)
			rc = say(fault, "%.0f %s", count, none_of[i]);
	}
	if (rc < 0)
		return rc;
	if (!yes(r, "reached"))
		return say(fault, "the server was not reached");
	if (yes(r, "interrupted"))
		return say(fault, "the load was interrupted");
	if (is_timed(o) && !yes(r, "client.schedule_kept"))
		return say(fault, "the client did not keep its schedule");
	if (number(r, "connections_opened") < o->of->connections)
		return say(fault, "only %.0f connections were opened",
			number(r, "connections_opened"));
	if (number(r, "messages.measured") < 1)
		return say(fault, "no reply was measured");
	return 0;
}

static void take_figures(struct reading *r, const struct load_order *o, struct sample *s)
{
	s->of[RATE] = number(r, "throughput.replies_per_s");
	s->of[CLIENT_CPU] = number(r, "client.cpu_ns_per_message");
	if (o->bare)
		return;
	s->of[P50] = number(r, "latency.p50_ns");
	s->of[P99] = number(r, "latency.p99_ns");
	s->client_was_limit = yes(r, "client.was_the_limit");
}

int load_read(struct process *client, int status, const struct load_order *o, struct sample *sample,
	char fault[FAULT_MAX])
{
	char *json = process_output(client);
	struct reading r = {.json = json ? json : ""};

	*sample = sample_empty();
	int rc = *r.json ? find_fault(&r, o, fault) : 0;
	if (status == OFF_SCHEDULE && !is_timed(o))
		status = 0;
	if (rc == 0 && status != 0) {
		char *errors = process_errors(client);
		rc = say(fault, "the load client ended with %d: %s", status, errors ? errors : "");
		fault[strcspn(fault, "\n")] = '\0';
		free(errors);
	}
	if (rc == 0)
		take_figures(&r, o, sample);
	if (rc == 0 && r.wrong)
		rc = say(fault, "the client's result has no %s", r.wrong);
	free(json);
	return rc;
}

static void take_server_cost(const struct looks *l, const struct load_order *o, int64_t started_ns,
	struct reading *r, struct sample *s)
{
	int64_t from = started_ns + (int64_t)number(r, "opening_ns") + o->ramp_ms * NS_PER_MS;
	int64_t to = from + (int64_t)number(r, "measured_ns");

	if (l->count >= 2)
		s->of[SERVER_CPU] =
			(used_until(l, to) - used_until(l, from)) / number(r, "messages.measured");
}

int load_run(const struct load_order *o, struct sample *sample, char fault[FAULT_MAX])
{
	static struct looks looks;
	struct process client;
	int64_t started = deadline_now();
	int64_t deadline = started + (o->run_ms + o->ramp_ms + LOAD_PATIENCE_MS) * NS_PER_MS;
	int interval = o->of->connections > MANY ? LOOK_MANY_MS : LOOK_MS;
	int rc = load_start(o, &client);

	if (rc < 0)
		return say(fault, "the load client did not start: %s", strerrordesc_np(-rc));
	looks.count = 0;
	do {
		look(&looks, o->server);
		rc = process_wait(&client, interval);
	} while (rc == -ETIMEDOUT && deadline_now() < deadline);
	look(&looks, o->server);
	if (rc >= 0)
		rc = load_read(&client, rc, o, sample, fault);
	else if (rc == -ETIMEDOUT)
		rc = say(fault, "the load client did not end");
	char *json = rc == 0 ? process_output(&client) : NULL;
	if (json)
		take_server_cost(&looks, o, started, &(struct reading){.json = json}, sample);
	free(json);
	process_end(&client);
	return rc;
}
