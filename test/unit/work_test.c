/* SPDX-License-Identifier: ISC */
/*
 * Proves registry, worker and identity: the slots and the waits for one, the counts, that a stop
 * wakes every idle connection, what the threads are like, and what a connection is called.
 */
#include "server/work/registry.h"

#include "common/deadline.h"
#include "common/lock.h"
#include "pair.h"
#include "peer.h"
#include "rig.h"
#include "server/log.h"
#include "server/service.h"
#include "server/settings/template.h"
#include "server/signals.h"
#include "server/work/identity.h"
#include "test/mode.h"
#include "test/suite.h"

#include <errno.h>
#include <linux/sockios.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define SHORT_NS    (50 * NS_PER_MS)
#define PATIENCE_NS (60 * NS_PER_S)

static struct registry r;
static struct quota quota;
static atomic_int knocks; /* a signal handler may */

static void count_knock(int signal)
{
	(void)signal;
	atomic_fetch_add(&knocks, 1);
}

static enum refusal take_of(struct quota *of, bool wait, int fd, struct slot **slot)
{
	const struct candidate candidate = {
		.fd = fd, .quota = of, .peer = {.in4 = {.sin_family = AF_INET}}};

	return registry_take(&r, &candidate, wait, slot);
}

/* Without a wait; the slot is not looked at. */
static enum refusal try_to_take(struct quota *of)
{
	struct slot *slot;

	return take_of(of, false, 9, &slot);
}

/* A slot whose worker is this thread: the knocks come here. */
static struct slot *must_take(int fd)
{
	const struct sigaction knock = {.sa_handler = count_knock};
	struct slot *slot;

	ck_assert_int_eq(take_of(&quota, true, fd, &slot), REFUSAL_NONE);
	ck_assert_int_eq(sigaction(SIGNALS_KNOCK, &knock, NULL), 0);
	slot->thread = pthread_self();
	return slot;
}

static void give_back(struct slot *slot)
{
	(void)registry_detach(&r, slot);
	registry_release(&r, slot, &(struct stream){.end = STREAM_EOF});
}

static uint64_t counted(enum counter row)
{
	return registry_counts(&r).of[row];
}

/* Slots. */

TEST(slots_are_made_in_chunks_as_needed_and_the_one_freed_last_is_taken_first)
{
	enum {
		MANY = 2 * REGISTRY_CHUNK + 1
	};
	static struct slot *slots[MANY];

	registry_init(&r, REGISTRY_MAX);
	for (int i = 0; i < MANY; i++) {
		ck_assert_ptr_null(r.chunks[(i + REGISTRY_CHUNK - 1) / REGISTRY_CHUNK]);
		ck_assert_int_eq(take_of(&quota, true, i, &slots[i]), REFUSAL_NONE);
	}
	for (int i = 0; i < MANY; i++) {
		ck_assert_ptr_eq(slots[i], &r.chunks[i / REGISTRY_CHUNK][i % REGISTRY_CHUNK]);
		ck_assert_int_eq(slots[i]->fd, i);
	}
	give_back(slots[2]);
	give_back(slots[7]);
	ck_assert_ptr_eq(must_take(1), slots[7]);
	ck_assert_ptr_eq(must_take(1), slots[2]);
	ck_assert_ptr_eq(must_take(1), slots[MANY - 1] + 1);
}

TEST(the_last_slot_of_the_largest_limit_has_its_chunk)
{
	registry_init(&r, REGISTRY_MAX);
	/* As if all the others were taken. */
	r.used = REGISTRY_MAX - 1;
	r.counts.of[COUNTER_ACTIVE] = REGISTRY_MAX - 1;
	ck_assert_int_eq(try_to_take(&quota), REFUSAL_NONE);
	ck_assert_ptr_nonnull(r.chunks[(REGISTRY_MAX - 1) / REGISTRY_CHUNK]);
	ck_assert_int_eq(try_to_take(&quota), REFUSAL_FULL);
}

/* Waits that something ends, with the only slot taken. */

enum event {
	RELEASE,
	DISTURBANCE,
	DISTURBANCE_AND_RELEASE,
	SUCCESSOR,
	DRAIN,
	FORCE,
	LETTING_GO,
};

static void happen(enum event event, struct slot *slot)
{
	if (event == DISTURBANCE || event == DISTURBANCE_AND_RELEASE)
		registry_disturb(&r, &quota);
	if (event == RELEASE || event == DISTURBANCE_AND_RELEASE)
		give_back(slot);
	if (event >= SUCCESSOR && event <= FORCE)
		registry_stop(&r, STOP_SUCCEEDED + (enum stop_level)(event - SUCCESSOR),
			deadline_after(PATIENCE_NS));
	if (event == LETTING_GO)
		registry_hold_back(&r, 0);
}

