/* SPDX-License-Identifier: ISC */
/* stop - the end of the server, each step with a bound. */
#include "stop.h"

#include "answer.h"
#include "server/log.h"
#include "server/notify.h"

#include "common/deadline.h"

/* How often a sleeping acceptor is knocked at, and how soon a second signal is noticed. */
#define KNOCK_NS (2 * NS_PER_MS)
#define SLICE_NS (5 * NS_PER_MS)

/* What a stop may take beyond the bounds of its steps, for a manager that waits for it. */
#define MARGIN_NS NS_PER_S

/* A stop under way. */
struct stop {
	const struct server *server;
	const struct acceptors *acceptors;
	const struct settings *settings;
	struct requests *requests;
	struct stop_result result;
};

static bool is_at_once(struct stop *s)
{
	answer_all(s->requests, s->server, NULL);
	return requests_stop_at_once(s->requests);
}

static void wake_idle(struct stop *s)
{
	s->result.woken += registry_wake_idle(s->server->registry, s->settings->drain_first_ns);
}

/* 1. */
static void wait_out_the_grace(struct stop *s)
{
	int64_t until = deadline_after(s->settings->drain_grace_ns);

	while (!requests_stop_at_once(s->requests) && deadline_now() < until)
		(void)answer_next(s->requests, s->server, NULL, until);
}

/*
 * 2 and 3.  Until the acceptors are done, which end by themselves at the drain's deadline; one that
 * should not has until the end of the last step.  True: no connection can come any more.
 */
static bool close_the_doors(struct stop *s, int64_t deadline)
{
	int64_t until = deadline_from(deadline, s->settings->drain_force_ns);
	unsigned left;

	do {
		wake_idle(s);
		acceptors_knock(s->acceptors);
		left = barrier_wait(s->server->accepting, deadline_after(KNOCK_NS));
	} while (left > 0 && deadline_now() < until && !is_at_once(s));
	return left == 0;
}

/* 4.  Connections that have said nothing yet are looked at again and again, as they come of age. */
static unsigned wait_for_workers(struct stop *s, int64_t deadline)
{
	unsigned left;

	barrier_close(s->server->busy);
	do {
		int64_t slice = deadline_earlier(deadline, deadline_after(SLICE_NS));
		wake_idle(s);
		left = barrier_wait(s->server->busy, slice);
	} while (left > 0 && deadline_now() < deadline && !is_at_once(s));
	return left;
}

/* 5.  The acceptors see STOP_FORCE and leave; then no new connection can come. */
static unsigned force(struct stop *s)
{
	int64_t deadline = deadline_after(s->settings->drain_force_ns);

	notify_extend(s->settings->drain_force_ns + MARGIN_NS);
	registry_stop(s->server->registry, STOP_FORCE, 0);
	do {
		acceptors_knock(s->acceptors);
	} while (barrier_wait(s->server->accepting, deadline_after(KNOCK_NS)) > 0);
	barrier_close(s->server->busy);
	registry_cut(s->server->registry);
	unsigned left = barrier_wait(s->server->busy, deadline);
	s->result.cut = registry_cut_owing(s->server->registry);
	return left;
}

/* 6. */
void stop_tell_the_end(const struct server *server, const struct stop_result *result,
	const struct counts *before, int64_t began_ns)
{
	struct counts after = registry_counts(server->registry);
	uint64_t ended = after.of[COUNTER_ENDED] - before->of[COUNTER_ENDED];
	uint64_t others = result->woken + result->cut;
	struct log_line l;

	log_begin(&l, result->cut > 0 || result->left > 0 ? LOG_WARN : LOG_INFO, "stopped");
	log_number(&l, "drained", (int64_t)(ended > others ? ended - others : 0));
	log_number(&l, "idle", (int64_t)result->woken);
	log_number(&l, "cut", (int64_t)result->cut);
	log_number(&l, "stuck", result->left);
	log_number(
		&l, "refused", (int64_t)(after.of[COUNTER_REFUSED] - before->of[COUNTER_REFUSED]));
	log_ms(&l, "duration_ms", deadline_now() - began_ns);
	log_number(&l, "accepted_in_all", (int64_t)after.of[COUNTER_ACCEPTED]);
	log_end(&l);
}

/* A manager that waits for our end is told how long that may take: drain.grace can make it long. */
static void tell_the_beginning(const struct stop *stop)
{
	const struct settings *s = stop->settings;

	notify_stopping();
	notify_extend(s->drain_grace_ns + s->drain_timeout_ns + s->drain_force_ns + MARGIN_NS);
	notify_status("Draining %llu connections",
		(unsigned long long)registry_active(stop->server->registry));
}

struct stop_result stop_run(const struct server *server, const struct acceptors *acceptors,
	const struct settings *settings, struct requests *requests, bool grace)
{
	struct stop s = {
		.server = server,
		.acceptors = acceptors,
		.settings = settings,
		.requests = requests,
	};
	int64_t began = deadline_now();

	tell_the_beginning(&s);
	if (grace)
		wait_out_the_grace(&s);
	struct counts before = registry_counts(server->registry);
	int64_t deadline = deadline_after(settings->drain_timeout_ns);
	registry_stop(server->registry, STOP_DRAIN, deadline);
	unsigned left = 1;
	if (!is_at_once(&s) && close_the_doors(&s, deadline) && !is_at_once(&s))
		left = wait_for_workers(&s, deadline);
	if (left > 0)
		left = force(&s);
	s.result.left = left;
	stop_tell_the_end(server, &s.result, &before, began);
	return s.result;
}
