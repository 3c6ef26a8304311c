/* SPDX-License-Identifier: ISC */
/* contest - runs a case: its servers in turn, round by round. */
#include "contest.h"

#include "calls.h"
#include "load.h"
#include "process.h"
#include "resting.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

/* A server that has not used its processor for so long has closed what it had to. */
#define QUIET_MS         40
#define QUIET_PATIENCE_S 10

/* What opening and closing a connection takes, both sides, and what a run takes besides. */
#define CONNECTION_US 100
#define RUN_MS        60

/* Seeds are the same in each round, so that all servers have the same bytes. */
#define SEED 20261121

static int leave_out(struct outcome *o, const char *why)
{
	o->absent = true;
	snprintf(o->fault, sizeof o->fault, "%s", why);
	return 0;
}

/* Servers. */

static int start(struct process *server, in_port_t *port, const struct bench_case *c,
	enum contestant who, const struct plan *plan, struct outcome *o)
{
	const char *argv[CONTESTANT_ARGUMENTS];

	contestant_command(who, plan->programs, c->service, c->bytes, argv);
	int rc = process_start(server, argv);
	if (rc == 0)
		rc = process_await_port(server, port);
	if (rc < 0 && rc != -EINTR)
		snprintf(o->fault, sizeof o->fault, "%s did not start: %s", argv[0],
			strerrordesc_np(-rc));
	return rc;
}

