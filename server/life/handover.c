/* SPDX-License-Identifier: ISC */
/* handover - another process takes the listeners over. */
#include "handover.h"

#include "common/deadline.h"
#include "server/log.h"
#include "server/notify.h"
#include "server/succession/successor.h"
#include "stop.h"

#include <errno.h>
#include <stdlib.h>

/* How often a sleeping acceptor is knocked at, and how soon a signal or the successor is noticed. */
#define KNOCK_NS (2 * NS_PER_MS)
#define SLICE_NS (5 * NS_PER_MS)

/* How soon a signal is noticed by one who has a successor and waits for the last connections. */
#define PATIENT_SLICE_NS (20 * NS_PER_MS)

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
	current_replace(c->server->current, current_hold(c->server->current));
	hand_on(c, false);
	coordinator_knock(c);
	for (size_t i = 0; i < c->acceptor_count; i++)
		acceptor_keep(&c->acceptors[i]);
	counters_add(c->server->counters, COUNTER_HANDOVERS_FAILED, 1);
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
		(void)coordinator_take_signal(c, deadline_earlier(until, deadline_after(SLICE_NS)));
	}
}

static void tell_handed_over(struct coordinator *c, const struct successor *s)
{
	struct log_line l;

	log_begin(&l, LOG_INFO, "handed_over");
	log_number(&l, "successor_pid", s->pid);
	log_number(&l, "connections", (int64_t)registry_active(c->server->registry));
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
	registry_stop(c->server->registry, STOP_SUCCEEDED, 0);
	do {
		coordinator_knock(c);
		left = barrier_wait(c->server->accepting, deadline_after(KNOCK_NS));
		(void)coordinator_is_forced(c);
		if (!told && (!accepts_beside_successor(c) || c->stops_asked > 0)) {
			tell_handed_over(c, s);
			told = true;
		}
	} while (left > 0 && c->stops_asked == 0 && deadline_now() < c->outlived_until_ns);
	successor_release(s);
	c->handover = HANDOVER_DONE;
}

void handover_run(struct coordinator *c)
{
	struct successor s;
	struct log_line l;

	c->handover = HANDOVER_GOES_ON;
	c->settings = current_hold(c->server->current);
	log_begin(&l, LOG_INFO, "handover");
	log_text(&l, "program", c->program);
	log_end(&l);
	coordinator_spend_reserve(c);
	int rc = start_successor(c, &s);
	coordinator_renew_reserve(c);
	if (rc < 0)
		tell_failed(c, NULL, "the successor could not be started", -rc);
	if (rc == 0 && is_succeeded_in_time(c, &s)) {
		give_way(c, &s);
	} else {
		if (rc == 0)
			successor_end(&s);
		/* Its pipe was of the reserve. */
		coordinator_renew_reserve(c);
		take_back(c);
		c->handover = HANDOVER_NO;
	}
	settings_release(c->settings);
}

bool handover_outlive(struct coordinator *c)
{
	int64_t began = deadline_now();
	int64_t until = c->outlived_until_ns;
	struct counts before = registry_counts(c->server->registry);
	unsigned left;

	/* A listener that the successor does not use may still be at its queue. */
	if (c->stops_asked > 0 || barrier_wait(c->server->accepting, 0) > 0)
		return false;
	barrier_close(c->server->busy);
	do {
		int64_t slice = deadline_earlier(until, deadline_after(PATIENT_SLICE_NS));
		left = barrier_wait(c->server->busy, slice);
		(void)coordinator_is_forced(c);
	} while (left > 0 && deadline_now() < until && c->stops_asked == 0);
	if (left == 0)
		stop_tell_the_end(c, &before, began);
	return left == 0;
}
