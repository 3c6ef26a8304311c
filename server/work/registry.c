/* SPDX-License-Identifier: ISC */
/* registry - the slots of the live connections. */
#include "registry.h"

#include "common/deadline.h"
#include "common/lock.h"
#include "server/signals.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>

void registry_init(struct registry *r, int64_t limit)
{
	*r = (struct registry){.limit = limit};
	lock_init(&r->lock);
	lock_cond_init(&r->changed);
	spin_init(&r->permits);
}

/* Free slots: those given back, then those that were never used, which need no list. */

static struct slot *slot_at(const struct registry *r, size_t i)
{
	return &r->chunks[i / REGISTRY_CHUNK][i % REGISTRY_CHUNK];
}

static enum refusal why_no_vacancy(const struct registry *r, const struct quota *quota)
{
	if ((int64_t)r->counters.active >= r->limit)
		return REFUSAL_FULL;
	if (quota->limit > 0 && quota->active >= quota->limit)
		return REFUSAL_LISTENER_FULL;
	return REFUSAL_NONE;
}

/* A slot that was never used, in a chunk of its own if it is the first there; NULL without memory. */
static struct slot *first_use(struct registry *r)
{
	struct slot **chunk = &r->chunks[r->used / REGISTRY_CHUNK];

	/* calloc() maps pages that nobody has touched: what is never used costs nothing. */
	if (!*chunk)
		*chunk = calloc(REGISTRY_CHUNK, sizeof **chunk);
	return *chunk ? slot_at(r, r->used++) : NULL;
}

static struct slot *pop(struct registry *r)
{
	struct slot *slot = r->free;

	if (!slot)
		return first_use(r);
	r->free = slot->next;
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
	if (!draining || r->stop == STOP_FORCE)
		return false;
	return r->stop == STOP_SUCCEEDED || deadline_now() < r->drain_deadline_ns;
}

/* [lock] held. */
static enum refusal await_vacancy(
	struct registry *r, const struct quota *quota, bool draining, int64_t until_ns)
{
	enum refusal why;

	while ((why = why_no_vacancy(r, quota)) && may_wait(r, draining) &&
		(draining || !quota->disturbed) && deadline_now() < until_ns)
		sleep_until(r,
			r->stop == STOP_DRAIN ? deadline_earlier(until_ns, r->drain_deadline_ns)
					      : until_ns);
	return may_wait(r, draining) ? why : REFUSAL_STOPPING;
}

bool registry_await_vacancy(
	struct registry *r, struct quota *quota, bool draining, int64_t until_ns)
{
	lock_take(&r->lock);
	bool vacancy = await_vacancy(r, quota, draining, until_ns) == REFUSAL_NONE;
	if (!draining)
		quota->disturbed = false;
	lock_drop(&r->lock);
	return vacancy;
}

void registry_disturb(struct registry *r, struct quota *quota)
{
	lock_take(&r->lock);
	quota->disturbed = true;
	wake_waiters(r);
	lock_drop(&r->lock);
}

void registry_set_limit(struct registry *r, int64_t limit)
{
	lock_take(&r->lock);
	r->limit = limit;
	wake_waiters(r);
	lock_drop(&r->lock);
}

void registry_set_quota(struct registry *r, struct quota *quota, int64_t limit)
{
	lock_take(&r->lock);
	quota->limit = limit;
	wake_waiters(r);
	lock_drop(&r->lock);
}

void registry_rest(struct registry *r, int64_t deadline_ns)
{
	lock_take(&r->lock);
	enum stop_level stop = r->stop;
	uint64_t ended = counters_ended(&r->counters);
	if (stop == STOP_DRAIN)
		deadline_ns = deadline_earlier(deadline_ns, r->drain_deadline_ns);
	/* A forced stop cuts no connection before the acceptors are done, so nobody rests then. */
	while (stop != STOP_FORCE && r->stop == stop &&
		(registry_is_held_back(r) ||
			(deadline_now() < deadline_ns && counters_ended(&r->counters) == ended)))
		sleep_until(r, registry_is_held_back(r) ? r->held_until_ns : deadline_ns);
	lock_drop(&r->lock);
}

void registry_hold_back(struct registry *r, int64_t until_ns)
{
	lock_take(&r->lock);
	atomic_store(&r->held_until_ns, until_ns);
	wake_waiters(r);
	lock_drop(&r->lock);
}

bool registry_is_held_back(struct registry *r)
{
	int64_t until_ns = atomic_load(&r->held_until_ns);

	return until_ns != 0 && deadline_now() < until_ns;
}

/* Taking and giving back. */

static void fill_in(struct registry *r, struct slot *slot, const struct candidate *candidate)
{
	stream_status_init(&slot->status, &r->draining, &r->permits);
	slot->fd = candidate->fd;
	slot->candidate = *candidate;
	slot->cut = false;
	slot->number = ++r->last_number;
	slot->since_ns = deadline_now();
}