enum wait {
	ACCEPTING, /* registry_await_vacancy(), not draining */
	DRAINING,  /* the same, draining */
	RESTING,   /* registry_rest() */
	HELD_BACK, /* the same, with a deadline that has passed */
};

static const struct {
	enum wait wait;
	enum stop_level stop; /* before the wait */
	enum event event;
	bool vacancy;
} waits[] = {
	{ACCEPTING, STOP_NO, RELEASE, true},
	{ACCEPTING, STOP_NO, DISTURBANCE, false},
	{ACCEPTING, STOP_NO, SUCCESSOR, false},
	{DRAINING, STOP_NO, DISTURBANCE_AND_RELEASE, true},
	{DRAINING, STOP_SUCCEEDED, RELEASE, true},
	{DRAINING, STOP_DRAIN, FORCE, false},
	{RESTING, STOP_NO, RELEASE, false},
	{RESTING, STOP_DRAIN, FORCE, false},
	{HELD_BACK, STOP_NO, LETTING_GO, false},
	{HELD_BACK, STOP_NO, DRAIN, false},
};

struct waiter {
	pthread_t thread;
	enum wait wait;
	int64_t until_ns;
	bool vacancy;
	int64_t done_ns;
};

static void *await_something(void *arg)
{
	struct waiter *w = arg;

	if (w->wait >= RESTING)
		registry_rest(&r, w->until_ns);
	else
		w->vacancy = registry_await_vacancy(&r, &quota, w->wait == DRAINING, w->until_ns);
	w->done_ns = deadline_now();
	return NULL;
}

static bool is_waiting(void *unused)
{
	(void)unused;
	lock_take(&r.lock);
	bool waits = r.waiters > 0;
	lock_drop(&r.lock);
	return waits;
}

static void must_start(struct waiter *w)
{
	ck_assert_int_eq(pthread_create(&w->thread, NULL, await_something, w), 0);
	await(is_waiting, NULL);
}

static void must_join(struct waiter *w)
{
	ck_assert_int_eq(pthread_join(w->thread, NULL), 0);
}

/* A stop at this level; one that drains has the deadline. */
static void stop_at(enum stop_level level, int64_t deadline_ns)
{
	if (level != STOP_NO)
		registry_stop(&r, level, deadline_ns);
}

/* A lost wake-up costs a slice of 100 ms, which the suite timing sees. */
TEST_TIMED_ROWS(a_wait_ends_at_once_by_what_it_waits_for, SUITE_COUNT(waits))
{
	struct waiter w = {
		.wait = waits[_i].wait,
		.until_ns = waits[_i].wait == HELD_BACK ? deadline_now() : DEADLINE_NEVER,
		.vacancy = !waits[_i].vacancy,
	};

	registry_init(&r, 1);
	struct slot *slot = must_take(9);
	stop_at(waits[_i].stop, deadline_after(PATIENCE_NS));
	if (w.wait == HELD_BACK)
		registry_hold_back(&r, deadline_after(PATIENCE_NS));
	must_start(&w);
	int64_t began = deadline_now();
	happen(waits[_i].event, slot);
	must_join(&w);
	ck_assert(w.wait >= RESTING || w.vacancy == waits[_i].vacancy);
	ck_assert_int_ge(w.done_ns, began);
	mode_check_most(w.done_ns - began, SHORT_NS);
}

TEST(a_rest_that_is_held_back_goes_on_though_a_connection_ends)
{
	struct waiter w = {.wait = HELD_BACK, .until_ns = deadline_now()};

	registry_init(&r, 1);
	struct slot *slot = must_take(9);
	registry_hold_back(&r, deadline_after(PATIENCE_NS));
	must_start(&w);
	give_back(slot);
	int64_t held_until = deadline_after(SHORT_NS);
	registry_hold_back(&r, held_until);
	must_join(&w);
	ck_assert_int_ge(w.done_ns, held_until);
}

/* Waits that a deadline ends. */

static const struct {
	enum wait wait;
	enum stop_level stop;
	bool by_drain; /* else by its own */
} bounds[] = {
	{ACCEPTING, STOP_NO, false},
	{DRAINING, STOP_SUCCEEDED, false},
	{DRAINING, STOP_DRAIN, false},
	{DRAINING, STOP_DRAIN, true},
	{RESTING, STOP_NO, false},
	{RESTING, STOP_DRAIN, true},
};

