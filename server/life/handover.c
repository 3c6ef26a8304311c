/* SPDX-License-Identifier: ISC */
/* handover - another process takes the listeners over. */
#include "handover.h"

#include "answer.h"
#include "server/log.h"
#include "server/notify.h"
#include "server/succession/successor.h"
#include "stop.h"

#include "common/deadline.h"

#include <errno.h>
#include <stdlib.h>

/* How often a sleeping acceptor is knocked at, and how soon a signal or the successor is noticed. */
#define KNOCK_NS (2 * NS_PER_MS)
#define SLICE_NS (5 * NS_PER_MS)

/* How soon a signal is noticed when a successor serves and the last connections are waited for. */
#define PATIENT_SLICE_NS (20 * NS_PER_MS)

#define BEING_STARTED    "a successor is being started"
#define SERVES           "a successor serves"

/* A handover under way. */
struct attempt {
	const struct handover *h;
	const struct server *server;
	struct requests *requests;
	struct successor successor;
	struct acceptor **offered; /* the acceptor of each socket that the successor gets */
};

/* Each listener that is not lost. */
static size_t offer_sockets(struct attempt *t, struct successor_socket *sockets)
{
	const struct acceptors *all = t->h->acceptors;
	size_t count = 0;

	for (size_t i = 0; i < all->count; i++) {
		const struct listener *l = &t->h->listeners[i];
		if (!acceptor_turn(&all->each[i], ACCEPTOR_OURS, ACCEPTOR_OFFERED))
			continue;
		sockets[count] = (struct successor_socket){
			.fd = l->fd,
			.name = l->endpoint->name,
			.origin = l->origin,
		};
		t->offered[count++] = &all->each[i];
	}
	return count;
}

/* Returns 0 or -errno. */
static int start_successor(struct attempt *t)
{
	size_t most = t->h->acceptors->count;
	struct successor_socket *sockets = calloc(most, sizeof *sockets);
	int rc = -ENOMEM;

	t->offered = calloc(most, sizeof(struct acceptor *));
	if (sockets && t->offered) {
		size_t count = offer_sockets(t, sockets);
		rc = count == 0
			? -ENOTSOCK
			: successor_start(&t->successor, t->h->program, t->h->argv, sockets, count);
	}
	free(sockets);
	return rc;
}

/* It is not to be.  Listeners that it may have changed get our own options again. */
static void take_back(const struct attempt *t)
{
	const struct acceptors *all = t->h->acceptors;
	struct current *current = t->server->current;

	/* In this order: an acceptor that finds itself OURS again finds a new version too. */
	current_replace(current, current_hold(current));
	for (size_t i = 0; i < all->count; i++) {
		if (!acceptor_turn(&all->each[i], ACCEPTOR_OFFERED, ACCEPTOR_OURS))
			(void)acceptor_turn(&all->each[i], ACCEPTOR_UNWANTED, ACCEPTOR_OURS);
	}
	acceptors_knock(all);
	counters_add(t->server->counters, COUNTER_HANDOVERS_FAILED, 1);
}

static void tell_failed(
	const struct attempt *t, const struct successor *s, const char *reason, int error)
{
	struct log_line l;

	log_begin(&l, LOG_ERROR, "handover_failed");
	log_text(&l, "reason", reason);
	if (s)
		successor_add_reason(s, &l);
	if (error)
		log_errno(&l, error);
	log_text(&l, "effect", t->requests->stops > 0 ? "both end" : "this server goes on");
	log_end(&l);
}

/* Hear all that it has said so far.  SUCCESSOR_NONE: neither that it is ready nor that it failed. */
static enum successor_news hear(struct attempt *t)
{
	enum successor_news news;
	unsigned unused;

	while ((news = successor_hear(&t->successor, &unused)) == SUCCESSOR_UNUSED)
		(void)acceptor_turn(t->offered[unused], ACCEPTOR_OFFERED, ACCEPTOR_UNWANTED);
	return news;
}

/* True: it is ready.  False: it is gone, or took too long, or we were asked to stop; all told. */
static bool is_ready_in_time(struct attempt *t, int64_t until)
{
	enum successor_news news;

	while ((news = hear(t)) == SUCCESSOR_NONE) {
		/* Only now: one that is ready already has clients. */
		if (t->requests->stops > 0) {
			tell_failed(t, NULL, "asked to stop meanwhile", 0);
			return false;
		}
		if (deadline_now() >= until) {
			tell_failed(
				t, NULL, "the successor was not ready within handover.timeout", 0);
			return false;
		}
		(void)answer_next(t->requests, t->server, BEING_STARTED,
			deadline_earlier(until, deadline_after(SLICE_NS)));
	}
	if (news == SUCCESSOR_FAILED)
		tell_failed(t, &t->successor, "the successor ended before it was ready", 0);
	return news == SUCCESSOR_READY;
}

