/* SPDX-License-Identifier: ISC */
/* stop - the end of the server, each step with a bound. */
#include "stop.h"

#include "common/deadline.h"
#include "server/log.h"
#include "server/notify.h"

/* How often a sleeping acceptor is knocked at, and how soon a second signal is noticed. */
#define KNOCK_NS (2 * NS_PER_MS)
#define SLICE_NS (5 * NS_PER_MS)

/* What a stop may take beyond the bounds of its steps, for who waits for it. */
#define MARGIN_NS NS_PER_S

/* 1. */
static void wait_out_the_grace(struct coordinator *c)
{
	int64_t until = deadline_after(c->grace ? c->settings->drain_grace_ns : 0);

	while (c->stops_asked < 2 && deadline_now() < until)
		(void)coordinator_take_signal(c, until);
}

/*
 * 2 and 3.  Until the acceptors are done, which end by themselves at the drain's deadline; one that
 * should not has until the end of the last step.  True: nobody can come any more.
 */
static bool close_the_doors(struct coordinator *c, int64_t deadline)
{
	int64_t until = deadline_from(deadline, c->settings->drain_force_ns);
	unsigned left;

	do {
		c->woken += registry_wake_idle(c->server->registry, c->settings->drain_first_ns);
		coordinator_knock(c);
		left = barrier_wait(c->server->accepting, deadline_after(KNOCK_NS));
	} while (left > 0 && deadline_now() < until && !coordinator_is_forced(c));
	return left == 0;
}

/* 4.  Those who have not said anything yet are looked at again and again, as they come of age. */
static unsigned wait_for_workers(struct coordinator *c, int64_t deadline)
{
	unsigned left;

	barrier_close(c->server->busy);
	do {
		int64_t slice = deadline_earlier(deadline, deadline_after(SLICE_NS));
		c->woken += registry_wake_idle(c->server->registry, c->settings->drain_first_ns);
		left = barrier_wait(c->server->busy, slice);
	} while (left > 0 && deadline_now() < deadline && !coordinator_is_forced(c));
	return left;
}

/* 5.  The acceptors see STOP_FORCE and leave; then nobody new can come. */
static unsigned force(struct coordinator *c)
{
	int64_t deadline = deadline_after(c->settings->drain_force_ns);

	notify_extend(c->settings->drain_force_ns + MARGIN_NS);
	registry_stop(c->server->registry, STOP_FORCE, 0);
	do {
		coordinator_knock(c);
	} while (barrier_wait(c->server->accepting, deadline_after(KNOCK_NS)) > 0);
	barrier_close(c->server->busy);
	registry_cut(c->server->registry);
	unsigned left = barrier_wait(c->server->busy, deadline);
	c->cut = registry_cut_owing(c->server->registry);
	return left;
}

/* 6. */
void stop_tell_the_end(struct coordinator *c, const struct counts *before, int64_t began_ns)
{
	struct counts after = registry_counts(c->server->registry);
	uint64_t ended = after.of[COUNTER_ENDED] - before->of[COUNTER_ENDED];
	uint64_t others = c->woken + c->cut;
	struct log_line l;

	log_begin(&l, c->cut > 0 || c->left > 0 ? LOG_WARN : LOG_INFO, "stopped");
	log_number(&l, "drained", (int64_t)(ended > others ? ended - others : 0));
	log_number(&l, "idle", (int64_t)c->woken);
	log_number(&l, "cut", (int64_t)c->cut);
	log_number(&l, "stuck", c->left);
	log_number(
		&l, "refused", (int64_t)(after.of[COUNTER_REFUSED] - before->of[COUNTER_REFUSED]));
	log_ms(&l, "duration_ms", deadline_now() - began_ns);
	log_number(&l, "accepted_in_all", (int64_t)after.of[COUNTER_ACCEPTED]);
	log_end(&l);
}

/* Who waits for our end is told how long that may take, which drain.grace can make long. */
static void tell_the_beginning(struct coordinator *c)
{
	const struct settings *s = c->settings;

	notify_stopping();
	notify_extend(s->drain_grace_ns + s->drain_timeout_ns + s->drain_force_ns + MARGIN_NS);
	notify_status("Draining %llu connections",
		(unsigned long long)registry_active(c->server->registry));
}

void stop_run(struct coordinator *c)
{
	int64_t began = deadline_now();

	tell_the_beginning(c);
	wait_out_the_grace(c);
	struct counts before = registry_counts(c->server->registry);
	int64_t deadline = deadline_after(c->settings->drain_timeout_ns);
	registry_stop(c->server->registry, STOP_DRAIN, deadline);
	c->left = 1;
	if (!coordinator_is_forced(c) && close_the_doors(c, deadline) && !coordinator_is_forced(c))
		c->left = wait_for_workers(c, deadline);
	if (c->left > 0)
		c->left = force(c);
	stop_tell_the_end(c, &before, began);
}
