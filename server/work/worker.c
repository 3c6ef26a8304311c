/* SPDX-License-Identifier: ISC */
/* worker - one detached thread per connection. */
#include "worker.h"

#include "common/deadline.h"
#include "common/lock.h"
#include "server/log.h"
#include "server/service.h"
#include "server/settings/settings.h"
#include "server/signals.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <unistd.h>

/* A parked thread.  It lies on the thread's own stack. */
struct parked {
	sem_t called; /* posted once if the thread sleeps; only that thread waits on it */
	_Atomic(struct slot *) job; /* [atomic] NULL, &asleep, or, set under lock, a connection */
	struct parked *above;       /* [lock] towards the top */
	struct parked *below;       /* [lock] */
};

/* The job of a parked thread that sleeps, or is about to: it needs a post to its semaphore. */
static struct slot asleep;

void worker_init(struct workers *w, struct registry *registry, struct admission *admission,
	struct counters *counters, const struct identity *identity, struct barrier *barrier)
{
	*w = (struct workers){
		.registry = registry,
		.admission = admission,
		.counters = counters,
		.identity = identity,
		.barrier = barrier,
	};
	lock_init(&w->lock);
}

void worker_set_parking(struct workers *w, int64_t parked_max, int64_t park_time_ns)
{
	lock_take(&w->lock);
	w->parked_max = parked_max;
	w->park_time_ns = park_time_ns;
	lock_drop(&w->lock);
}

void worker_attributes(pthread_attr_t *attributes, int64_t stack_bytes)
{
	sigset_t blocked = signals_all();

	sigdelset(&blocked, SIGNALS_KNOCK);
	if (pthread_attr_init(attributes) != 0 ||
		pthread_attr_setdetachstate(attributes, PTHREAD_CREATE_DETACHED) != 0 ||
		pthread_attr_setstacksize(attributes, (size_t)stack_bytes) != 0 ||
		pthread_attr_setsigmask_np(attributes, &blocked) != 0)
		abort();
}

/* One connection. */

/* The fields that say which connection it is. */
static void add_connection(struct log_line *l, const struct connection *c)
{
	log_text(l, "id", c->id);
	log_text(l, "listener", c->endpoint->name);
	log_text(l, "service", c->endpoint->service->name);
	log_address(l, "peer", c->peer);
}

/*
 * These two are never inlined: their struct log_line would lie in the frame of each connection, and
 * cost each a page while it waits.
 */
__attribute__((noinline)) static void tell_opened(const struct connection *c)
{
	struct log_line l;

	log_begin(&l, LOG_DEBUG, "opened");
	add_connection(&l, c);
	log_end(&l);
}

__attribute__((noinline)) static void record(const struct connection *c, const struct stream *s,
	const struct tcp_info *info, int64_t duration_ns)
{
	const struct stream_counts counts = stream_counts(s->status);
	struct log_line l;

	log_begin(&l, LOG_INFO, "closed");
	add_connection(&l, c);
	log_text(&l, "end", stream_end_name(s->end));
	if (s->error)
		log_errno(&l, s->error);
	log_ms(&l, "duration_ms", duration_ns);
	log_number(&l, "bytes_in", (int64_t)counts.bytes_in);
	log_number(&l, "bytes_out", (int64_t)counts.bytes_out);
	if (s->bytes_dropped)
		log_number(&l, "bytes_dropped", (int64_t)s->bytes_dropped);
	log_number(&l, "messages_in", (int64_t)counts.messages_in);
	log_number(&l, "messages_out", (int64_t)counts.messages_out);
	log_number(&l, "rtt_us", info->tcpi_rtt);
	log_number(&l, "retransmits", info->tcpi_total_retrans);
	log_end(&l);
}

/* Serve, close, and record the connection.  The stack frame is its memory. */
static void converse(struct workers *w, struct slot *slot, const struct connection *c)
{
	struct stream s;
	struct tcp_info info = {.tcpi_rtt = 0};
	socklen_t len = sizeof info;

	if (log_wants(LOG_DEBUG))
		tell_opened(c);
	stream_init(&s, slot->fd, &c->endpoint->terms, &slot->status);
	c->endpoint->service->serve(&s, c);
	stream_finish(&s);
	if (log_wants(LOG_INFO))
		(void)getsockopt(slot->fd, IPPROTO_TCP, TCP_INFO, &info, &len);
	close(registry_detach(w->registry, slot));
	record(c, &s, &info, deadline_now() - slot->since_ns);
	admission_leave(w->admission, &slot->candidate);
	registry_release(w->registry, slot, &s);
}

