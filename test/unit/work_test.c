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

static enum refusal take(int fd, struct slot **slot)
{
	const struct candidate candidate = {.fd = fd, .quota = &quota};

	return registry_take(&r, &candidate, true, slot);
}

/* A slot whose worker is this thread: the knocks come here. */
static struct slot *must_take(int fd)
{
	const struct sigaction knock = {.sa_handler = count_knock};
	struct slot *slot;

	ck_assert_int_eq(take(fd, &slot), REFUSAL_NONE);
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
		ck_assert_int_eq(take(i, &slots[i]), REFUSAL_NONE);
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
	ck_assert_ptr_eq(must_take(9),
		&r.chunks[(REGISTRY_MAX - 1) / REGISTRY_CHUNK]
			 [(REGISTRY_MAX - 1) % REGISTRY_CHUNK]);
}

/*
 * Waits, with the only slot taken.  Scenes show what a slot, a stop, a reload or another limit that
 * ends one is followed by; here is how soon it ends, and when not.
 */

/* At a stop at this level, with a deadline that counts when it drains. */
static void stop_at(enum stop_level level, int64_t deadline_ns)
{
	if (level != STOP_NO)
		registry_stop(&r, level, deadline_ns);
}

static void wait_until(bool resting, int64_t deadline_ns)
{
	if (resting)
		registry_rest(&r, deadline_ns);
	else
		ck_assert(!registry_await_vacancy(&r, &quota, true, deadline_ns));
}

TEST_ROWS(a_wait_ends_at_its_deadline_or_that_of_the_drain_and_not_before, 6)
{
	static const enum stop_level levels[] = {STOP_NO, STOP_DRAIN, STOP_DRAIN};
	int64_t deadline = deadline_after(SHORT_NS);
	bool by_drain = _i % 3 == 2;

	registry_init(&r, 1);
	must_take(9);
	stop_at(levels[_i % 3], by_drain ? deadline : deadline_after(PATIENCE_NS));
	wait_until(_i >= 3, by_drain ? DEADLINE_NEVER : deadline);
	ck_assert_int_ge(deadline_now(), deadline);
}

/* An acceptor would look again and again, and find that it may not accept. */
TEST(a_rest_that_is_held_back_lasts_until_it_is_let_go)
{
	int64_t deadline = deadline_after(SHORT_NS);

	registry_init(&r, 1);
	registry_hold_back(&r, deadline);
	registry_rest(&r, 0);
	ck_assert_int_ge(deadline_now(), deadline);
}

static void *wait_while_draining(void *unused)
{
	wait_until(false, DEADLINE_NEVER);
	return unused;
}

static bool is_waiting(void *unused)
{
	(void)unused;
	lock_take(&r.lock);
	bool waits = r.waiters > 0;
	lock_drop(&r.lock);
	return waits;
}

static void *wait_for_vacancy(void *unused)
{
	(void)registry_await_vacancy(&r, &quota, false, DEADLINE_NEVER);
	return unused;
}

/* A lost wake-up costs a slice of 100 ms, which the suite timing sees. */
TEST_TIMED_ROWS(a_wait_ends_at_once_by_what_it_waits_for, 4)
{
	pthread_t thread;

	registry_init(&r, 1);
	struct slot *slot = must_take(9);
	ck_assert_int_eq(pthread_create(&thread, NULL, wait_for_vacancy, NULL), 0);
	await(is_waiting, NULL);
	int64_t began = deadline_now();
	if (_i == 0)
		give_back(slot);
	else if (_i == 1)
		registry_set_limit(&r, 2);
	else if (_i == 2)
		registry_disturb(&r, &quota);
	else
		registry_stop(&r, STOP_SUCCEEDED, 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	mode_check_most(deadline_now() - began, SHORT_NS);
}

TEST(a_drain_bounds_a_wait_that_began_before_it_and_a_disturbance_does_not)
{
	pthread_t thread;

	registry_init(&r, 1);
	must_take(9);
	registry_stop(&r, STOP_SUCCEEDED, 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, wait_while_draining, NULL), 0);
	await(is_waiting, NULL);
	registry_disturb(&r, &quota);
	int64_t deadline = deadline_after(SHORT_NS);
	registry_stop(&r, STOP_DRAIN, deadline);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_ge(deadline_now(), deadline);
}

