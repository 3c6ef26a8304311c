/* SPDX-License-Identifier: ISC */
/* registry - the slots of the live connections. */
#include "registry.h"

#include "common/deadline.h"
#include "common/lock.h"
#include "signals.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>

void registry_init(struct registry *r, size_t size)
{
	*r = (struct registry){.size = size};
	lock_init(&r->lock);
	lock_cond_init(&r->changed);
	/* calloc() maps pages that nobody has touched: slots that are never used cost nothing. */
	r->slots = calloc(size, sizeof *r->slots);
	if (!r->slots)
		abort();
}

/* Free slots: those given back, then those that were never used, which need no list. */

static bool has_room(const struct registry *r)
{
	return r->free || r->used < r->size;
}

static struct slot *pop(struct registry *r)
{
	struct slot *slot = r->free;

	if (slot)
		r->free = slot->next;
	else
		slot = &r->slots[r->used++];
	return slot;
}

static void push(struct registry *r, struct slot *slot)
{
	slot->next = r->free;
	r->free = slot;
}

/* Waiting. */

static void sleep_until(struct registry *r, int64_t deadline_ns)
{
	r->waiters++;
	lock_wait(&r->changed, &r->lock, deadline_ns);
	r->waiters--;
}

static void wake_waiters(struct registry *r)
{
	if (r->waiters > 0)
		pthread_cond_broadcast(&r->changed);
}

static bool may_wait(const struct registry *r, bool draining)
{
	if (r->stop == STOP_NO)
		return true;
	return draining && r->stop == STOP_DRAIN && deadline_now() < r->drain_deadline_ns;
}

/* [lock] held. */
static bool await_room(struct registry *r, bool draining)
{
	while (!has_room(r) && may_wait(r, draining))
		sleep_until(r, r->stop == STOP_DRAIN ? r->drain_deadline_ns : DEADLINE_NEVER);
	return has_room(r) && may_wait(r, draining);
}

bool registry_await_room(struct registry *r, bool draining)
{
	lock_take(&r->lock);
	bool room = await_room(r, draining);
	lock_drop(&r->lock);
	return room;
}

void registry_rest(struct registry *r, int64_t deadline_ns)
{
	lock_take(&r->lock);
	enum stop_level stop = r->stop;
	uint64_t ended = counters_ended(&r->counters);
	if (stop == STOP_DRAIN)
		deadline_ns = deadline_earlier(deadline_ns, r->drain_deadline_ns);
	/* A forced stop cuts no connection before the acceptors are done, so nobody rests then. */
	while (stop != STOP_FORCE && deadline_now() < deadline_ns && r->stop == stop &&
		counters_ended(&r->counters) == ended)
		sleep_until(r, deadline_ns);
	lock_drop(&r->lock);
}

/* Taking and giving back. */

static void fill_in(struct registry *r, struct slot *slot, int fd, const struct endpoint *endpoint,
	const struct address *peer)
{
	slot->gate.draining = &r->draining;
	/* The worker says GATE_NEW itself, once it is there to be knocked at. */
	atomic_store(&slot->gate.state, GATE_BUSY);
	slot->fd = fd;
	slot->id = ++r->last_id;
	slot->endpoint = endpoint;
	slot->peer = *peer;
	slot->since_ns = deadline_now();
}

struct slot *registry_take(
	struct registry *r, int fd, const struct endpoint *endpoint, const struct address *peer)
{
	struct slot *slot = NULL;

	lock_take(&r->lock);
	if (await_room(r, true)) {
		slot = pop(r);
		r->counters.active++;
		fill_in(r, slot, fd, endpoint, peer);
	} else {
		r->counters.refused++;
	}
	r->counters.accepted++;
	lock_drop(&r->lock);
	return slot;
}

