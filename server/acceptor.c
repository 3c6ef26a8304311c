/* SPDX-License-Identifier: ISC */
/* acceptor - the accept loop of one listener. */
#include "acceptor.h"

#include "common/deadline.h"
#include "log.h"
#include "settings.h"
#include "signals.h"

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

/* The errnos of accept(2). */

enum answer {
	AGAIN,    /* look at the stop, and accept again */
	TIMEOUT,  /* the listener's own SO_RCVTIMEO, or a listener that does not block */
	THEIRS,   /* the connection's trouble: count it, and take the next */
	SHORTAGE, /* ours: rest, or the loop burns a core */
	LOST,     /* the listener is gone */
};

/* Linux passes pending network errors of the new connection through accept(2). */
static const struct {
	int error;
	enum answer answer;
} answers[] = {
	{EINTR, AGAIN},
	{EAGAIN, TIMEOUT},
	{ECONNABORTED, THEIRS},
	{EPROTO, THEIRS},
	{ECONNRESET, THEIRS},
	{ETIMEDOUT, THEIRS},
	{EPERM, THEIRS},
	{ENETDOWN, THEIRS},
	{ENETUNREACH, THEIRS},
	{EHOSTDOWN, THEIRS},
	{EHOSTUNREACH, THEIRS},
	{ENONET, THEIRS},
	{ENOPROTOOPT, THEIRS},
	{EOPNOTSUPP, THEIRS},
	{EMFILE, SHORTAGE},
	{ENFILE, SHORTAGE},
	{ENOBUFS, SHORTAGE},
	{ENOMEM, SHORTAGE},
	{EBADF, LOST},
	{EINVAL, LOST},
	{ENOTSOCK, LOST},
	{EFAULT, LOST},
};

/*
 * An errno that nobody has heard of is answered like a shortage: slowly, and with a line in the
 * log.
 */
static enum answer answer_to(int error)
{
	for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
		if (answers[i].error == error)
			return answers[i].answer;
	}
	return SHORTAGE;
}

static void tell_lost(const struct acceptor *a, int error)
{
	struct log_line l;

	log_begin(&l, LOG_ERROR, "listener_lost");
	log_text(&l, "listener", a->listener.endpoint->name);
	log_address(&l, "address", &a->listener.bound);
	log_errno(&l, error);
	log_end(&l);
}

/* At most once a second, with the number of those in between. */
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
	registry_rest(a->registry, deadline_after(a->back_off_ns));
}

/* A supervisor may hand over a listener that does not block, and accept(2) would spin on it. */
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
	switch (answer_to(error)) {
	case AGAIN:
		break;
	case TIMEOUT:
		make_blocking(a);
		break;
	case THEIRS:
		registry_count_peer_error(a->registry);
		break;
	case SHORTAGE:
		registry_count_shortage(a->registry, false);
		tell_shortage(a, "accept_shortage", error);
		rest(a);
		break;
	case LOST:
		tell_lost(a, error);
		return false;
	}
	return true;
}

/* A connection. */

/*
 * Options that the socket may not have inherited, because it was queued before the listener had
 * them.
 */
static void set_missing_options(struct acceptor *a, int fd)
{
	if (a->listener.unset == 0)
		return;
	a->listener.unset--;
	(void)socket_set_options(fd, &a->listener.options);
}

/* Nobody to serve it: that costs this connection, and a rest. */
static void give_up(struct acceptor *a, struct slot *slot, int error)
{
	close(registry_untake(a->registry, slot));
	barrier_leave(a->busy);
	registry_count_shortage(a->registry, true);
	tell_shortage(a, "thread_shortage", error);
	rest(a);
}

/* Takes the socket. */
static void hand_over(struct acceptor *a, int fd, const struct address *peer)
{
	/*
	 * Here and not in the worker: a stop that counted only threads that run would miss this
	 * one.  The barrier is closed only when every acceptor is done.
	 */
	bool open = barrier_enter(a->busy);

	assert(open);
	(void)open;
	set_missing_options(a, fd);
	struct slot *slot = registry_take(a->registry, fd, a->listener.endpoint, peer);
	if (!slot) {
		close(fd);
		barrier_leave(a->busy);
		return;
	}
	int rc = worker_hand_over(a->workers, slot);
	if (rc < 0)
		give_up(a, slot, -rc);
	else
		a->back_off_ns = 0;
}

/* One accept.  Returns 0, or the errno. */
static int accept_one(struct acceptor *a)
{
	struct address peer;
	socklen_t len = sizeof peer; /* anew each time: accept(2) overwrites it */
	int fd = accept4(a->listener.fd, &peer.any, &len, SOCK_CLOEXEC);

	if (fd < 0)
		return errno;
	hand_over(a, fd, &peer);
	return 0;
}

/* The two halves of its life. */

static bool is_stopping(struct acceptor *a)
{
	return atomic_load(&a->registry->draining);
}

/*
 * At the limit the listener is not looked at: clients wait in the kernel's queue.  With several
 * listeners another one may take the last slot between the look and the accept; then the one client
 * waits here.
 */
static bool accept_until_stop(struct acceptor *a)
{
	while (!is_stopping(a)) {
		if (!registry_await_room(a->registry, false))
			continue;
		int error = accept_one(a);
		if (error && !handle_error(a, error))
			return false;
	}
	return true;
}

static bool has_queued(const struct listener *l)
{
	struct pollfd p = {.fd = l->fd, .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

/*
 * Whoever has connected before the stop gets a place as long as the stop waits.  Of a shared
 * listener only as many as were queued at the stop are ours: the rest, and those that come, are the
 * other process's.  It is not made non-blocking, because that too would be the other's; should the
 * other take a client between our look and our accept, the knocks go on until we are done.
 */
static void accept_queued(struct acceptor *a)
{
	unsigned left = a->listener.shared ? listener_queued(&a->listener) : UINT_MAX;

	if (!a->listener.shared)
		listener_let_nobody_in(&a->listener);
	while (left > 0 && has_queued(&a->listener) && registry_await_room(a->registry, true)) {
		int error = accept_one(a);
		if (error && !handle_error(a, error))
			return;
		left -= error == 0;
	}
}

void *acceptor_run(void *acceptor)
{
	struct acceptor *a = acceptor;
	bool asked = accept_until_stop(a);

	if (asked)
		accept_queued(a);
	else
		atomic_store(&a->lost, true);
	close(a->listener.fd);
	a->listener.fd = -1;
	atomic_store(&a->acknowledged, true);
	barrier_leave(a->accepting);
	return NULL;
}

void acceptor_init(struct acceptor *a, const struct listener *listener, struct registry *registry,
	struct workers *workers, struct barrier *busy, struct barrier *accepting)
{
	*a = (struct acceptor){
		.listener = *listener,
		.registry = registry,
		.workers = workers,
		.busy = busy,
		.accepting = accepting,
	};
	(void)barrier_enter(accepting);
}

/* The knock. */

void acceptor_knock(struct acceptor *a)
{
	if (!atomic_load(&a->acknowledged))
		(void)pthread_kill(a->thread, SIGNALS_KNOCK);
}
