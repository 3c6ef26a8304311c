/* SPDX-License-Identifier: ISC */
/* coordinator - the one thread that takes signals. */
#include "coordinator.h"

#include "common/deadline.h"
#include "log.h"
#include "notify.h"
#include "reload.h"
#include "signals.h"
#include "successor.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/*
 * How often a sleeping acceptor is knocked at, and how soon a second signal is noticed during a
 * stop.
 */
#define KNOCK_NS (2 * NS_PER_MS)
#define SLICE_NS (5 * NS_PER_MS)

/* How soon a signal is noticed by one who has a successor and waits for his last connections. */
#define PATIENT_SLICE_NS (20 * NS_PER_MS)

/* What a stop may take beyond the bounds of its steps, for who waits for it. */
#define MARGIN_NS NS_PER_S

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

void coordinator_notify_ready(const struct coordinator *c)
{
	char where[512];

	notify_ready("Listening on %s",
		listener_list(c->listeners, c->acceptor_count, where, sizeof where));
}

static void take_new_settings(struct coordinator *c)
{
	notify_reloading();
	if (reload(c->world, c->command)) {
		for (size_t i = 0; i < c->acceptor_count; i++)
			acceptor_renew(&c->acceptors[i]);
	}
	coordinator_notify_ready(c);
}

/* Why a signal that changes how things are cannot be heeded now, or NULL. */
static const char *no_change_now(const struct coordinator *c)
{
	if (c->stops_asked > 0)
		return "not during a stop";
	if (c->succession == SUCCESSION_DONE)
		return "a successor serves";
	return c->succession == SUCCESSION_GOES_ON ? "a successor is being started" : NULL;
}

static void ask_stop(struct coordinator *c, int signal)
{
	bool again = c->stops_asked > 0;

	/* Nobody comes in any more where a successor accepts. */
	c->grace = signal == SIGTERM && c->succession != SUCCESSION_DONE;
	if (++c->stops_asked > 2)
		_exit(COORDINATOR_STATUS_CUT);
	log_signal(LOG_INFO, "stop", signal, again ? "cutting what is left" : "draining");
}

static void change(struct coordinator *c, int signal)
{
	const char *obstacle = no_change_now(c);

	if (obstacle)
		log_signal(LOG_WARN, "signal_ignored", signal, obstacle);
	else if (signal == SIGHUP)
		take_new_settings(c);
	else
		c->succession = SUCCESSION_ASKED;
}

