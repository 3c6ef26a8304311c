/* SPDX-License-Identifier: ISC */
/* acceptor - the accept loop of one listener. */
#include "acceptor.h"

#include "accept_errno.h"
#include "common/deadline.h"
#include "server/log.h"
#include "server/settings/settings.h"
#include "server/signals.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define BACK_OFF_MIN_NS (5 * NS_PER_MS)
#define BACK_OFF_MAX_NS (1 * NS_PER_S)

/* The last packet of a handshake comes within so long, on a network where restarts are frequent. */
#define HANDSHAKE_NS (2 * NS_PER_MS)

static void tell_lost(const struct acceptor *a, int error)
{
	struct log_line l;

	log_begin(&l, LOG_ERROR, "listener_lost");
	log_text(&l, "listener", a->listener.endpoint->name);
	log_address(&l, "address", &a->listener.bound);
	log_errno(&l, error);
	log_end(&l);
}

/* At most once a second, with the number of shortages in between. */
static void tell_shortage(struct acceptor *a, const char *event, int error)
{
	int64_t now = deadline_now();
	struct log_line l;

	if (now < a->quiet_until_ns) {
		a->untold++;
		return;
	}
	log_begin(&l, LOG_WARN, event);
	log_text(&l, "listener", a->listener.endpoint->name);
	log_errno(&l, error);
	log_number(&l, "untold_before", (int64_t)a->untold);
	log_end(&l);
	a->untold = 0;
	a->quiet_until_ns = deadline_from(now, NS_PER_S);
}

/* Rest until a connection ends, which frees what was short, or for a while that doubles. */
static void rest(struct acceptor *a)
{
	int64_t doubled = 2 * a->back_off_ns;

	a->back_off_ns = doubled < BACK_OFF_MIN_NS ? BACK_OFF_MIN_NS
		: doubled > BACK_OFF_MAX_NS        ? BACK_OFF_MAX_NS
						   : doubled;
	registry_rest(a->server->registry, deadline_after(a->back_off_ns));
}

/* A supervisor may pass a listener that does not block, on which accept(2) would spin. */
static void make_blocking(struct acceptor *a)
{
	int flags = fcntl(a->listener.fd, F_GETFL);

	if (flags < 0 || !(flags & O_NONBLOCK))
		return;
	(void)fcntl(a->listener.fd, F_SETFL, flags & ~O_NONBLOCK);
	rest(a);
}

/* False: the listener is gone. */
static bool handle_error(struct acceptor *a, int error)
{
	switch (accept_errno_kind(error)) {
	case ACCEPT_AGAIN:
		break;
	case ACCEPT_TIMEOUT:
		make_blocking(a);
		break;
	case ACCEPT_THEIRS:
		counters_add(a->server->counters, COUNTER_ACCEPT_PEER_ERRORS, 1);
		break;
	case ACCEPT_SHORTAGE:
		counters_add(a->server->counters, COUNTER_ACCEPT_SHORTAGES, 1);
		tell_shortage(a, "accept_shortage", error);
		refused_clear(&a->refused);
		rest(a);
		break;
	case ACCEPT_LOST:
		tell_lost(a, error);
		return false;
	}
	return true;
}

/* Settings. */

/* From now on these settings hold; e is this listener in them. */
static void use_settings(struct acceptor *a, struct settings *s, const struct endpoint *e)
{
	a->settings = s;
	registry_set_quota(a->server->registry, &a->quota, e->max_connections);
	worker_attributes(&a->attributes, s->thread_stack_bytes);
}

static void let_go_of_settings(struct acceptor *a)
{
	(void)pthread_attr_destroy(&a->attributes);
	settings_release(a->settings);
}

/* A reload never takes a listener away, so it is among the new ones. */
static void look_at_settings(struct acceptor *a)
{
	unsigned version = current_version(a->server->current);

	if (version == a->version)
		return;
	a->version = version;
	struct settings *s = current_hold(a->server->current);
	const struct endpoint *e = settings_find_endpoint(s, a->listener.endpoint);
	assert(e);
	listener_set_endpoint(&a->listener, e);
	let_go_of_settings(a);
	use_settings(a, s, e);
}

/*
 * Options that the socket may not have inherited, because it was queued before the listener had
 * them, or because a successor gives the listener others.
 */
static void set_missing_options(struct acceptor *a, int fd, bool ours)
{
	if (a->listener.unset > 0)
		a->listener.unset--;
	else if (ours)
		return;
	(void)socket_set_options(fd, &a->listener.options);
}

/* A connection. */