TEST_TIMED_ROWS(a_wait_ends_at_its_deadline_and_not_before, SUITE_COUNT(bounds))
{
	int64_t deadline = deadline_after(SHORT_NS);
	int64_t later = deadline_after(PATIENCE_NS);
	struct waiter w = {
		.wait = bounds[_i].wait,
		.until_ns = bounds[_i].by_drain ? later : deadline,
		.vacancy = true,
	};

	registry_init(&r, 1);
	must_take(9);
	stop_at(bounds[_i].stop, bounds[_i].by_drain ? deadline : later);
	(void)await_something(&w);
	ck_assert(w.wait == RESTING || !w.vacancy);
	ck_assert_int_ge(w.done_ns, deadline);
	mode_check_most(w.done_ns - deadline, SHORT_NS);
}

TEST(a_drain_bounds_a_wait_that_began_before_it)
{
	struct waiter w = {.wait = DRAINING, .until_ns = DEADLINE_NEVER, .vacancy = true};

	registry_init(&r, 1);
	must_take(9);
	registry_stop(&r, STOP_SUCCEEDED, 0);
	must_start(&w);
	int64_t deadline = deadline_after(SHORT_NS);
	registry_stop(&r, STOP_DRAIN, deadline);
	must_join(&w);
	ck_assert(!w.vacancy);
	ck_assert_int_ge(w.done_ns, deadline);
}

/* What is so at once, where there is a free slot. */

static const struct {
	enum stop_level stop;
	int64_t drain_ns;
	bool accepting; /* a vacancy for an acceptor that goes on accepting */
	enum refusal taken;
} stops[] = {
	{STOP_NO, 0, true, REFUSAL_NONE},
	/* A deadline that has passed is that of another level. */
	{STOP_SUCCEEDED, 0, false, REFUSAL_NONE},
	{STOP_DRAIN, PATIENCE_NS, false, REFUSAL_NONE},
	{STOP_DRAIN, 0, false, REFUSAL_STOPPING},
	{STOP_FORCE, PATIENCE_NS, false, REFUSAL_STOPPING},
};

TEST_ROWS(a_stop_says_which_free_slots_are_still_given, SUITE_COUNT(stops))
{
	registry_init(&r, 1);
	stop_at(stops[_i].stop, deadline_after(stops[_i].drain_ns));
	/* A disturbance does not count against a free slot, and counts once. */
	registry_disturb(&r, &quota);
	ck_assert_int_eq(
		registry_await_vacancy(&r, &quota, false, DEADLINE_NEVER), stops[_i].accepting);
	ck_assert_int_eq(registry_await_vacancy(&r, &quota, true, DEADLINE_NEVER),
		stops[_i].taken == REFUSAL_NONE);
	ck_assert_int_eq(try_to_take(&quota), stops[_i].taken);
	ck_assert_int_eq(atomic_load(&r.closing), stops[_i].stop > STOP_NO);
	ck_assert_int_eq(atomic_load(&r.draining), stops[_i].stop >= STOP_DRAIN);
	if (stops[_i].stop == STOP_FORCE)
		registry_rest(&r, DEADLINE_NEVER);
}

TEST(a_disturbance_before_the_wait_ends_it_and_only_once)
{
	struct waiter w = {.wait = ACCEPTING, .until_ns = DEADLINE_NEVER};

	registry_init(&r, 1);
	struct slot *slot = must_take(9);
	registry_disturb(&r, &quota);
	ck_assert(!registry_await_vacancy(&r, &quota, false, DEADLINE_NEVER));
	must_start(&w);
	give_back(slot);
	must_join(&w);
	ck_assert(w.vacancy);
}

/* Waking and cutting. */

#define OLD (60 * NS_PER_S)

static const struct {
	enum stream_state state;
	bool old;
	bool woken;
	enum stream_state when_woken;
	enum stream_state when_cut;
} states[] = {
	{STATUS_NEW, false, false, STATUS_NEW, STATUS_WOKEN},
	{STATUS_NEW, true, true, STATUS_WOKEN, STATUS_WOKEN},
	{STATUS_IDLE, false, true, STATUS_WOKEN, STATUS_WOKEN},
	{STATUS_BUSY, true, false, STATUS_BUSY, STATUS_FORCED},
	{STATUS_LINGERING, true, false, STATUS_LINGERING, STATUS_FORCED},
	{STATUS_WOKEN, true, false, STATUS_WOKEN, STATUS_FORCED},
	{STATUS_FORCED, true, false, STATUS_FORCED, STATUS_FORCED},
};

