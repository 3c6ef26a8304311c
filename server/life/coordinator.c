/* SPDX-License-Identifier: ISC */
/* coordinator - the one thread that takes signals. */
#include "coordinator.h"

#include "common/deadline.h"
#include "handover.h"
#include "reload.h"
#include "server/log.h"
#include "server/notify.h"
#include "server/signals.h"
#include "stop.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* For so long nobody is accepted, at the most, when a change needs the last descriptors. */
#define HOLD_NS NS_PER_S

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
	struct counts counts = registry_counts(c->server->registry);

	counters_complete(c->server->counters, &counts);
	counters_log(&counts);
}

void coordinator_knock(struct coordinator *c)
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

void coordinator_spend_reserve(struct coordinator *c)
{
	if (!reserve_is_needed())
		return;
	registry_hold_back(c->server->registry, deadline_after(HOLD_NS));
	reserve_spend(&c->reserve);
}

void coordinator_renew_reserve(struct coordinator *c)
{
	reserve_fill(&c->reserve);
	registry_hold_back(c->server->registry, 0);
}

static void take_new_settings(struct coordinator *c)
{
	notify_reloading();
	coordinator_spend_reserve(c);
	bool good = reload(c->server, c->command);
	coordinator_renew_reserve(c);
	if (good) {
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
	if (c->handover == HANDOVER_DONE)
		return "a successor serves";
	return c->handover == HANDOVER_GOES_ON ? "a successor is being started" : NULL;
}

static void ask_stop(struct coordinator *c, int signal)
{
	bool again = c->stops_asked > 0;

	/* Nobody comes in any more where a successor accepts. */
	c->grace = signal == SIGTERM && c->handover != HANDOVER_DONE;
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
		c->handover = HANDOVER_ASKED;
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

bool coordinator_take_signal(struct coordinator *c, int64_t deadline_ns)
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
bool coordinator_is_forced(struct coordinator *c)
{
	while (coordinator_take_signal(c, 0))
		continue;
	return c->stops_asked > 1;
}

/* The thread. */

static void *coordinate(void *arg)
{
	struct coordinator *c = arg;

	signals_unblock_others();
	while (c->stops_asked == 0 && c->handover != HANDOVER_DONE) {
		(void)coordinator_take_signal(c, DEADLINE_NEVER);
		if (c->handover == HANDOVER_ASKED)
			handover_run(c);
	}
	c->settings = current_hold(c->server->current);
	if (c->handover != HANDOVER_DONE || !handover_outlive(c))
		stop_run(c);
	settings_release(c->settings);
	return NULL;
}

int coordinator_start(struct coordinator *c)
{
	reserve_fill(&c->reserve);
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