/* [lock] held. */
static enum refusal take(struct registry *r, const struct candidate *candidate, struct slot **slot)
{
	struct slot *free = pop(r);

	if (!free)
		return REFUSAL_SHORTAGE;
	fill_in(r, free, candidate);
	r->counters.accepted++;
	r->counters.active++;
	candidate->quota->active++;
	*slot = free;
	return REFUSAL_NONE;
}

enum refusal registry_take(
	struct registry *r, const struct candidate *candidate, bool wait, struct slot **slot)
{
	lock_take(&r->lock);
	enum refusal why = await_vacancy(r, candidate->quota, true, wait ? DEADLINE_NEVER : 0);
	if (why == REFUSAL_NONE)
		why = take(r, candidate, slot);
	lock_drop(&r->lock);
	return why;
}

/* [lock] held. */
static void free_slot(struct registry *r, struct slot *slot)
{
	push(r, slot);
	r->counters.active--;
	slot->candidate.quota->active--;
	wake_waiters(r);
}

int registry_untake(struct registry *r, struct slot *slot)
{
	lock_take(&r->lock);
	int fd = slot->fd;
	slot->fd = -1;
	r->counters.refused++;
	r->counters.refusals[REFUSAL_SHORTAGE]++;
	free_slot(r, slot);
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
	counters_add_stream(&r->counters, s->end, stream_counts(&slot->status));
	r->cut_owing += slot->cut && s->unanswered;
	free_slot(r, slot);
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
	atomic_store(&r->closing, true);
	/* Before any status is looked at: a worker publishes its state and then loads this. */
	if (level >= STOP_DRAIN)
		atomic_store(&r->draining, true);
	wake_waiters(r);
	lock_drop(&r->lock);
}

/* The worker of this slot waits for its peer, and may be told not to. */
static bool swap_for_woken(struct slot *slot, int64_t now, int64_t first_ns)
{
	int state = atomic_load(&slot->status.state);
	bool waits = state == STATUS_IDLE ||
		(state == STATUS_NEW && now >= deadline_from(slot->since_ns, first_ns));

	return waits && atomic_compare_exchange_strong(&slot->status.state, &state, STATUS_WOKEN);
}

size_t registry_wake_idle(struct registry *r, int64_t first_ns)
{
	int64_t now = deadline_now();
	size_t woken = 0;

	lock_take(&r->lock);
	for (size_t i = 0; i < r->used; i++) {
		struct slot *slot = slot_at(r, i);
		if (slot->fd < 0)
			continue;
		woken += swap_for_woken(slot, now, first_ns);
		/* Its thread is there: it has to take its socket out of the slot before it ends. */
		if (atomic_load(&slot->status.state) == STATUS_WOKEN)
			(void)pthread_kill(slot->thread, SIGNALS_KNOCK);
	}
	lock_drop(&r->lock);
	return woken;
}

/* A connection that only waits gets FIN like any other idle one. */
static void cut(struct slot *slot, int64_t now)
{
	if (!swap_for_woken(slot, now, 0))
		(void)atomic_exchange(&slot->status.state, STATUS_FORCED);
	slot->cut = true;
	(void)shutdown(slot->fd, SHUT_RDWR);
}

void registry_cut(struct registry *r)
{
	int64_t now = deadline_now();

	lock_take(&r->lock);
	for (size_t i = 0; i < r->used; i++) {
		struct slot *slot = slot_at(r, i);
		if (slot->fd >= 0)
			cut(slot, now);
	}
	lock_drop(&r->lock);
}

size_t registry_cut_owing(struct registry *r)
{
	lock_take(&r->lock);
	size_t owing = r->cut_owing;
	lock_drop(&r->lock);
	return owing;
}

/* Counting. */

void registry_count_refused(struct registry *r, enum refusal why)
{
	lock_take(&r->lock);
	r->counters.accepted++;
	r->counters.refused++;
	r->counters.refusals[why]++;
	lock_drop(&r->lock);
}

void registry_count_reload(struct registry *r, bool took_effect)
{
	lock_take(&r->lock);
	r->counters.reloads += took_effect;
	r->counters.reloads_failed += !took_effect;
	lock_drop(&r->lock);
}

void registry_count_failed_handover(struct registry *r)
{
	lock_take(&r->lock);
	r->counters.handovers_failed++;
	lock_drop(&r->lock);
}

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

void registry_count_thread(struct registry *r, int change)
{
	lock_take(&r->lock);
	r->counters.threads_started += (uint64_t)change;
	lock_drop(&r->lock);
}

struct counters registry_counters(struct registry *r)
{
	lock_take(&r->lock);
	struct counters counters = r->counters;
	lock_drop(&r->lock);
	return counters;
}
