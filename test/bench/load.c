/* SPDX-License-Identifier: ISC */
/* load - one run of bobbin-load on one server. */
#include "load.h"

#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* A run has to be over so long after it should be. */
#define PATIENCE_S 60

/* Before each run of a closed loop, not measured. */
#define RAMP_SHARE 8

/* bobbin-load's exit status when it was late itself, which is no matter for memory. */
#define NOT_VALID 3

/* Seeds are the same in each run, so that all servers have the same bytes. */
#define SEED 20261121

/* One address has 28,000 ports; those of connections that the client closed rest for a second. */
#define MANY_SOURCES "--source 127.0.0.2-127.0.0.9"
#define PORTS_SAFE   5000

/* Connections that rest talk once a second; each has talked by the time of the look. */
#define TALKING_MS    2000
#define LOOK_AFTER_MS 1700

#define FAIL_IF                                                                                    \
	"--fail-if 'errors>0' --fail-if 'mismatches>0' --fail-if 'lost>0' --fail-if 'cut_off>0' "  \
	"--fail-if 'not_sent>0'"

static FILE *start(const struct bench_case *of, const struct programs *p,
	const struct child *server, int64_t run_ms, double rate)
{
	char amount[64];
	char pace[64] = "";
	char life[64] = "";
	char command[1024];

	snprintf(amount, sizeof amount, "-d %" PRId64 "ms", run_ms);
	if (of->kind == CLOSED_LOOP)
		snprintf(amount, sizeof amount, "-d %" PRId64 "ms --ramp %" PRId64 "ms", run_ms,
			run_ms / RAMP_SHARE);
	else if (of->kind == AT_ONCE)
		snprintf(amount, sizeof amount, "-n %u", of->connections);
	if (rate > 0)
		snprintf(pace, sizeof pace, "--rate %.0f", rate);
	if (of->per_connection)
		snprintf(life, sizeof life, "--per-connection %u", of->per_connection);
	snprintf(command, sizeof command,
		"exec timeout %" PRId64 " '%s/../load/bobbin-load' --json - --seed %d -c %u -P %u "
		"-s %uB -t %u %s %s %s %s %s 127.0.0.1:%u=%s 2>&1",
		run_ms / 1000 + PATIENCE_S, p->folder, SEED, of->connections, of->in_flight,
		of->bytes, of->threads, amount, pace, life,
		of->per_connection || of->connections > PORTS_SAFE ? MANY_SOURCES : "", FAIL_IF,
		(unsigned)server->port, service_names[of->service]);
	return popen(command, "re");
}

/*
 * The result is bobbin-load's own JSON, and whole if the exit status says so; a value is found by the
 * text before it.  Returns the text of a member of the outermost object, or of a member of that; or "".
 */
static const char *value_of(const char *json, const char *object, const char *name)
{
	char key[64];
	const char *at;

	snprintf(key, sizeof key, "\n  \"%s\": ", object);
	at = strstr(json, key);
	if (at && name) {
		snprintf(key, sizeof key, "\"%s\": ", name);
		at = strstr(at, key);
	}
	return at ? at + strlen(key) : "";
}

static double number_of(const char *json, const char *object, const char *name)
{
	const char *text = value_of(json, object, name);
	char *end;
	double number = strtod(text, &end);

	return end == text ? NAN : number;
}

static void spoil(struct sample *s, const char *what, const char *text)
{
	snprintf(s->fault, sizeof s->fault, "%s%s", what, text);
	s->fault[strcspn(s->fault, "\n")] = '\0';
	for (char *c = s->fault; *c; c++) {
		if (*c == '"' || *c == '\\')
			*c = '\'';
	}
}

static void read_result(const struct bench_case *of, const char *json, struct sample *s)
{
	s->of[RATE] = number_of(json, "throughput", "replies_per_s");
	s->of[P50] = number_of(json, "latency", "p50_ns");
	s->of[P99] = number_of(json, "latency", "p99_ns");
	s->of[SERVER_CPU] /= number_of(json, "messages", "answered");
	s->client_was_limit = *value_of(json, "client", "was_the_limit") == 't';
	if (!(number_of(json, "connections_opened", NULL) >= of->connections))
		spoil(s, "not all connections were opened", "");
	else if (!(s->of[RATE] > 0 && s->of[P50] > 0 && s->of[P99] > 0))
		spoil(s, "no reply was measured", "");
}

static void finish(
	const struct bench_case *of, const struct child *server, FILE *client, struct sample *s)
{
	double cpu_ns = server_cpu_ns(server);
	char *text = NULL;
	size_t size = 0;
	bool has_text = client && getdelim(&text, &size, '\0', client) > 0;
	int status = client ? pclose(client) : -1;
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

	s->of[SERVER_CPU] = server_cpu_ns(server) - cpu_ns;
	if (code == NOT_VALID && of->kind != RESTING) {
		s->client_was_late = true;
	} else if (code != 0 && code != NOT_VALID) {
		const char *first = has_text ? value_of(text, "failures", "first") : "";
		spoil(s, "bobbin-load: ", *first || !has_text ? first : text);
	} else {
		read_result(of, has_text ? text : "", s);
	}
	free(text);
}

struct sample load_run(const struct bench_case *of, const struct plan *plan,
	const struct child *server, double rate)
{
	const struct programs *p = &plan->programs;
	struct sample s = {.fault = ""};

	if (of->kind != RESTING) {
		finish(of, server, start(of, p, server, plan->run_ms, rate), &s);
		s.of[RESIDENT] = s.of[MEMORY] = NAN;
		return s;
	}
	struct memory before = server_memory(server);
	FILE *client = start(of, p, server, TALKING_MS, of->connections);
	(void)poll(NULL, 0, LOOK_AFTER_MS);
	struct memory then = server_memory(server);
	finish(of, server, client, &s);
	for (int m = 0; m < METRICS; m++)
		s.of[m] = NAN;
	/* What it has grown by when all connections have talked. */
	s.of[RESIDENT] = (then.resident_bytes - before.resident_bytes) / of->connections;
	s.of[MEMORY] = s.of[RESIDENT] + (then.kernel_bytes - before.kernel_bytes) / of->connections;
	return s;
}
