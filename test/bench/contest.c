/* SPDX-License-Identifier: ISC */
/* contest - runs a case: its servers in turn, round by round. */
#include "contest.h"

#include "common/deadline.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* Descriptors that a server or the client needs beside those of its connections. */
#define DESCRIPTORS_SPARE 200

static void spoil(struct entrant *e, const char *why)
{
	if (!e->fault[0])
		snprintf(e->fault, sizeof e->fault, "%s", why);
}

static void start(
	struct entrant *e, enum server s, const struct contest *c, const struct plan *plan)
{
	char log[256] = "";

	if (server_start(&e->child, s, c->rows[0]->of, &plan->programs))
		return;
	(void)!pread(e->child.log_fd, log, sizeof log - 1, 0);
	fprintf(stderr, "bobbin-bench: %s did not start: %s\n", server_name(s), log);
	spoil(e, "it did not start");
}

static void enter(enum server s, struct contest *c, const struct plan *plan)
{
	const struct bench_case *of = c->rows[0]->of;
	struct entrant *e = &c->entrants[s];
	struct rlimit limit = {.rlim_cur = 0};

	(void)getrlimit(RLIMIT_NOFILE, &limit);
	e->absent = true;
	if (access(server_program(s, &plan->programs), X_OK) < 0)
		spoil(e, "it is not there");
	else if (limit.rlim_cur < of->connections + DESCRIPTORS_SPARE)
		spoil(e, "the limit of open files is too low");
	else
		e->absent = false;
	/* Memory is not given back by every server: there each round has a new one. */
	if (!e->absent && of->kind != RESTING)
		start(e, s, c, plan);
}

/* Load it, and keep what is measured as the round's.  Returns whether the round can count. */
static bool run_one(enum server server, struct contest *c, const struct plan *plan)
{
	struct entrant *e = &c->entrants[server];
	const struct bench_case *of = c->rows[0]->of;
	struct sample s = {.fault = ""};

	if (!e->takes_part || e->fault[0])
		return true;
	if (of->kind == RESTING)
		start(e, server, c, plan);
	if (!e->fault[0]) {
		s = load_run(of, plan, &e->child, c->rate);
		server_rest(&e->child);
		/* A server that ends by itself has served its last run badly. */
		spoil(e, s.fault[0] || !server_has_ended(&e->child, 0) ? s.fault : "it ended");
	}
	for (int m = 0; m < METRICS; m++)
		e->of[m][c->rounds] = s.of[m];
	e->client_limited += s.client_was_limit;
	if (of->kind == RESTING)
		server_end(&e->child);
	return !s.client_was_late;
}

/* Runs in a closed loop, whose figures the first round overwrites.  An open one has half of floor's rate. */
static void warm_up(struct contest *c, const struct plan *plan)
{
	enum kind kind = c->rows[0]->of->kind;

	for (int s = 0; s < SERVERS && (kind == CLOSED_LOOP || kind == OPEN_LOOP); s++) {
		(void)run_one(s, c, plan);
		c->entrants[s].client_limited = 0;
	}
	if (kind != OPEN_LOOP)
		return;
	c->rate = c->entrants[FLOOR].of[RATE][0] / 2;
	for (int s = 0; s < SERVERS && !(c->rate > 0); s++)
		spoil(&c->entrants[s], "floor's rate is not known");
}

static void shuffle(enum server order[SERVERS])
{
	for (int s = 0; s < SERVERS; s++) {
		long place = random() % (s + 1);
		order[s] = order[place];
		order[place] = s;
	}
}

/* Is there a row that another round could tell more of? */
static bool is_wide(const struct contest *c)
{
	for (size_t i = 0; i < c->row_count; i++) {
		const char *why;
		struct verdict v = contest_judge(c, c->rows[i], &why);
		if (!why && !verdict_is_narrow(&v))
			return true;
	}
	return false;
}

/* No round begins that would end after the deadline, if there is one. */
static void run_rounds(struct contest *c, const struct plan *plan, int64_t deadline_ns)
{
	enum server order[SERVERS] = {0};
	int64_t longest_ns = 0;

	while (c->rounds + c->dropped < plan->rounds && is_wide(c)) {
		int64_t began = deadline_now();
		if (plan->server_ms && began + longest_ns > deadline_ns)
			return;
		shuffle(order);
		bool counts = true;
		for (int i = 0; i < SERVERS; i++)
			counts &= run_one(order[i], c, plan);
		c->rounds += counts;
		c->dropped += !counts;
		int64_t took = deadline_now() - began;
		longest_ns = took > longest_ns ? took : longest_ns;
	}
}

static bool is_needed(enum server s, const struct contest *c)
{
	for (size_t i = 0; i < c->row_count; i++) {
		const struct row *row = c->rows[i];
		if (row->subject == s || row->against == s ||
			(s == FLOOR && row->of->kind == OPEN_LOOP))
			return true;
	}
	return false;
}

void contest_run(
	struct contest *c, const struct row *const *rows, size_t row_count, const struct plan *plan)
{
	int64_t deadline_ns = deadline_now();

	*c = (struct contest){.rows = rows, .row_count = row_count};
	for (int s = 0; s < SERVERS; s++) {
		if (!is_needed(s, c))
			continue;
		c->entrants[s].takes_part = true;
		deadline_ns += plan->server_ms * NS_PER_MS;
		enter(s, c, plan);
	}
	warm_up(c, plan);
	run_rounds(c, plan, deadline_ns);
	for (int s = 0; s < SERVERS; s++)
		server_end(&c->entrants[s].child);
}

struct verdict contest_judge(const struct contest *c, const struct row *row, const char **why)
{
	const struct entrant *own = &c->entrants[row->subject];
	const struct entrant *other = row->against == NONE ? NULL : &c->entrants[row->against];
	const struct entrant *broken = own->fault[0] ? own
		: other && other->fault[0]           ? other
						     : NULL;
	struct verdict v = verdict_of(own->of[row->metric], other ? other->of[row->metric] : NULL,
		broken ? 0 : c->rounds, row->sense, row->bound);

	*why = broken ? broken->fault : NULL;
	if (broken && broken->absent)
		v.state = ABSENT;
	else if (!broken && v.state == INVALID && c->rounds > 0)
		*why = "a figure is not a number above 0";
	return v;
}