static void refuse(struct acceptor *a, const struct candidate *candidate, enum refusal why)
{
	registry_count_refused(a->server->registry, why);
	admission_refuse(a->server->admission, &a->refused, candidate, why, deadline_now());
}

/* There is no thread to serve it: that costs this connection, and a rest. */
static void give_up(struct acceptor *a, struct slot *slot, int error)
{
	const struct candidate candidate = slot->candidate;

	admission_leave(a->server->admission, &candidate);
	int fd = registry_untake(a->server->registry, slot);
	settings_release(a->settings);
	barrier_leave(a->server->busy);
	counters_add(a->server->counters, COUNTER_ACCEPT_SHORTAGES, 1);
	counters_add(a->server->counters, COUNTER_THREADS_FAILED, 1);
	tell_shortage(a, "thread_shortage", error);
	/* Last: a client that sees its end finds nothing of it left. */
	close(fd);
	rest(a);
}

/* The slot's connection to a thread. */
static void dispatch(struct acceptor *a, struct slot *slot)
{
	(void)settings_hold(a->settings);
	int rc = worker_dispatch(a->server->workers, slot, &a->attributes);
	if (rc < 0)
		give_up(a, slot, -rc);
	else
		a->back_off_ns = 0;
}

/* Give it a slot and a thread, or refuse it. */
static void give_slot(struct acceptor *a, const struct candidate *candidate)
{
	bool draining = atomic_load(&a->server->registry->draining);
	struct slot *slot;

	/*
	 * Here and not in the worker: a stop that counted only running threads would miss this
	 * connection.  The barrier is closed only when every acceptor is done.
	 */
	bool open = barrier_enter(a->server->busy);
	assert(open);
	(void)open;
	/* A client that came before the stop waits for a slot, whatever the policy. */
	enum refusal why = registry_take(a->server->registry, candidate,
		draining || candidate->endpoint->policy == LIMIT_WAIT, &slot);
	if (why == REFUSAL_NONE) {
		dispatch(a, slot);
		return;
	}
	barrier_leave(a->server->busy);
	admission_leave(a->server->admission, candidate);
	refuse(a, candidate, why);
}

/* Takes the socket. */
static void receive(struct acceptor *a, struct candidate *candidate)
{
	/* In this order: a listener that is OURS again has settings of a new version already. */
	bool ours = atomic_load(&a->state) == ACCEPTOR_OURS;

	look_at_settings(a);
	candidate->endpoint = a->listener.endpoint;
	candidate->quota = &a->quota;
	enum refusal why = admission_judge(a->server->admission, candidate, deadline_now());
	if (why != REFUSAL_NONE) {
		refuse(a, candidate, why);
		return;
	}
	set_missing_options(a, candidate->fd, ours);
	give_slot(a, candidate);
}

/* One accept.  Returns 0, or the errno. */
static int accept_one(
	struct acceptor *a, void (*take)(struct acceptor *a, struct candidate *candidate))
{
	struct candidate candidate = {.fd = -1};
	socklen_t len = sizeof candidate.peer; /* anew each time: accept(2) overwrites it */

	candidate.fd = accept4(a->listener.fd, &candidate.peer.any, &len, SOCK_CLOEXEC);
	if (candidate.fd < 0)
		return errno;
	listener_admit(&a->listener, candidate.fd);
	take(a, &candidate);
	return 0;
}

/* The two halves of its life. */

static bool is_closing(struct acceptor *a)
{
	return atomic_load(&a->server->registry->closing);
}

/*
 * Refused sockets that rest are closed in time: so wait in poll(2), up to the moment at which the
 * next one is due, and not in accept(2).  True: a client is there, or no socket rests.
 */
static bool tend_refused(struct acceptor *a)
{
	struct pollfd p = {.fd = a->listener.fd, .events = POLLIN};

	if (a->refused.count == 0)
		return true;
	int64_t now = deadline_now();
	refused_sweep(&a->refused, now);
	int64_t next = refused_next(&a->refused);
	if (next == DEADLINE_NEVER)
		return true;
	return poll(&p, 1, (int)((next - now) / NS_PER_MS) + 1) == 1;
}

/* At the limit, with the policy to wait, the listener is not looked at: clients stay in its queue. */
static bool has_vacancy(struct acceptor *a)
{
	return a->listener.endpoint->policy == LIMIT_REFUSE ||
		registry_await_vacancy(
			a->server->registry, &a->quota, false, refused_next(&a->refused));
}

/* While freed descriptors go to a reload or a handover, rest. */
static bool is_held_back(struct acceptor *a)
{
	if (!registry_is_held_back(a->server->registry))
		return false;
	registry_rest(a->server->registry, 0);
	return true;
}