/* Until it has dealt with the connections of the last run. */
static int await_quiet(pid_t pid)
{
	int64_t before = -1;

	for (int i = 0; i < QUIET_PATIENCE_S * 1000 / QUIET_MS; i++) {
		int64_t cpu = process_cpu_ns(pid);
		if (cpu == before)
			return 0;
		before = cpu;
		int rc = process_pause(QUIET_MS);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Runs. */

static void keep(struct outcome *o, const struct sample *sample)
{
	for (int m = 0; m < METRICS; m++)
		o->of[m][o->count] = sample->of[m];
	o->count++;
	o->client_limited += sample->client_was_limit;
}

static struct load_order order_of(
	const struct bench_case *c, enum contestant who, const struct plan *plan)
{
	return (struct load_order){
		.of = c,
		.programs = plan->programs,
		.run_ms = plan->run_ms,
		.ramp_ms = c->at_once || c->half_of ? 0 : plan->ramp_ms,
		.messages = c->at_once ? c->connections : 0,
		.rate = c->half_of ? plan->rate : 0,
		.seed = SEED,
		.bare = contestant_server(who) != who,
	};
}

struct entrant {
	enum contestant who;
	struct process own; /* zeroed: it shares another's */
	struct process *server;
	in_port_t port;
	struct outcome *outcome;
};

/* One that ends behind our back has served its last run badly. */
static int find_it_alive(struct entrant *e)
{
	int rc = process_wait(e->server, 0);

	if (rc >= 0 && !e->outcome->fault[0])
		snprintf(e->outcome->fault, FAULT_MAX, "the server ended with %d", rc);
	return rc == -EINTR ? rc : 0;
}

/* One run on one server.  Returns 0 even if that has made it invalid. */
static int run_one(
	struct entrant *e, const struct bench_case *c, const struct plan *plan, bool warm_up)
{
	struct load_order order = order_of(c, e->who, plan);
	struct sample sample;

	if (e->outcome->fault[0])
		return 0;
	order.port = e->port;
	order.server = e->server->pid;
	if (warm_up)
		order.run_ms /= 2;
	int rc = load_run(&order, &sample, e->outcome->fault);
	if (rc == 0 && !warm_up)
		keep(e->outcome, &sample);
	if (rc != -EINTR)
		rc = await_quiet(e->server->pid);
	process_drop_output(e->server);
	return rc < 0 ? rc : find_it_alive(e);
}

/* Each round begins with another server, so that none always follows the same. */
static int run_rounds(
	struct entrant *entrants, size_t count, const struct bench_case *c, const struct plan *plan)
{
	for (size_t i = 0; i < count && !c->at_once; i++) {
		int rc = run_one(&entrants[i], c, plan, true);
		if (rc < 0)
			return rc;
	}
	for (size_t round = 0; round < plan->rounds; round++) {
		for (size_t i = 0; i < count; i++) {
			int rc = run_one(&entrants[(round + i) % count], c, plan, false);
			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

static const struct entrant *find(const struct entrant *entrants, size_t count, enum contestant who)
{
	for (size_t i = 0; i < count; i++) {
		if (entrants[i].who == who)
			return &entrants[i];
	}
	return NULL;
}

/* The next of the entrants: with a process of its own, or with that of an earlier one. */
static int enter(struct entrant *entrants, size_t count, const struct bench_case *c,
	enum contestant who, const struct plan *plan, struct outcome *o)
{
	const struct entrant *owner = find(entrants, count, contestant_server(who));
	struct entrant *e = &entrants[count];

	*e = (struct entrant){.who = who, .server = &e->own, .outcome = o};
	if (!owner)
		return start(&e->own, &e->port, c, who, plan, o);
	e->server = owner->server;
	e->port = owner->port;
	memcpy(o->fault, owner->outcome->fault, sizeof o->fault);
	return 0;
}

static int run_load(const struct bench_case *c, unsigned contestants, const struct plan *plan,
	struct outcome *outcomes)
{
	struct entrant entrants[CONTESTANTS];
	size_t count = 0;
	int rc = 0;

	for (int who = 0; who < CONTESTANTS && rc != -EINTR; who++) {
		if (!(contestants & BIT(who)) || outcomes[who].fault[0])
			continue;
		rc = enter(entrants, count++, c, who, plan, &outcomes[who]);
	}
	if (rc != -EINTR)
		rc = run_rounds(entrants, count, c, plan);
	for (size_t i = 0; i < count; i++)
		process_end(&entrants[i].own);
	return rc;
}

/* Memory is not given back by every server: each round has a new one. */
static int run_resting(const struct bench_case *c, unsigned contestants, const struct plan *plan,
	struct outcome *outcomes)
{
	struct load_order order = order_of(c, BOBBIND, plan);
	struct sample sample;

	for (size_t i = 0; i < plan->rounds; i++) {
		for (int who = 0; who < CONTESTANTS; who++) {
			struct outcome *o = &outcomes[who];
			if (!(contestants & BIT(who)) || o->fault[0])
				continue;
			struct process server = {.pid = 0};
			int rc = start(&server, &order.port, c, who, plan, o);
			order.server = server.pid;
			if (rc == 0)
				rc = resting_measure(&order, &sample, o->fault);
			process_end(&server);
			if (rc == -EINTR)
				return rc;
			if (rc == 0)
				keep(o, &sample);
		}
	}
	return 0;
}

static int run_calls(const struct bench_case *c, const struct plan *plan, struct outcome *outcomes)
{
	struct load_order order = order_of(c, BOBBIND, plan);
	struct outcome *o = &outcomes[BOBBIND];
	struct sample sample;

	if (!calls_can_be_counted())
		return leave_out(o, "strace(1) is not installed");
	int rc = calls_count(&order, &sample, o->note, o->fault);
	if (rc == 0)
		keep(o, &sample);
	return rc == -EINTR ? rc : 0;
}

static bool has_descriptors(const struct bench_case *c)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) < 0 ||
		limit.rlim_cur >= c->connections + DESCRIPTORS_SPARE;
}

static void clear(const struct bench_case *c, unsigned contestants, const struct plan *plan,
	struct outcome *outcomes)
{
	for (int who = 0; who < CONTESTANTS; who++) {
		struct outcome *o = &outcomes[who];
		*o = (struct outcome){.count = 0};
		if (!(contestants & BIT(who)))
			continue;
		if (!contestant_is_there(who, plan->programs))
			leave_out(o, "was not built");
		else if (!has_descriptors(c))
			leave_out(o, "the limit of open files is too low");
		else if (c->half_of && plan->rate == 0)
			snprintf(o->fault, sizeof o->fault, "floor's rate is not known");
	}
}

int contest_run(const struct bench_case *c, unsigned contestants, const struct plan *plan,
	struct outcome *outcomes)
{
	clear(c, contestants, plan, outcomes);
	switch (c->kind) {
	case IDLE:
		return run_resting(c, contestants, plan, outcomes);
	case CALLS:
		return run_calls(c, plan, outcomes);
	case LOAD:
		break;
	}
	return run_load(c, contestants, plan, outcomes);
}

int64_t contest_takes_ms(const struct bench_case *c, unsigned contestants, const struct plan *plan)
{
	int64_t opening = (int64_t)c->connections * CONNECTION_US / 1000;
	int64_t loading = c->at_once ? opening : plan->run_ms + plan->ramp_ms;
	int64_t one = loading + opening + RUN_MS + 2 * QUIET_MS;
	int64_t all = 0;

	if (c->kind == CALLS)
		return contestants ? 4000 : 0;
	for (int who = 0; who < CONTESTANTS; who++) {
		if (!(contestants & BIT(who)) || !contestant_is_there(who, plan->programs))
			continue;
		all += c->kind == IDLE ? (int64_t)plan->rounds *
				(resting_takes_ms(c->connections) + opening + RUN_MS)
				       : (int64_t)(plan->rounds + !c->at_once) * one;
	}
	return all;
}