static const struct socket_options patient = {
	.receive_timeout_ns = PATIENCE_NS,
	.send_timeout_ns = PATIENCE_NS,
};

/* Neither side is shut, and nothing has come. */
static void check_is_silent(const struct pair *p)
{
	char byte;

	ck_assert_int_eq(recv(p->near, &byte, 1, MSG_DONTWAIT), -1);
	ck_assert_int_eq(recv(p->far, &byte, 1, MSG_DONTWAIT), -1);
	ck_assert_int_eq(errno, EAGAIN);
}

TEST_ROWS(a_wake_up_reaches_each_idle_connection_and_a_cut_every_one, SUITE_COUNT(states))
{
	struct pair p = must_pair(&patient);
	bool told = states[_i].when_woken == STATUS_WOKEN;

	registry_init(&r, 2);
	struct slot *slot = must_take(p.near);
	atomic_store(&slot->status.state, states[_i].state);
	slot->since_ns -= states[_i].old ? OLD : 0;
	ck_assert_uint_eq(registry_wake_idle(&r, OLD), states[_i].woken);
	ck_assert_int_eq(atomic_load(&slot->status.state), states[_i].when_woken);
	ck_assert_int_eq(atomic_load(&knocks), told);
	check_is_silent(&p);
	/* Told once, and knocked at until it listens. */
	ck_assert_uint_eq(registry_wake_idle(&r, OLD), 0);
	ck_assert_int_eq(atomic_load(&knocks), 2 * told);
	atomic_store(&slot->status.state, STATUS_BUSY);
	ck_assert_uint_eq(registry_wake_idle(&r, OLD), 0);
	ck_assert_int_eq(atomic_load(&knocks), 2 * told);
	atomic_store(&slot->status.state, states[_i].state);
	registry_cut(&r);
	ck_assert_int_eq(atomic_load(&slot->status.state), states[_i].when_cut);
	ck_assert_int_eq(send(p.near, "x", 1, MSG_NOSIGNAL), -1);
	ck_assert_int_eq(errno, EPIPE);
	ck_assert_int_eq(peer_reads_to_end(p.far, NULL), 0);
}

TEST(a_connection_whose_worker_closes_is_left_alone)
{
	struct pair p = must_pair(&patient);

	registry_init(&r, 1);
	struct slot *slot = must_take(p.near);
	atomic_store(&slot->status.state, STATUS_IDLE);
	ck_assert_int_eq(registry_detach(&r, slot), p.near);
	ck_assert_uint_eq(registry_wake_idle(&r, 0), 0);
	registry_cut(&r);
	ck_assert_int_eq(atomic_load(&slot->status.state), STATUS_IDLE);
	ck_assert_int_eq(atomic_load(&knocks), 0);
	check_is_silent(&p);
}

/* Whatever the status said when it was cut. */
TEST_ROWS(what_a_cut_connection_owed_is_what_its_worker_found, 4)
{
	const struct stream found = {.end = STREAM_FORCED, .unanswered = _i % 2 == 1};
	bool cut = _i / 2 == 1;

	registry_init(&r, 1);
	/* The slot's second connection is new in all, and is not cut. */
	for (unsigned number = 1; number <= 2; number++) {
		/* No socket: nothing is shut. */
		struct slot *slot = must_take(STDIN_FILENO);
		ck_assert_uint_eq(slot->number, number);
		ck_assert_int_eq(atomic_load(&slot->status.state), STATUS_BUSY);
		if (cut && number == 1)
			registry_cut(&r);
		(void)registry_detach(&r, slot);
		registry_release(&r, slot, &found);
		ck_assert_uint_eq(registry_cut_owing(&r), cut && found.unanswered);
	}
}

/*
 * The race: each worker answers lines and goes idle in between, while the stop comes at any moment.
 * Knocks go on until all have ended, as in a stop; a worker that neither sees the flag nor is told
 * would sleep for as long as the test lasts.
 */

#define WORKERS 8

struct worker {
	pthread_t thread;
	struct pair pair;
	struct slot *slot;
	struct stream stream;
	struct stream_counts counts;
};

static struct worker workers[WORKERS];
static atomic_int answered;