static void tell_handed_over(const struct attempt *t)
{
	struct log_line l;

	log_begin(&l, LOG_INFO, "handed_over");
	log_number(&l, "successor_pid", t->successor.pid);
	log_number(&l, "connections", (int64_t)registry_active(t->server->registry));
	log_end(&l);
}

/* True: an acceptor whose listener is the successor's may still take a client from it. */
static bool accepts_beside_successor(const struct acceptors *all)
{
	for (size_t i = 0; i < all->count; i++) {
		if (atomic_load(&all->each[i].state) == ACCEPTOR_ADOPTED)
			return true;
	}
	return false;
}

/*
 * Until the acceptors are done, or a stop is asked for, which closes them too.  A client that
 * connects after the handover was told is the successor's.
 */
static void wait_for_acceptors(struct attempt *t, int64_t until)
{
	bool told = false;
	unsigned left;

	do {
		acceptors_knock(t->h->acceptors);
		left = barrier_wait(t->server->accepting, deadline_after(KNOCK_NS));
		answer_all(t->requests, t->server, BEING_STARTED);
		if (!told &&
			(!accepts_beside_successor(t->h->acceptors) || t->requests->stops > 0)) {
			tell_handed_over(t);
			told = true;
		}
	} while (left > 0 && t->requests->stops == 0 && deadline_now() < until);
}

/* It serves: leave it the listeners that it uses, drain the others, and wake no connection. */
static void give_way(struct attempt *t, int64_t until)
{
	const struct acceptors *all = t->h->acceptors;

	for (size_t i = 0; i < all->count; i++)
		(void)acceptor_turn(&all->each[i], ACCEPTOR_OFFERED, ACCEPTOR_ADOPTED);
	notify_main_pid(t->successor.pid);
	notify_silence();
	registry_stop(t->server->registry, STOP_SUCCEEDED, 0);
	wait_for_acceptors(t, until);
	successor_release(&t->successor);
}

static void tell_beginning(const char *program)
{
	struct log_line l;

	log_begin(&l, LOG_INFO, "handover");
	log_text(&l, "program", program);
	log_end(&l);
}

/* True: it is ready. */
static bool start(struct attempt *t, const struct settings *s, struct reserve *reserve)
{
	reserve_lend(reserve, t->server->registry);
	int rc = start_successor(t);
	reserve_renew(reserve, t->server->registry);
	if (rc < 0) {
		tell_failed(t, NULL, "the successor could not be started", -rc);
		return false;
	}
	if (is_ready_in_time(t, deadline_after(s->handover_timeout_ns)))
		return true;
	successor_end(&t->successor);
	/* Its pipe was of the reserve. */
	reserve_renew(reserve, t->server->registry);
	return false;
}

bool handover_run(const struct handover *h, const struct server *server, struct requests *requests,
	struct reserve *reserve, int64_t *until_ns)
{
	struct attempt t = {.h = h, .server = server, .requests = requests};
	struct settings *s = current_hold(server->current);

	tell_beginning(h->program);
	bool ready = start(&t, s, reserve);
	if (ready) {
		*until_ns = deadline_after(s->handover_drain_ns);
		give_way(&t, *until_ns);
	} else {
		take_back(&t);
	}
	free(t.offered);
	settings_release(s);
	return ready;
}

bool handover_outlive(const struct server *server, struct requests *requests, int64_t until_ns)
{
	const struct stop_result none_cut = {.cut = 0};
	int64_t began = deadline_now();
	struct counts before = registry_counts(server->registry);
	unsigned left;

	/* A listener that the successor does not use may still be at its queue. */
	if (requests->stops > 0 || barrier_wait(server->accepting, 0) > 0)
		return false;
	barrier_close(server->busy);
	do {
		int64_t slice = deadline_earlier(until_ns, deadline_after(PATIENT_SLICE_NS));
		left = barrier_wait(server->busy, slice);
		answer_all(requests, server, SERVES);
	} while (left > 0 && deadline_now() < until_ns && requests->stops == 0);
	if (left == 0)
		stop_tell_the_end(server, &none_cut, &before, began);
	return left == 0;
}
