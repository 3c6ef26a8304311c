/* SPDX-License-Identifier: ISC */
/* coordinator - the one thread that takes signals. */
#include "coordinator.h"

#include "common/deadline.h"
#include "log.h"
#include "reload.h"
#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/*
 * How often a sleeping acceptor is knocked at, and how soon a second signal is noticed during a
 * stop.
 */
#define KNOCK_NS (2 * NS_PER_MS)
#define SLICE_NS (5 * NS_PER_MS)

/* Signals. */

void coordinator_ask_stop(void)
{
	static atomic_flag asked = ATOMIC_FLAG_INIT;

	/* A second signal would cut connections. */
	if (atomic_flag_test_and_set(&asked))
		return;
	(void)kill(getpid(), SIGINT);
}

static void log_signal(enum log_level level, const char *event, int signal, const char *effect)
{
	struct log_line l;
	char name[16];

	snprintf(name, sizeof name, "SIG%s", sigabbrev_np(signal));
	log_begin(&l, level, event);
	log_text(&l, "signal", name);
	if (effect)
		log_text(&l, "effect", effect);
	log_end(&l);
}

static void tell_counters(struct coordinator *c)
{
	struct counters counters = registry_counters(c->world->registry);

	counters_log(&counters);
}

static void knock(struct coordinator *c)
{
	for (size_t i = 0; i < c->acceptor_count; i++)
		acceptor_knock(&c->acceptors[i]);
}

static void take_new_settings(struct coordinator *c)
{
	if (reload(c->world, c->command))
		/* Each would find them at its next client, too. */
		knock(c);
}

/* What a signal does, whenever it comes; the stop itself looks at stops_asked. */
static void handle(struct coordinator *c, int signal)
{
	bool stopping = c->stops_asked > 0;

	switch (signal) {
	case SIGTERM:
	case SIGINT:
		c->grace = signal == SIGTERM;
		if (++c->stops_asked > 2)
			_exit(COORDINATOR_STATUS_CUT);
		log_signal(
			LOG_INFO, "stop", signal, stopping ? "cutting what is left" : "draining");
		break;
	case SIGUSR1:
		tell_counters(c);
		break;
	case SIGHUP:
		if (!stopping)
			take_new_settings(c);
		else
			log_signal(LOG_WARN, "signal_ignored", signal, "not during a stop");
		break;
	default:
		log_signal(LOG_WARN, "signal_ignored", signal,
			stopping ? "not during a stop" : "not available in this version");
		break;
	}
}

/* Take one signal, waiting for it until deadline_ns.  Returns false if none came. */
static bool take_signal(struct coordinator *c, int64_t deadline_ns)
{
	sigset_t set = signals_waited_for();
	int64_t left = deadline_ns - deadline_now();
	struct timespec timeout = deadline_timespec(left > 0 ? left : 0);
	int signal = deadline_ns == DEADLINE_NEVER ? sigwaitinfo(&set, NULL)
						   : sigtimedwait(&set, NULL, &timeout);

	if (signal < 0)
		return errno == EINTR;
	handle(c, signal);
	return true;
}

/* The stop. */

static bool is_forced(struct coordinator *c)
{
	while (take_signal(c, 0))
		continue;
	return c->stops_asked > 1;
}

/* 1. */
static void wait_out_the_grace(struct coordinator *c)
{
	int64_t until = deadline_after(c->grace ? c->settings->drain_grace_ns : 0);

	while (c->stops_asked < 2 && deadline_now() < until)
		(void)take_signal(c, until);
}

/* 2 and 3.  Until the acceptors are done; they are bounded by the drain deadline themselves. */
static void close_the_doors(struct coordinator *c)
{
	do {
		c->woken += registry_wake_idle(c->world->registry, c->settings->drain_first_ns);
		knock(c);
	} while (barrier_wait(c->world->accepting, deadline_after(KNOCK_NS)) > 0 && !is_forced(c));
}

/* 4.  Those who have not said anything yet are looked at again and again, as they come of age. */
static unsigned wait_for_workers(struct coordinator *c, int64_t deadline)
{
	unsigned left;

	barrier_close(c->world->busy);
	do {
		int64_t slice = deadline_earlier(deadline, deadline_after(SLICE_NS));
		c->woken += registry_wake_idle(c->world->registry, c->settings->drain_first_ns);
		left = barrier_wait(c->world->busy, slice);
	} while (left > 0 && deadline_now() < deadline && !is_forced(c));
	return left;
}

/* 5.  The acceptors see STOP_FORCE and leave; then nobody new can come. */
static unsigned force(struct coordinator *c)
{
	int64_t deadline = deadline_after(c->settings->drain_force_ns);

	registry_stop(c->world->registry, STOP_FORCE, 0);
	do {
		knock(c);
	} while (barrier_wait(c->world->accepting, deadline_after(KNOCK_NS)) > 0);
	barrier_close(c->world->busy);
	c->cut = registry_cut(c->world->registry);
	return barrier_wait(c->world->busy, deadline);
}

/* 6. */
static void tell_the_end(struct coordinator *c, const struct counters *before, int64_t began_ns)
{
	struct counters after = registry_counters(c->world->registry);
	uint64_t ended = counters_ended(&after) - counters_ended(before);
	uint64_t others = c->woken + c->cut;
	struct log_line l;

	log_begin(&l, c->cut > 0 || c->left > 0 ? LOG_WARN : LOG_INFO, "stopped");
	log_number(&l, "drained", (int64_t)(ended > others ? ended - others : 0));
	log_number(&l, "idle", (int64_t)c->woken);
	log_number(&l, "cut", (int64_t)c->cut);
	log_number(&l, "stuck", c->left);
	log_number(&l, "refused", (int64_t)(after.refused - before->refused));
	log_ms(&l, "duration_ms", deadline_now() - began_ns);
	log_number(&l, "accepted_in_all", (int64_t)after.accepted);
	log_end(&l);
}

static void stop(struct coordinator *c)
{
	int64_t began = deadline_now();

	c->settings = current_hold(c->world->current);
	wait_out_the_grace(c);
	struct counters before = registry_counters(c->world->registry);
	int64_t deadline = deadline_after(c->settings->drain_timeout_ns);
	registry_stop(c->world->registry, STOP_DRAIN, deadline);
	if (!is_forced(c))
		close_the_doors(c);
	c->left = 1;
	if (!is_forced(c))
		c->left = wait_for_workers(c, deadline);
	if (c->left > 0)
		c->left = force(c);
	tell_the_end(c, &before, began);
	settings_release(c->settings);
}

static void *coordinate(void *arg)
{
	struct coordinator *c = arg;

	signals_unblock_others();
	while (c->stops_asked == 0)
		(void)take_signal(c, DEADLINE_NEVER);
	stop(c);
	return NULL;
}

int coordinator_start(struct coordinator *c)
{
	return -pthread_create(&c->thread, NULL, coordinate, c);
}

static bool lost_a_listener(const struct coordinator *c)
{
	for (size_t i = 0; i < c->acceptor_count; i++) {
		if (atomic_load(&c->acceptors[i].lost))
			return true;
	}
	return false;
}

int coordinator_join(struct coordinator *c)
{
	(void)pthread_join(c->thread, NULL);
	if (c->cut > 0 || c->left > 0)
		return COORDINATOR_STATUS_CUT;
	return lost_a_listener(c) ? EX_OSERR : EX_OK;
}