static void *answer(void *arg)
{
	static const struct stream_terms terms = {
		.framing = STREAM_LINE,
		.idle_ns = 3600 * NS_PER_S,
		.message_ns = 3600 * NS_PER_S,
		.reply_ns = 3600 * NS_PER_S,
		.max_line = 100,
	};
	struct worker *w = arg;
	struct stream_message line;

	w->slot->thread = pthread_self();
	stream_init(&w->stream, w->slot->fd, &terms, &w->slot->status);
	while (stream_read_line(&w->stream, &line) && stream_write(&w->stream, "ok\n", 3))
		atomic_fetch_add(&answered, 1);
	stream_finish(&w->stream);
	w->counts = stream_counts(&w->slot->status);
	close(registry_detach(&r, w->slot));
	registry_release(&r, w->slot, &w->stream);
	return NULL;
}

static bool have_answered(void *unused)
{
	(void)unused;
	return atomic_load(&answered) >= WORKERS;
}

/* What is promised an answer: its last byte was acknowledged before the stop. */
static bool all_is_acknowledged(void *unused)
{
	(void)unused;
	for (int i = 0; i < WORKERS; i++) {
		int unacknowledged;
		ck_assert_int_eq(ioctl(workers[i].pair.far, SIOCOUTQ, &unacknowledged), 0);
		if (unacknowledged > 0)
			return false;
	}
	return true;
}

static void start(struct worker *w)
{
	static const struct socket_options long_options = {
		.receive_timeout_ns = 3600 * NS_PER_S,
		.send_timeout_ns = 3600 * NS_PER_S,
	};

	w->pair = must_pair(&long_options);
	w->slot = must_take(w->pair.near);
	ck_assert_int_eq(pthread_create(&w->thread, NULL, answer, w), 0);
	must_send_text(w->pair.far, "one\n");
}

static void check_round(int round)
{
	int64_t patience = deadline_after(PATIENCE_NS);
	size_t woken = 0;

	registry_init(&r, WORKERS);
	atomic_store(&answered, 0);
	for (int i = 0; i < WORKERS; i++)
		start(&workers[i]);
	await(have_answered, NULL);
	/* More, so that some are busy and some idle at the stop. */
	for (int i = 0; i < WORKERS; i++) {
		for (int j = 0; j < (round + i) % 4; j++)
			must_send_text(workers[i].pair.far, "more\n");
	}
	await(all_is_acknowledged, NULL);
	registry_stop(&r, STOP_DRAIN, patience);
	do {
		woken += registry_wake_idle(&r, 0);
		ck_assert_int_lt(deadline_now(), patience);
	} while (registry_active(&r) > 0);
	ck_assert_uint_le(woken, WORKERS);
	for (int i = 0; i < WORKERS; i++) {
		ck_assert_int_eq(pthread_join(workers[i].thread, NULL), 0);
		ck_assert_int_eq(workers[i].stream.end, STREAM_DRAINED);
		/* What had arrived is answered. */
		ck_assert_uint_eq(workers[i].counts.messages_in, 1 + (unsigned)(round + i) % 4);
		ck_assert_uint_eq(workers[i].counts.messages_out, workers[i].counts.messages_in);
		close(workers[i].pair.far);
	}
	ck_assert_uint_eq(counted(COUNTER_ENDED), WORKERS);
	free(r.chunks[0]);
}

TEST(no_wake_up_is_lost_between_a_worker_going_idle_and_the_stop)
{
	for (int round = 0; round < mode_times(20, 2000); round++)
		check_round(round);
}

/* Many threads take, detach, release and untake at once. */

static void *take_and_give(void *unused)
{
	struct slot *slot;

	for (int i = 0; i < 2000; i++) {
		ck_assert_int_eq(take_of(&quota, true, 9, &slot), REFUSAL_NONE);
		if (i % 7 == 0) {
			(void)registry_untake(&r, slot);
		} else {
			atomic_store(&slot->status.bytes_in, 5);
			give_back(slot);
		}
	}
	return unused;
}

TEST(accepted_is_active_ended_and_refused_at_every_moment_and_no_count_goes_back)
{
	pthread_t threads[4];
	struct counts c = {.of = {0}};
	uint64_t bytes = 0;

	registry_init(&r, 3);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, take_and_give, NULL), 0);
	while (c.of[COUNTER_ACCEPTED] < 4000) {
		c = registry_counts(&r);
		ck_assert_uint_eq(c.of[COUNTER_ACCEPTED],
			c.of[COUNTER_ACTIVE] + c.of[COUNTER_ENDED] + c.of[COUNTER_REFUSED]);
		ck_assert_uint_le(c.of[COUNTER_ACTIVE], 3);
		ck_assert_uint_ge(c.of[COUNTER_BYTES_IN], bytes);
		ck_assert_uint_ge(c.of[COUNTER_BYTES_IN], 5 * c.of[COUNTER_ENDED]);
		bytes = c.of[COUNTER_BYTES_IN];
	}
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	ck_assert_uint_eq(registry_active(&r), 0);
	ck_assert_uint_eq(counted(COUNTER_REFUSED), 4 * 286);
	ck_assert_uint_eq(counted(COUNTER_BYTES_IN), 5 * counted(COUNTER_ENDED));
	ck_assert_uint_le(r.used, 3);
}