TEST(a_disturbance_before_the_wait_ends_it_and_only_once)
{
	registry_init(&r, 1);
	must_take(9);
	registry_disturb(&r, &quota);
	ck_assert(!registry_await_vacancy(&r, &quota, false, DEADLINE_NEVER));
	ck_assert(!quota.disturbed);
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
	struct slot *slot;

	registry_init(&r, 1);
	stop_at(stops[_i].stop, deadline_after(stops[_i].drain_ns));
	ck_assert_int_eq(
		registry_await_vacancy(&r, &quota, false, DEADLINE_NEVER), stops[_i].accepting);
	ck_assert_int_eq(registry_await_vacancy(&r, &quota, true, DEADLINE_NEVER),
		stops[_i].taken == REFUSAL_NONE);
	ck_assert_int_eq(take(9, &slot), stops[_i].taken);
	ck_assert_int_eq(atomic_load(&r.closing), stops[_i].stop > STOP_NO);
	ck_assert_int_eq(atomic_load(&r.draining), stops[_i].stop >= STOP_DRAIN);
	if (stops[_i].stop == STOP_FORCE)
		registry_rest(&r, DEADLINE_NEVER);
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

/* Many threads take, detach, release and untake at once. */

static void *take_and_give(void *unused)
{
	struct slot *slot;

	for (int i = 0; i < 2000; i++) {
		ck_assert_int_eq(take(9, &slot), REFUSAL_NONE);
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

TEST(a_worker_has_the_stack_that_was_asked_for_and_no_signal_but_the_knock)
{
	const sigset_t all = signals_all();
	pthread_attr_t attributes;
	sigset_t blocked;
	size_t stack;

	worker_attributes(&attributes, 512 * 1024);
	ck_assert_int_eq(pthread_attr_getstacksize(&attributes, &stack), 0);
	ck_assert_uint_eq(stack, 512 * 1024);
	ck_assert_int_eq(pthread_attr_getsigmask_np(&attributes, &blocked), 0);
	for (int i = 1; i < SIGRTMIN; i++)
		ck_assert(sigismember(&blocked, i) == (sigismember(&all, i) && i != SIGNALS_KNOCK));
	(void)pthread_attr_destroy(&attributes);
}

/* A rig for lines, with one option of its own. */
static void begin(const char *key, const char *value)
{
	log_open(LOG_WARN, LOG_LOGFMT);
	rig_begin();
	rig_set(key, value);
	rig_add_endpoint("127.0.0.1:0", "line");
	rig_build();
}

/* The client's end of a connection that is being served. */
static int must_connect(void)
{
	struct pair p = must_pair(&patient);

	ck_assert_int_eq(rig_serve(p.near), 0);
	must_send_text(p.far, "x\n");
	peer_expects(p.far, "echo: x\n");
	return p.far;
}

static void hang_up(int fd)
{
	must_half_close(fd);
	ck_assert_int_eq(peer_reads_to_end(fd, NULL), 0);
	close(fd);
}

/*
 * The race: each worker answers lines and goes idle in between, while the stop comes at any moment.
 * Knocks go on until all have ended, as in a stop; a worker that neither sees the flag nor is told
 * would sleep for as long as the test lasts.
 */

#define WORKERS 8

static int clients[WORKERS];

/* What is promised an answer: its last byte was acknowledged before the stop. */
static bool all_is_acknowledged(void *unused)
{
	(void)unused;
	for (int i = 0; i < WORKERS; i++) {
		int unacknowledged;
		ck_assert_int_eq(ioctl(clients[i], SIOCOUTQ, &unacknowledged), 0);
		if (unacknowledged > 0)
			return false;
	}
	return true;
}

TEST_ROWS(no_wake_up_is_lost_between_a_worker_going_idle_and_the_stop, mode_times(20, 2000))
{
	int64_t patience = deadline_after(PATIENCE_NS);
	uint64_t sent = WORKERS;
	size_t woken = 0;

	begin("linger.time", "0");
	for (int i = 0; i < WORKERS; i++)
		clients[i] = must_connect();
	/* More, so that some are busy and some idle at the stop. */
	for (int i = 0; i < WORKERS; i++) {
		for (int j = 0; j < (_i + i) % 4; j++, sent++)
			must_send_text(clients[i], "more\n");
	}
	await(all_is_acknowledged, NULL);
	registry_stop(&rig.registry, STOP_DRAIN, patience);
	do {
		woken += registry_wake_idle(&rig.registry, 0);
		ck_assert_int_lt(deadline_now(), patience);
	} while (registry_active(&rig.registry) > 0);
	ck_assert_uint_le(woken, WORKERS);
	ck_assert_uint_eq(rig_count(counter_of_end(STREAM_DRAINED)), WORKERS);
	/* What had arrived is answered. */
	ck_assert_uint_eq(rig_count(COUNTER_MESSAGES_IN), sent);
	ck_assert_uint_eq(rig_count(COUNTER_MESSAGES_OUT), sent);
}

/* The thread of a connection that has been answered: stored before its status. */
static pthread_t thread_of(int slot)
{
	const struct slot *of = &rig.registry.chunks[0][slot];

	ck_assert_int_ne(atomic_load(&of->status.state), STATUS_NEW);
	return of->thread;
}

TEST(the_thread_parked_last_is_called_first)
{
	static const int order[] = {1, 0, 2};
	pthread_t threads[3];
	int fds[3];

	begin("threads.parked", "3");
	for (int i = 0; i < 3; i++) {
		fds[i] = must_connect();
		threads[i] = thread_of(i);
	}
	/* The slot that is freed last is taken first, too. */
	for (int i = 0; i < 3; i++) {
		hang_up(fds[order[i]]);
		rig_await_parked(i + 1);
	}
	for (int i = 2; i >= 0; i--) {
		(void)must_connect();
		ck_assert(pthread_equal(thread_of(order[i]), threads[order[i]]));
	}
	ck_assert_uint_eq(rig_count(COUNTER_THREADS_STARTED), 3);
}

/* A park time that passes just when a connection comes: it is served, by one thread or another. */
TEST(a_connection_is_served_though_its_thread_was_about_to_end)
{
	const int times = mode_times(100, 10000);

	begin("threads.park_time", "1ms");
	for (int i = 0; i < times; i++)
		hang_up(must_connect());
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