/* What a signal does, whenever it comes; the stop itself looks at stops_asked. */
static void handle(struct coordinator *c, int signal)
{
	switch (signal) {
	case SIGTERM:
	case SIGINT:
		ask_stop(c, signal);
		break;
	case SIGUSR1:
		tell_counters(c);
		break;
	default:
		change(c, signal);
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

/*
 * 2 and 3.  Until the acceptors are done, which end by themselves at the drain's deadline; one that
 * should not has until the end of the last step.  True: nobody can come any more.
 */
static bool close_the_doors(struct coordinator *c, int64_t deadline)
{
	int64_t until = deadline_from(deadline, c->settings->drain_force_ns);
	unsigned left;

	do {
		c->woken += registry_wake_idle(c->world->registry, c->settings->drain_first_ns);
		knock(c);
		left = barrier_wait(c->world->accepting, deadline_after(KNOCK_NS));
	} while (left > 0 && deadline_now() < until && !is_forced(c));
	return left == 0;
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

	notify_extend(c->settings->drain_force_ns + MARGIN_NS);
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

/* Who waits for our end is told how long that may take, which drain.grace can make long. */
static void tell_the_beginning(struct coordinator *c)
{
	const struct settings *s = c->settings;

	notify_stopping();
	notify_extend(s->drain_grace_ns + s->drain_timeout_ns + s->drain_force_ns + MARGIN_NS);
	notify_status("Draining %llu connections",
		(unsigned long long)registry_counters(c->world->registry).active);
}

static void stop(struct coordinator *c)
{
	int64_t began = deadline_now();

	tell_the_beginning(c);
	wait_out_the_grace(c);
	struct counters before = registry_counters(c->world->registry);
	int64_t deadline = deadline_after(c->settings->drain_timeout_ns);
	registry_stop(c->world->registry, STOP_DRAIN, deadline);
	c->left = 1;
	if (!is_forced(c) && close_the_doors(c, deadline) && !is_forced(c))
		c->left = wait_for_workers(c, deadline);
	if (c->left > 0)
		c->left = force(c);
	tell_the_end(c, &before, began);
}

/* The succession. */

/* Each listener that is not lost, and whose place each is among those handed over. */
static size_t gather_sockets(struct coordinator *c, struct successor_socket *sockets)
{
	size_t count = 0;

	for (size_t i = 0; i < c->acceptor_count; i++) {
		if (atomic_load(&c->acceptors[i].lost))
			continue;
		sockets[count] = (struct successor_socket){
			.fd = c->listeners[i].fd,
			.name = c->listeners[i].endpoint->name,
			.origin = c->listeners[i].origin,
		};
		c->places[count++] = i;
	}
	return count;
}

/* The successor sets options of the listeners that we share with it from now on. */
static void hand_on(struct coordinator *c, bool handing_on)
{
	for (size_t i = 0; i < c->acceptor_count; i++)
		acceptor_hand_on(&c->acceptors[i], handing_on);
}

/* Returns 0 or -errno. */
static int start_successor(struct coordinator *c, struct successor *s)
{
	struct successor_socket *sockets = calloc(c->acceptor_count, sizeof *sockets);

	if (!sockets)
		return -ENOMEM;
	size_t count = gather_sockets(c, sockets);
	hand_on(c, true);
	int rc = count == 0 ? -ENOTSOCK
			    : successor_start(s, c->program, c->command->argv, sockets, count);
	free(sockets);
	return rc;
}

/* It is not to be.  Listeners that it may have changed get our own options again. */
static void take_back(struct coordinator *c)
{
	current_replace(c->world->current, current_hold(c->world->current));
	hand_on(c, false);
	knock(c);
	for (size_t i = 0; i < c->acceptor_count; i++)
		acceptor_keep(&c->acceptors[i]);
	registry_count_failed_handover(c->world->registry);
}

static void tell_failed(
	const struct coordinator *c, const struct successor *s, const char *reason, int error)
{
	struct log_line l;

	log_begin(&l, LOG_ERROR, "handover_failed");
	log_text(&l, "reason", reason);
	if (s)
		successor_add_reason(s, &l);
	if (error)
		log_errno(&l, error);
	log_text(&l, "effect", c->stops_asked > 0 ? "both end" : "this server goes on");
	log_end(&l);
}

/* True: it is ready.  False: it is gone, or took too long, or we were asked to stop; all told. */
static bool is_succeeded_in_time(struct coordinator *c, struct successor *s)
{
	int64_t until = deadline_after(c->settings->handover_timeout_ns);
	unsigned place;

	for (;;) {
		switch (successor_hear(s, &place)) {
		case SUCCESSOR_READY:
			return true;
		case SUCCESSOR_FAILED:
			tell_failed(c, s, "the successor ended before it was ready", 0);
			return false;
		case SUCCESSOR_UNUSED:
			acceptor_not_wanted(&c->acceptors[c->places[place]]);
			continue;
		case SUCCESSOR_NONE:
			break;
		}
		/* Only now: one that is ready already has clients. */
		if (c->stops_asked > 0) {
			tell_failed(c, NULL, "asked to stop meanwhile", 0);
			return false;
		}
		if (deadline_now() >= until) {
			tell_failed(
				c, NULL, "the successor was not ready within handover.timeout", 0);
			return false;
		}
		(void)take_signal(c, deadline_earlier(until, deadline_after(SLICE_NS)));
	}
}

static void tell_handed_over(struct coordinator *c, const struct successor *s)
{
	struct log_line l;

	log_begin(&l, LOG_INFO, "handed_over");
	log_number(&l, "successor_pid", s->pid);
	log_number(&l, "connections", (int64_t)registry_counters(c->world->registry).active);
	log_end(&l);
}

/* True: an acceptor whose listener is the successor's may still take a client from it. */
static bool accepts_beside_successor(const struct coordinator *c)
{
	for (size_t i = 0; i < c->acceptor_count; i++) {
		const struct acceptor *a = &c->acceptors[i];
		if (atomic_load(&a->adopted) && !atomic_load(&a->acknowledged))
			return true;
	}
	return false;
}

/*
 * It serves: leave it the listeners that it uses, drain the others, and wake nobody.  Until the
 * acceptors are done, or a stop is asked for, which closes them too.  Who connects after it was told
 * is the successor's.
 */
static void give_way(struct coordinator *c, struct successor *s)
{
	bool told = false;
	unsigned left;

	c->outlived_until_ns = deadline_after(c->settings->handover_drain_ns);
	for (size_t i = 0; i < c->acceptor_count; i++)
		acceptor_give_away(&c->acceptors[i]);
	notify_main_pid(s->pid);
	notify_silence();
	registry_stop(c->world->registry, STOP_SUCCEEDED, 0);
	do {
		knock(c);
		left = barrier_wait(c->world->accepting, deadline_after(KNOCK_NS));
		(void)is_forced(c);
		if (!told && (!accepts_beside_successor(c) || c->stops_asked > 0)) {
			tell_handed_over(c, s);
			told = true;
		}
	} while (left > 0 && c->stops_asked == 0 && deadline_now() < c->outlived_until_ns);
	successor_release(s);
	c->succession = SUCCESSION_DONE;
}

static void succeed(struct coordinator *c)
{
	struct successor s;
	struct log_line l;

	c->succession = SUCCESSION_GOES_ON;
	c->settings = current_hold(c->world->current);
	log_begin(&l, LOG_INFO, "handover");
	log_text(&l, "program", c->program);
	log_end(&l);
	int rc = start_successor(c, &s);
	if (rc < 0)
		tell_failed(c, NULL, "the successor could not be started", -rc);
	if (rc == 0 && is_succeeded_in_time(c, &s)) {
		give_way(c, &s);
	} else {
		if (rc == 0)
			successor_end(&s);
		take_back(c);
		c->succession = SUCCESSION_NO;
	}
	settings_release(c->settings);
}

/* The connections that stayed with us.  True: all have ended, and there is nothing to stop. */
static bool wait_for_the_last(struct coordinator *c)
{
	int64_t began = deadline_now();
	int64_t until = c->outlived_until_ns;
	struct counters before = registry_counters(c->world->registry);
	unsigned left;

	/* A listener that the successor does not use may still be at its queue. */
	if (c->stops_asked > 0 || barrier_wait(c->world->accepting, 0) > 0)
		return false;
	barrier_close(c->world->busy);
	do {
		int64_t slice = deadline_earlier(until, deadline_after(PATIENT_SLICE_NS));
		left = barrier_wait(c->world->busy, slice);
		(void)is_forced(c);
	} while (left > 0 && deadline_now() < until && c->stops_asked == 0);
	if (left == 0)
		tell_the_end(c, &before, began);
	return left == 0;
}

/* The thread. */

static void *coordinate(void *arg)
{
	struct coordinator *c = arg;

	signals_unblock_others();
	while (c->stops_asked == 0 && c->succession != SUCCESSION_DONE) {
		(void)take_signal(c, DEADLINE_NEVER);
		if (c->succession == SUCCESSION_ASKED)
			succeed(c);
	}
	c->settings = current_hold(c->world->current);
	if (c->succession != SUCCESSION_DONE || !wait_for_the_last(c))
		stop(c);
	settings_release(c->settings);
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