int registry_untake(struct registry *r, struct slot *slot)
{
	lock_take(&r->lock);
	int fd = slot->fd;
	slot->fd = -1;
	push(r, slot);
	r->counters.active--;
	r->counters.refused++;
	wake_waiters(r);
	lock_drop(&r->lock);
	return fd;
}

int registry_detach(struct registry *r, struct slot *slot)
{
	lock_take(&r->lock);
	int fd = slot->fd;
	slot->fd = -1;
	lock_drop(&r->lock);
	return fd;
}

void registry_release(struct registry *r, struct slot *slot, const struct stream *s)
{
	lock_take(&r->lock);
	assert(slot->fd < 0);
	push(r, slot);
	r->counters.active--;
	counters_add_stream(&r->counters, s);
	wake_waiters(r);
	lock_drop(&r->lock);
}

/* Stopping. */

void registry_stop(struct registry *r, enum stop_level level, int64_t drain_deadline_ns)
{
	lock_take(&r->lock);
	assert(level > r->stop);
	r->stop = level;
	if (level == STOP_DRAIN)
		r->drain_deadline_ns = drain_deadline_ns;
	/* Before any gate is looked at: a worker publishes its state and then loads this. */
	atomic_store(&r->draining, true);
	wake_waiters(r);
	lock_drop(&r->lock);
}

/* The worker of this slot waits for its peer, and may be told not to. */
static bool swap_for_woken(struct slot *slot, int64_t now, int64_t first_ns)
{
	int state = atomic_load(&slot->gate.state);
	bool waits = state == GATE_IDLE ||
		(state == GATE_NEW && now >= deadline_from(slot->since_ns, first_ns));

	return waits && atomic_compare_exchange_strong(&slot->gate.state, &state, GATE_WOKEN);
}

size_t registry_wake_idle(struct registry *r, int64_t first_ns)
{
	int64_t now = deadline_now();
	size_t woken = 0;

	lock_take(&r->lock);
	for (size_t i = 0; i < r->used; i++) {
		struct slot *slot = &r->slots[i];
		if (slot->fd < 0)
			continue;
		woken += swap_for_woken(slot, now, first_ns);
		/* Its thread is there: it has to take its socket out of the slot before it ends. */
		if (atomic_load(&slot->gate.state) == GATE_WOKEN)
			(void)pthread_kill(slot->thread, SIGNALS_KNOCK);
	}
	lock_drop(&r->lock);
	return woken;
}

/*
 * True if a reply was owed.  A connection that only waits, with nothing unread, owes nothing, and
 * gets FIN like any other idle one.
 */
static bool cut(struct slot *slot, int64_t now)
{
	bool owes;

	if (swap_for_woken(slot, now, 0))
		owes = socket_unread(slot->fd) > 0;
	else
		owes = atomic_exchange(&slot->gate.state, GATE_FORCED) == GATE_BUSY;
	(void)shutdown(slot->fd, SHUT_RDWR);
	return owes;
}

size_t registry_cut(struct registry *r)
{
	int64_t now = deadline_now();
	size_t owing = 0;

	lock_take(&r->lock);
	for (size_t i = 0; i < r->used; i++) {
		if (r->slots[i].fd >= 0)
			owing += cut(&r->slots[i], now);
	}
	lock_drop(&r->lock);
	return owing;
}

/* Counting. */

void registry_count_shortage(struct registry *r, bool thread)
{
	lock_take(&r->lock);
	r->counters.accept_shortages++;
	r->counters.threads_failed += thread;
	lock_drop(&r->lock);
}

void registry_count_peer_error(struct registry *r)
{
	lock_take(&r->lock);
	r->counters.accept_peer_errors++;
	lock_drop(&r->lock);
}

void registry_count_thread(struct registry *r)
{
	lock_take(&r->lock);
	r->counters.threads_started++;
	lock_drop(&r->lock);
}

struct counters registry_counters(struct registry *r)
{
	lock_take(&r->lock);
	struct counters counters = r->counters;
	lock_drop(&r->lock);
	return counters;
}