/*
 * With several listeners another acceptor may take the last slot between the look and the accept;
 * then this client waits for a slot in give_slot().
 */
static bool accept_until_stop(struct acceptor *a)
{
	while (!is_closing(a)) {
		look_at_settings(a);
		if (is_held_back(a) || !tend_refused(a) || !has_vacancy(a))
			continue;
		int error = accept_one(a, receive);
		if (error && !handle_error(a, error))
			return false;
	}
	return true;
}

/*
 * Is a client there?  A handshake that was under way when the listener began to let no client in is
 * waited for: its client believes that it is connected.  The knocks go on meanwhile.
 */
static bool has_queued(const struct listener *l)
{
	struct pollfd p = {.fd = l->fd, .events = POLLIN};
	int64_t until = l->shared ? 0 : deadline_after(HANDSHAKE_NS);
	int n;

	do
		n = poll(&p, 1, l->shared ? 0 : (int)(HANDSHAKE_NS / NS_PER_MS));
	while (n < 0 && errno == EINTR && deadline_now() < until);
	return n == 1;
}

static void turn_away(struct acceptor *a, struct candidate *candidate)
{
	candidate->endpoint = a->listener.endpoint;
	refuse(a, candidate, REFUSAL_STOPPING);
}

/* So many clients at the most, as long as there are any.  False: the listener failed. */
static bool accept_some(struct acceptor *a, unsigned left,
	void (*take)(struct acceptor *a, struct candidate *candidate))
{
	while (left > 0 && has_queued(&a->listener)) {
		if (take == receive &&
			!registry_await_vacancy(
				a->server->registry, &a->quota, true, DEADLINE_NEVER))
			break;
		int error = accept_one(a, take);
		/* To turn clients away is not worth a rest: the close tells the others. */
		if (error && take == turn_away && !accept_errno_is_theirs(error))
			return false;
		if (error && !handle_error(a, error))
			return false;
		left -= error == 0;
	}
	return true;
}

/*
 * Each client that connected before the stop gets a slot as long as the stop waits; each for which
 * there was none is told.  Of a shared listener only as many as were queued at the stop are ours:
 * the rest, and those that come later, belong to the other process.  The listener is not made
 * non-blocking, because the other process would notice; should it take a client between our look
 * and our accept, the knocks go on until we are done.
 */
static void accept_queued(struct acceptor *a)
{
	unsigned ours = a->listener.shared ? listener_queued(&a->listener) : UINT_MAX;

	if (!a->listener.shared)
		listener_drop_syns(&a->listener);
	if (accept_some(a, ours, receive) && !a->listener.shared)
		(void)accept_some(a, listener_queued(&a->listener), turn_away);
}

void *acceptor_run(void *acceptor)
{
	struct acceptor *a = acceptor;

	if (!accept_until_stop(a))
		atomic_store(&a->state, ACCEPTOR_LOST);
	else if (atomic_load(&a->state) != ACCEPTOR_ADOPTED)
		accept_queued(a);
	close(a->listener.fd);
	a->listener.fd = -1;
	refused_clear(&a->refused);
	if (atomic_load(&a->state) != ACCEPTOR_LOST)
		atomic_store(&a->state, ACCEPTOR_DONE);
	barrier_leave(a->server->accepting);
	return NULL;
}

void acceptor_init(struct acceptor *a, const struct listener *listener, const struct server *server)
{
	*a = (struct acceptor){.server = server, .listener = *listener};
	a->version = current_version(server->current);
	use_settings(a, current_hold(server->current), listener->endpoint);
	(void)barrier_enter(server->accepting);
}

void acceptor_fini(struct acceptor *a)
{
	let_go_of_settings(a);
}

/* What the coordinator does to it. */

bool acceptor_turn(struct acceptor *a, enum acceptor_state from, enum acceptor_state to)
{
	int expected = (int)from;

	return atomic_compare_exchange_strong(&a->state, &expected, (int)to);
}

void acceptor_knock(struct acceptor *a)
{
	if (atomic_load(&a->state) < ACCEPTOR_LOST)
		(void)pthread_kill(a->thread, SIGNALS_KNOCK);
}

void acceptors_knock(const struct acceptors *all)
{
	for (size_t i = 0; i < all->count; i++)
		acceptor_knock(&all->each[i]);
}

/* One knock can be missed: then it looks when its next client is there. */
void acceptors_renew(const struct acceptors *all)
{
	for (size_t i = 0; i < all->count; i++) {
		registry_disturb(all->each[i].server->registry, &all->each[i].quota);
		acceptor_knock(&all->each[i]);
	}
}