/* Workers. */

/* A service that answers each line with its thread, and how many signals the thread may get. */
static void serve_who(struct stream *s, const struct connection *c)
{
	const sigset_t all = signals_all();
	struct stream_message line;
	char text[64];
	sigset_t now;
	int open = 0;

	(void)c;
	(void)pthread_sigmask(SIG_SETMASK, NULL, &now);
	for (int i = 1; i < SIGRTMIN; i++)
		open += sigismember(&all, i) == 1 && i != SIGKILL && i != SIGSTOP &&
			!sigismember(&now, i);
	while (stream_read_line(s, &line)) {
		int len = snprintf(text, sizeof text, "%d %d\n", (int)gettid(), open);
		(void)stream_write(s, text, (size_t)len);
	}
}

static const struct service who = {.name = "who", .framing = STREAM_LINE, .serve = serve_who};

/* A rig for that service, with one option of its own. */
static void begin(const char *key, const char *value)
{
	log_open(LOG_WARN, LOG_LOGFMT);
	rig_begin();
	rig_set(key, value);
	rig_add_endpoint("127.0.0.1:0", "line")->service = &who;
	rig_build();
}

/* The client's end of a connection, and the thread that serves it, which gets the knock only. */
struct client {
	int fd;
	int thread;
};

static struct client must_connect(void)
{
	struct pair p = must_pair(&patient);
	char text[64] = "";
	int open;

	ck_assert_int_eq(rig_serve(p.near), 0);
	must_send_text(p.far, "who\n");
	for (size_t len = 0; !strchr(text, '\n') && len < sizeof text - 1; len++)
		must_receive(p.far, text + len, 1);
	struct client c = {.fd = p.far};
	ck_assert_int_eq(sscanf(text, "%d %d", &c.thread, &open), 2);
	ck_assert_int_eq(open, 1);
	return c;
}

static void hang_up(int fd)
{
	must_half_close(fd);
	ck_assert_int_eq(peer_reads_to_end(fd, NULL), 0);
	close(fd);
}

TEST(the_thread_parked_last_is_called_first)
{
	static const int order[] = {1, 0, 2};
	struct client clients[3];

	begin("threads.parked", "3");
	for (int i = 0; i < 3; i++)
		clients[i] = must_connect();
	for (int i = 0; i < 3; i++) {
		hang_up(clients[order[i]].fd);
		rig_await_parked(i + 1);
	}
	for (int i = 2; i >= 0; i--)
		ck_assert_int_eq(must_connect().thread, clients[order[i]].thread);
	ck_assert_uint_eq(rig_count(COUNTER_THREADS_STARTED), 3);
}

/* A park time that passes just when a connection comes: it is served, by one thread or another. */
TEST(a_connection_is_served_though_its_thread_was_about_to_end)
{
	const int times = mode_times(100, 10000);

	begin("threads.park_time", "1ms");
	for (int i = 0; i < times; i++)
		hang_up(must_connect().fd);
	rig_await_rest();
	ck_assert_uint_eq(rig_count(counter_of_end(STREAM_EOF)), (uint64_t)times);
	rig_await_parked(0);
	rig_check_sum();
}

/* Identity. */

TEST(a_run_is_twelve_hexadecimal_digits_and_an_id_that_and_the_number)
{
	struct identity i;
	char text[IDENTITY_ID_MAX];

	identity_init(&i);
	ck_assert_uint_eq(strlen(i.run), 12);
	ck_assert_uint_eq(strspn(i.run, "0123456789abcdef"), 12);
	ck_assert_ptr_eq(identity_format(&i, UINT64_MAX, text), text);
	ck_assert_mem_eq(text, i.run, 12);
	ck_assert_str_eq(text + 12, "-18446744073709551615");
	/* A template has room for it. */
	ck_assert_uint_le(strlen(text), TEMPLATE_ID_MAX);
}