/* All of one connection. */
static void attend(struct workers *w, struct slot *slot)
{
	struct settings *settings = slot->candidate.endpoint->settings;
	char id[IDENTITY_ID_MAX];
	const struct connection c = {
		.endpoint = slot->candidate.endpoint,
		.peer = &slot->candidate.peer,
		.instance = settings->instance[0] ? settings->instance : w->identity->host,
		.id = identity_format(w->identity, slot->number, id),
	};

	slot->thread = pthread_self();
	converse(w, slot, &c);
	settings_release(settings);
	/* Last: the thread that waits at the barrier may end the process. */
	barrier_leave(w->barrier);
}

/* Parking. */

static void push(struct workers *w, struct parked *me)
{
	atomic_store(&me->job, NULL);
	me->above = NULL;
	me->below = w->top;
	if (w->top)
		w->top->above = me;
	w->top = me;
	w->parked++;
}

static void take_out(struct workers *w, struct parked *p)
{
	if (p->above)
		p->above->below = p->below;
	else
		w->top = p->below;
	if (p->below)
		p->below->above = p->above;
	w->parked--;
}

/* Join the stack of parked threads.  False: there are enough. */
static bool join_stack(struct workers *w, struct parked *me, int64_t *until)
{
	lock_take(&w->lock);
	bool vacancy = w->parked < w->parked_max;
	*until = deadline_after(w->park_time_ns);
	if (vacancy)
		push(w, me);
	lock_drop(&w->lock);
	return vacancy;
}

/*
 * Leave the stack because the time is over.  False: a connection came just then, and its call is
 * under way.
 */
static bool leave_stack(struct workers *w, struct parked *me)
{
	lock_take(&w->lock);
	bool alone = atomic_load(&me->job) == &asleep;
	if (alone)
		take_out(w, me);
	lock_drop(&w->lock);
	return alone;
}

/* Returns 0, or ETIMEDOUT. */
static int await_call(struct parked *me, int64_t until)
{
	const struct timespec deadline = deadline_timespec(until);
	int rc;

	do
		rc = sem_clockwait(&me->called, CLOCK_MONOTONIC, &deadline);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? errno : 0;
}

/* False: a connection came already. */
static bool fall_asleep(struct parked *me)
{
	struct slot *none = NULL;

	return atomic_compare_exchange_strong(&me->job, &none, &asleep);
}

/*
 * The next connection, or NULL when the thread has to end.
 *
 * The thread yields its processor once before it sleeps: on a busy machine the acceptor then runs,
 * and the next connection comes without a sleep and a call.  A connection of one line took 73 us of
 * processor time instead of 92 (64 at a time, two cores shared with the client).  To yield twice,
 * or before a wait for the client, gained nothing.
 */
static struct slot *park(struct workers *w, struct parked *me)
{
	int64_t until;

	if (!join_stack(w, me, &until))
		return NULL;
	sched_yield();
	if (fall_asleep(me) && await_call(me, until) != 0) {
		if (leave_stack(w, me))
			return NULL;
		(void)await_call(me, DEADLINE_NEVER);
	}
	return atomic_load(&me->job);
}

static bool call_parked(struct workers *w, struct slot *slot)
{
	lock_take(&w->lock);
	struct parked *p = w->top;
	bool sleeps = false;
	if (p) {
		take_out(w, p);
		sleeps = atomic_exchange(&p->job, slot) == &asleep;
	}
	lock_drop(&w->lock);
	/* After unlocking, or the woken thread would block on the lock. */
	if (sleeps)
		(void)sem_post(&p->called);
	return p;
}

/* Threads. */

/* A new thread has SCHEDULE_LATENCY; a reload may change what is wanted between connections. */
static void choose_schedule(int64_t *mine, int64_t wanted)
{
	static const int policies[] = {
		[SCHEDULE_LATENCY] = SCHED_OTHER,
		[SCHEDULE_THROUGHPUT] = SCHED_BATCH,
	};
	const struct sched_param none = {.sched_priority = 0};

	if (*mine == wanted)
		return;
	(void)pthread_setschedparam(pthread_self(), policies[wanted], &none);
	*mine = wanted;
}

static void *live(void *arg)
{
	struct slot *slot = arg;
	struct workers *w = slot->workers;
	struct parked me = {.job = NULL};
	int64_t schedule = SCHEDULE_LATENCY;

	counters_add(w->counters, COUNTER_THREADS_STARTED, 1);
	if (sem_init(&me.called, 0, 0) < 0)
		abort();
	while (slot) {
		choose_schedule(&schedule, slot->candidate.endpoint->settings->thread_schedule);
		attend(w, slot);
		slot = park(w, &me);
	}
	(void)sem_destroy(&me.called);
	return NULL;
}

int worker_dispatch(struct workers *w, struct slot *slot, const pthread_attr_t *attributes)
{
	pthread_t thread;

	slot->workers = w;
	if (call_parked(w, slot))
		return 0;
	return -pthread_create(&thread, attributes, live, slot);
}
