/* SPDX-License-Identifier: ISC */
/* Proves registry: slots, the waits for one, the counts, and that a stop wakes every idle
 * connection. */
#include "server/signals.h"
#include "server/work/registry.h"

#include "common/deadline.h"
#include "common/lock.h"
#include "pair.h"
#include "peer.h"
#include "rig.h"
#include "server/settings/settings.h"
#include "test/mode.h"
#include "test/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define SHORT_NS    (50 * NS_PER_MS)
#define PATIENCE_NS (60 * NS_PER_S)

static struct registry r;
static const struct address nobody = {.in4 = {.sin_family = AF_INET}};

static atomic_int knocks; /* a signal handler may */

static void count_knock(int signal)
{
	(void)signal;
	atomic_fetch_add(&knocks, 1);
}

static struct quota quota;

/* A slot, waited for as long as the stop allows, or NULL; the refusal is counted. */
static struct slot *take(int fd)
{
	const struct candidate candidate = {.fd = fd, .quota = &quota, .peer = nobody};
	struct slot *slot = NULL;
	enum refusal why = registry_take(&r, &candidate, true, &slot);

	if (why != REFUSAL_NONE)
		registry_count_refused(&r, why);
	return slot;
}

/* A slot whose worker is this thread: the knocks come here. */
static struct slot *must_take(int fd)
{
	struct slot *slot = take(fd);
	struct sigaction knock = {.sa_handler = count_knock};

	ck_assert_ptr_nonnull(slot);
	sigemptyset(&knock.sa_mask);
	ck_assert_int_eq(sigaction(SIGNALS_KNOCK, &knock, NULL), 0);
	slot->thread = pthread_self();
	return slot;
}

static void give_back(struct slot *slot, enum stream_end end)
{
	const struct stream s = {.end = end};

	(void)registry_detach(&r, slot);
	registry_release(&r, slot, &s);
}

static void check_counts(uint64_t accepted, uint64_t active, uint64_t ended, uint64_t refused)
{
	struct counters c = registry_counters(&r);

	ck_assert_uint_eq(c.accepted, accepted);
	ck_assert_uint_eq(c.active, active);
	ck_assert_uint_eq(counters_ended(&c), ended);
	ck_assert_uint_eq(c.refused, refused);
	ck_assert_uint_eq(accepted, active + ended + refused);
}

/* A descriptor that is no socket, for where none is looked at. */
static int some_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

/* Slots. */

TEST(a_slot_taken_is_new_and_knows_its_connection)
{
	const struct endpoint endpoint = {.backlog = 1};
	const struct address peer = {.in4 = {.sin_family = AF_INET, .sin_port = htons(7)}};

	registry_init(&r, 2);
	int64_t before = deadline_now();
	const struct candidate candidate = {
		.fd = 9, .endpoint = &endpoint, .quota = &quota, .peer = peer};
	struct slot *slot;
	ck_assert_int_eq(registry_take(&r, &candidate, true, &slot), REFUSAL_NONE);
	ck_assert_int_eq(slot->fd, 9);
	ck_assert_uint_eq(slot->number, 1);
	ck_assert_ptr_eq(slot->candidate.endpoint, &endpoint);
	ck_assert(address_equal(&slot->candidate.peer, &peer));
	/* Until its worker says that it waits. */
	ck_assert_int_eq(atomic_load(&slot->status.state), STATUS_BUSY);
	ck_assert_ptr_eq(slot->status.draining, &r.draining);
	ck_assert_int_ge(slot->since_ns, before);
	ck_assert_int_le(slot->since_ns, deadline_now());
	ck_assert_uint_eq(must_take(8)->number, 2);
	check_counts(2, 2, 0, 0);
}

TEST(a_slot_detached_has_no_socket_and_released_is_free_and_counted)
{
	const struct stream s = {.end = STREAM_EOF};

	registry_init(&r, 1);
	struct slot *slot = must_take(9);
	atomic_store(&slot->status.bytes_in, 3);
	ck_assert_int_eq(registry_detach(&r, slot), 9);
	ck_assert_int_eq(slot->fd, -1);
	registry_release(&r, slot, &s);
	check_counts(1, 0, 1, 0);
	ck_assert_uint_eq(registry_counters(&r).ends[STREAM_EOF], 1);
	ck_assert_uint_eq(registry_counters(&r).bytes_in, 3);
	ck_assert_ptr_eq(must_take(5), slot);
	ck_assert_uint_eq(stream_counts(&slot->status).bytes_in, 0);
}

TEST(a_slot_used_again_is_new_again)
{
	registry_init(&r, 1);
	struct slot *slot = must_take(9);
	atomic_store(&slot->status.state, STATUS_FORCED);
	give_back(slot, STREAM_FORCED);
	slot = must_take(5);
	ck_assert_int_eq(atomic_load(&slot->status.state), STATUS_BUSY);
	ck_assert_int_eq(slot->fd, 5);
	ck_assert_uint_eq(slot->number, 2);
}

TEST(the_slot_freed_last_is_taken_first)
{
	struct slot *slots[4];

	registry_init(&r, 5);
	for (int i = 0; i < 4; i++)
		slots[i] = must_take(i);
	give_back(slots[2], STREAM_EOF);
	give_back(slots[0], STREAM_EOF);
	give_back(slots[3], STREAM_EOF);
	ck_assert_ptr_eq(must_take(1), slots[3]);
	ck_assert_ptr_eq(must_take(1), slots[0]);
	ck_assert_ptr_eq(must_take(1), slots[2]);
	/* Only then one that was never used. */
	ck_assert_ptr_eq(must_take(1), &r.chunks[0][4]);
}

TEST(a_slot_untaken_is_free_and_counted_as_refused)
{
	registry_init(&r, 1);
	struct slot *slot = must_take(9);
	ck_assert_int_eq(registry_untake(&r, slot), 9);
	ck_assert_int_eq(slot->fd, -1);
	check_counts(1, 0, 0, 1);
	ck_assert_ptr_eq(must_take(5), slot);
	ck_assert_uint_eq(stream_counts(&slot->status).bytes_in, 0);
}

TEST(what_is_counted_alone_is_counted)
{
	registry_init(&r, 1);
	registry_count_peer_error(&r);
	registry_count_shortage(&r, false);
	registry_count_shortage(&r, true);
	registry_count_thread(&r, 1);
	struct counters c = registry_counters(&r);
	ck_assert_uint_eq(c.accept_peer_errors, 1);
	ck_assert_uint_eq(c.accept_shortages, 2);
	ck_assert_uint_eq(c.threads_failed, 1);
	ck_assert_uint_eq(c.threads_started, 1);
	check_counts(0, 0, 0, 0);
}

/* Waiting. */

struct waiter {
	pthread_t thread;
	bool draining;
	bool vacancy;
	int64_t rest_until; /* if not 0: rest, and do not wait for room */
	int64_t done;
};

static void *wait_or_rest(void *arg)
{
	struct waiter *w = arg;

	if (w->rest_until)
		registry_rest(&r, w->rest_until);
	else
		w->vacancy = registry_await_vacancy(&r, &quota, w->draining, DEADLINE_NEVER);
	w->done = deadline_now();
	return NULL;
}

static bool somebody_waits(void *unused)
{
	(void)unused;
	lock_take(&r.lock);
	bool waits = r.waiters > 0;
	lock_drop(&r.lock);
	return waits;
}

static void must_start(struct waiter *w)
{
	ck_assert_int_eq(pthread_create(&w->thread, NULL, wait_or_rest, w), 0);
	await(somebody_waits, NULL);
}

static void must_join(struct waiter *w)
{
	ck_assert_int_eq(pthread_join(w->thread, NULL), 0);
}

TEST(room_that_is_there_is_not_waited_for)
{
	registry_init(&r, 1);
	ck_assert(registry_await_vacancy(&r, &quota, false, DEADLINE_NEVER));
	ck_assert(registry_await_vacancy(&r, &quota, true, DEADLINE_NEVER));
}

/* A lost wake-up costs a slice of 100 ms, which the suite timing sees. */
static void check_wakes_at_once_at(void (*make_room)(struct slot *slot), int64_t limit_of_all)
{
	int64_t quickest = INT64_MAX;

	registry_init(&r, limit_of_all);
	for (int round = 0; round < 10; round++) {
		struct waiter w = {.draining = false};
		struct slot *slot = must_take(9);
		must_start(&w);
		int64_t freed = deadline_now();
		make_room(slot);
		must_join(&w);
		ck_assert(w.vacancy);
		quickest = deadline_earlier(quickest, w.done - freed);
	}
	mode_check_most(quickest, SHORT_NS);
}

static void check_wakes_at_once(void (*make_room)(struct slot *slot))
{
	check_wakes_at_once_at(make_room, 1);
}

static void by_release(struct slot *slot)
{
	give_back(slot, STREAM_EOF);
}

static void by_untake(struct slot *slot)
{
	(void)registry_untake(&r, slot);
}

TEST_TIMED(a_wait_for_room_ends_at_once_when_a_connection_ends)
{
	check_wakes_at_once(by_release);
}

TEST_TIMED(a_wait_for_room_ends_at_once_when_a_slot_is_untaken)
{
	check_wakes_at_once(by_untake);
}

/* The limits. */

static int64_t limit;

/* One more than there were: the slot that is taken stays taken. */
static void by_a_higher_limit(struct slot *slot)
{
	(void)slot;
	registry_set_limit(&r, ++limit);
}

TEST_TIMED(a_limit_that_is_raised_lets_whoever_waits_in_at_once)
{
	limit = 1;
	check_wakes_at_once(by_a_higher_limit);
	ck_assert_uint_eq(registry_counters(&r).active, 10);
}

static void by_a_higher_share(struct slot *slot)
{
	(void)slot;
	registry_set_quota(&r, &quota, ++limit);
}

TEST_TIMED(a_listeners_limit_that_is_raised_lets_whoever_waits_in_at_once)
{
	limit = 1;
	quota.limit = 1;
	check_wakes_at_once_at(by_a_higher_share, 1000);
	ck_assert_int_eq(quota.active, 10);
}

/* A slot without a wait. */
static enum refusal try_to_take(struct quota *of)
{
	const struct candidate candidate = {.fd = 9, .quota = of, .peer = nobody};
	struct slot *slot;

	return registry_take(&r, &candidate, false, &slot);
}

TEST(a_limit_that_is_lowered_holds_and_takes_nothing_away)
{
	struct slot *slots[3];

	registry_init(&r, 3);
	for (int i = 0; i < 3; i++)
		slots[i] = must_take(i);
	registry_set_limit(&r, 1);
	check_counts(3, 3, 0, 0);
	ck_assert_int_eq(try_to_take(&quota), REFUSAL_FULL);
	give_back(slots[0], STREAM_EOF);
	give_back(slots[1], STREAM_EOF);
	ck_assert_int_eq(try_to_take(&quota), REFUSAL_FULL);
	ck_assert(!registry_await_vacancy(&r, &quota, false, deadline_now()));
	ck_assert_int_eq(slots[2]->fd, 2);
	give_back(slots[2], STREAM_EOF);
	ck_assert_int_eq(try_to_take(&quota), REFUSAL_NONE);
	ck_assert_int_eq(try_to_take(&quota), REFUSAL_FULL);
}

TEST(a_listeners_limit_holds_for_it_and_for_no_other)
{
	struct quota one = {.limit = 0};
	struct quota other = {.limit = 0};

	registry_init(&r, 4);
	registry_set_quota(&r, &one, 2);
	ck_assert_int_eq(try_to_take(&one), REFUSAL_NONE);
	ck_assert_int_eq(try_to_take(&one), REFUSAL_NONE);
	ck_assert_int_eq(try_to_take(&one), REFUSAL_LISTENER_FULL);
	ck_assert(!registry_await_vacancy(&r, &one, false, deadline_now()));
	ck_assert(registry_await_vacancy(&r, &other, false, deadline_now()));
	ck_assert_int_eq(try_to_take(&other), REFUSAL_NONE);
	ck_assert_int_eq(try_to_take(&other), REFUSAL_NONE);
	/* The limit of all comes first. */
	ck_assert_int_eq(try_to_take(&other), REFUSAL_FULL);
	ck_assert_int_eq(try_to_take(&one), REFUSAL_FULL);
	ck_assert_int_eq(one.active, 2);
	ck_assert_int_eq(other.active, 2);
}

TEST(what_a_listeners_connections_take_of_its_limit_they_give_back)
{
	registry_init(&r, 4);
	registry_set_quota(&r, &quota, 1);
	give_back(must_take(9), STREAM_EOF);
	ck_assert_int_eq(quota.active, 0);
	(void)registry_untake(&r, must_take(9));
	ck_assert_int_eq(quota.active, 0);
	ck_assert_int_eq(try_to_take(&quota), REFUSAL_NONE);
	ck_assert_int_eq(try_to_take(&quota), REFUSAL_LISTENER_FULL);
}

/* Chunks. */

TEST(slots_are_made_in_chunks_as_they_are_needed_and_none_moves)
{
	enum {
		MANY = 2 * REGISTRY_CHUNK + 1
	};
	static struct slot *slots[MANY];

	registry_init(&r, REGISTRY_MAX);
	ck_assert_ptr_null(r.chunks[0]);
	for (int i = 0; i < MANY; i++) {
		slots[i] = take(i);
		ck_assert_ptr_nonnull(slots[i]);
		ck_assert_ptr_null(r.chunks[i / REGISTRY_CHUNK + 1]);
	}
	for (int i = 0; i < MANY; i++) {
		ck_assert_ptr_eq(slots[i], &r.chunks[i / REGISTRY_CHUNK][i % REGISTRY_CHUNK]);
		ck_assert_int_eq(slots[i]->fd, i);
		ck_assert_uint_eq(slots[i]->number, (unsigned)i + 1);
	}
	/* One that is given back is used before a new one is made. */
	give_back(slots[7], STREAM_EOF);
	ck_assert_ptr_eq(take(7), slots[7]);
	check_counts(MANY + 1, MANY, 1, 0);
}

TEST(the_last_slot_of_the_largest_limit_has_its_chunk)
{
	registry_init(&r, REGISTRY_MAX);
	/* As if all the others were taken. */
	r.used = REGISTRY_MAX - 1;
	r.counters.active = REGISTRY_MAX - 1;
	ck_assert_int_eq(try_to_take(&quota), REFUSAL_NONE);
	ck_assert_ptr_nonnull(r.chunks[(REGISTRY_MAX - 1) / REGISTRY_CHUNK]);
	ck_assert_int_eq(try_to_take(&quota), REFUSAL_FULL);
}

/* A successor accepts. */

TEST(when_another_process_accepts_acceptors_are_told_and_gates_are_not)
{
	registry_init(&r, 1);
	registry_stop(&r, STOP_SUCCEEDED, 0);
	ck_assert(atomic_load(&r.closing));
	ck_assert(!atomic_load(&r.draining));
	registry_stop(&r, STOP_DRAIN, deadline_after(PATIENCE_NS));
	ck_assert(atomic_load(&r.draining));
}

TEST(when_another_process_accepts_only_those_who_drain_wait_on_and_without_a_bound)
{
	struct waiter w = {.draining = true};

	registry_init(&r, 1);
	struct slot *slot = must_take(9);
	/* A deadline that has passed is that of another level. */
	registry_stop(&r, STOP_SUCCEEDED, deadline_now());
	ck_assert(!registry_await_vacancy(&r, &quota, false, DEADLINE_NEVER));
	must_start(&w);
	give_back(slot, STREAM_EOF);
	must_join(&w);
	ck_assert(w.vacancy);
	/* There is room, but not for those who would go on accepting. */
	ck_assert(!registry_await_vacancy(&r, &quota, false, DEADLINE_NEVER));
	ck_assert_int_eq(try_to_take(&quota), REFUSAL_NONE);
	ck_assert_int_eq(try_to_take(&quota), REFUSAL_FULL);
}

TEST(when_another_process_accepts_whoever_waits_as_before_is_woken)
{
	struct waiter w = {.draining = false, .vacancy = true};

	registry_init(&r, 1);
	must_take(9);
	must_start(&w);
	registry_stop(&r, STOP_SUCCEEDED, 0);
	must_join(&w);
	ck_assert(!w.vacancy);
}

TEST(a_drain_after_that_bounds_the_wait_of_those_who_drain)
{
	struct waiter w = {.draining = true, .vacancy = true};

	registry_init(&r, 1);
	must_take(9);
	registry_stop(&r, STOP_SUCCEEDED, 0);
	must_start(&w);
	int64_t deadline = deadline_after(SHORT_NS);
	registry_stop(&r, STOP_DRAIN, deadline);
	must_join(&w);
	ck_assert(!w.vacancy);
	ck_assert_int_ge(w.done, deadline);
}

/* Stops. */

TEST(a_stop_ends_the_wait_of_those_who_do_not_drain)
{
	struct waiter w = {.draining = false, .vacancy = true};

	registry_init(&r, 1);
	must_take(9);
	must_start(&w);
	registry_stop(&r, STOP_DRAIN, deadline_after(PATIENCE_NS));
	must_join(&w);
	ck_assert(!w.vacancy);
	ck_assert(!registry_await_vacancy(&r, &quota, false, DEADLINE_NEVER));
}

TEST(one_who_is_disturbed_looks_up_and_may_wait_again)
{
	struct waiter w = {.draining = false, .vacancy = true};

	registry_init(&r, 1);
	struct slot *slot = must_take(9);
	must_start(&w);
	registry_disturb(&r, &quota);
	must_join(&w);
	ck_assert(!w.vacancy);
	/* Before it waits counts too, or a disturbance could be lost. */
	registry_disturb(&r, &quota);
	ck_assert(!registry_await_vacancy(&r, &quota, false, DEADLINE_NEVER));
	/* Each counts once, and never against room that is there. */
	must_start(&w);
	give_back(slot, STREAM_EOF);
	must_join(&w);
	ck_assert(w.vacancy);
	registry_disturb(&r, &quota);
	ck_assert(registry_await_vacancy(&r, &quota, false, DEADLINE_NEVER));
}

TEST(one_who_has_a_client_already_is_not_disturbed)
{
	struct waiter w = {.draining = true};

	registry_init(&r, 1);
	struct slot *slot = must_take(9);
	registry_disturb(&r, &quota);
	must_start(&w);
	give_back(slot, STREAM_EOF);
	must_join(&w);
	ck_assert(w.vacancy);
}

TEST(those_who_drain_wait_on_and_get_room_that_comes)
{
	struct waiter w = {.draining = true};

	registry_init(&r, 1);
	struct slot *slot = must_take(9);
	registry_stop(&r, STOP_DRAIN, deadline_after(PATIENCE_NS));
	must_start(&w);
	give_back(slot, STREAM_DRAINED);
	must_join(&w);
	ck_assert(w.vacancy);
}

TEST_TIMED(those_who_drain_wait_until_the_drain_deadline_and_no_longer)
{
	registry_init(&r, 1);
	must_take(9);
	int64_t deadline = deadline_after(SHORT_NS);
	registry_stop(&r, STOP_DRAIN, deadline);
	ck_assert(!registry_await_vacancy(&r, &quota, true, DEADLINE_NEVER));
	ck_assert_int_ge(deadline_now(), deadline);
	mode_check_most(deadline_now() - deadline, SHORT_NS);
}

TEST(after_the_drain_deadline_there_is_no_room_even_where_there_is)
{
	registry_init(&r, 1);
	registry_stop(&r, STOP_DRAIN, deadline_now());
	ck_assert(!registry_await_vacancy(&r, &quota, true, DEADLINE_NEVER));
	ck_assert_ptr_null(take(9));
	check_counts(1, 0, 0, 1);
}

TEST(before_the_drain_deadline_a_slot_can_be_taken)
{
	registry_init(&r, 1);
	registry_stop(&r, STOP_DRAIN, deadline_after(PATIENCE_NS));
	ck_assert(registry_await_vacancy(&r, &quota, true, DEADLINE_NEVER));
	must_take(9);
	check_counts(1, 1, 0, 0);
}

TEST(a_forced_stop_ends_every_wait)
{
	struct waiter w = {.draining = true, .vacancy = true};

	registry_init(&r, 1);
	must_take(9);
	registry_stop(&r, STOP_DRAIN, deadline_after(PATIENCE_NS));
	must_start(&w);
	registry_stop(&r, STOP_FORCE, 0);
	must_join(&w);
	ck_assert(!w.vacancy);
	ck_assert_ptr_null(take(9));
	check_counts(2, 1, 0, 1);
}

/* Resting. */

TEST_TIMED(a_rest_lasts_until_its_deadline)
{
	registry_init(&r, 1);
	int64_t deadline = deadline_after(SHORT_NS);
	registry_rest(&r, deadline);
	ck_assert_int_ge(deadline_now(), deadline);
	mode_check_most(deadline_now() - deadline, SHORT_NS);
}

TEST(a_connection_that_ends_ends_a_rest)
{
	struct waiter w = {.rest_until = deadline_after(PATIENCE_NS)};

	registry_init(&r, 1);
	struct slot *slot = must_take(9);
	must_start(&w);
	give_back(slot, STREAM_EOF);
	must_join(&w);
	ck_assert_int_lt(w.done, w.rest_until);
}

TEST(a_stop_ends_a_rest)
{
	struct waiter w = {.rest_until = deadline_after(PATIENCE_NS)};

	registry_init(&r, 1);
	must_start(&w);
	registry_stop(&r, STOP_DRAIN, deadline_after(PATIENCE_NS));
	must_join(&w);
	ck_assert_int_lt(w.done, w.rest_until);
}

TEST(a_forced_stop_ends_a_rest_that_began_while_draining)
{
	struct waiter w = {.rest_until = deadline_after(PATIENCE_NS)};

	registry_init(&r, 1);
	registry_stop(&r, STOP_DRAIN, deadline_after(PATIENCE_NS));
	must_start(&w);
	registry_stop(&r, STOP_FORCE, 0);
	must_join(&w);
	ck_assert_int_lt(w.done, w.rest_until);
}

TEST(a_rest_that_is_held_back_lasts_until_it_is_let_go)
{
	struct waiter w = {.rest_until = deadline_after(SHORT_NS)};

	registry_init(&r, 1);
	struct slot *slot = must_take(9);
	registry_hold_back(&r, deadline_after(PATIENCE_NS));
	must_start(&w);
	give_back(slot, STREAM_EOF);
	while (deadline_now() <= w.rest_until)
		sched_yield();
	int64_t let_go = deadline_now();
	registry_hold_back(&r, 0);
	must_join(&w);
	ck_assert_int_ge(w.done, let_go);
}

TEST(a_stop_ends_a_rest_that_is_held_back)
{
	struct waiter w = {.rest_until = deadline_after(SHORT_NS)};

	registry_init(&r, 1);
	registry_hold_back(&r, deadline_after(PATIENCE_NS));
	must_start(&w);
	registry_stop(&r, STOP_DRAIN, deadline_after(PATIENCE_NS));
	must_join(&w);
}

TEST_TIMED(a_rest_while_draining_ends_with_the_drain)
{
	registry_init(&r, 1);
	int64_t deadline = deadline_after(SHORT_NS);
	registry_stop(&r, STOP_DRAIN, deadline);
	registry_rest(&r, deadline_after(PATIENCE_NS));
	ck_assert_int_ge(deadline_now(), deadline);
	mode_check_most(deadline_now() - deadline, SHORT_NS);
}

TEST(nobody_rests_in_a_forced_stop)
{
	registry_init(&r, 1);
	registry_stop(&r, STOP_FORCE, 0);
	int64_t deadline = deadline_after(PATIENCE_NS);
	registry_rest(&r, deadline);
	ck_assert_int_lt(deadline_now(), deadline);
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
	{STATUS_IDLE, true, true, STATUS_WOKEN, STATUS_WOKEN},
	{STATUS_BUSY, true, false, STATUS_BUSY, STATUS_FORCED},
	{STATUS_LINGERING, true, false, STATUS_LINGERING, STATUS_FORCED},
	{STATUS_WOKEN, true, false, STATUS_WOKEN, STATUS_FORCED},
	{STATUS_FORCED, true, false, STATUS_FORCED, STATUS_FORCED},
};

static const struct socket_options options = {
	.receive_timeout_ns = PATIENCE_NS,
	.send_timeout_ns = PATIENCE_NS,
};

static struct slot *must_put(const struct pair *p, int row)
{
	struct slot *slot = must_take(p->near);

	atomic_store(&slot->status.state, states[row].state);
	slot->since_ns -= states[row].old ? OLD : 0;
	return slot;
}

/* What a recv that does not wait says: 0 for the end of the stream, or -EAGAIN. */
static ssize_t look(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT);

	return n < 0 ? -errno : n;
}

TEST_ROWS(a_wake_up_reaches_whoever_waits_and_nobody_else, SUITE_COUNT(states))
{
	struct pair p = must_pair(&options);

	registry_init(&r, 1);
	struct slot *slot = must_put(&p, _i);
	ck_assert_uint_eq(registry_wake_idle(&r, OLD), states[_i].woken);
	ck_assert_int_eq(atomic_load(&slot->status.state), states[_i].when_woken);
	bool told = states[_i].when_woken == STATUS_WOKEN;
	ck_assert_int_eq(atomic_load(&knocks), told);
	/* Both sides stay open, and the peer sees nothing of it. */
	ck_assert_int_eq(look(p.near), -EAGAIN);
	ck_assert_int_eq(look(p.far), -EAGAIN);
	/* Told once, and knocked at until it listens. */
	ck_assert_uint_eq(registry_wake_idle(&r, OLD), 0);
	ck_assert_int_eq(atomic_load(&knocks), 2 * told);
	atomic_store(&slot->status.state, STATUS_BUSY);
	ck_assert_uint_eq(registry_wake_idle(&r, OLD), 0);
	ck_assert_int_eq(atomic_load(&knocks), 2 * told);
}

TEST_ROWS(a_cut_reaches_all, SUITE_COUNT(states))
{
	struct pair p = must_pair(&options);

	registry_init(&r, 1);
	struct slot *slot = must_put(&p, _i);
	registry_cut(&r);
	ck_assert_int_eq(atomic_load(&slot->status.state), states[_i].when_cut);
	ck_assert_int_eq(send(p.near, "x", 1, MSG_NOSIGNAL), -1);
	ck_assert_int_eq(errno, EPIPE);
	ck_assert_int_eq(peer_reads_to_end(p.far, NULL), 0);
}

/* Whatever the gate said when it was cut: what its worker found is what counts. */
TEST_ROWS(the_worker_of_a_cut_connection_knows_what_was_owed, 4)
{
	const struct stream found = {.end = STREAM_FORCED, .unanswered = _i % 2 == 1};

	registry_init(&r, 1);
	struct slot *slot = must_take(some_fd());
	atomic_store(&slot->status.state, _i < 2 ? STATUS_BUSY : STATUS_IDLE);
	registry_cut(&r);
	(void)registry_detach(&r, slot);
	registry_release(&r, slot, &found);
	ck_assert_uint_eq(registry_cut_owing(&r), found.unanswered);
}

TEST(a_reset_that_was_no_cut_is_not_counted_as_one)
{
	const struct stream found = {.end = STREAM_RESET, .unanswered = true};

	registry_init(&r, 2);
	struct slot *slot = must_take(some_fd());
	(void)registry_detach(&r, slot);
	registry_release(&r, slot, &found);
	registry_cut(&r);
	ck_assert_uint_eq(registry_cut_owing(&r), 0);
}

TEST(a_young_connection_is_woken_when_it_comes_of_age)
{
	struct pair p = must_pair(&options);
	size_t woken = 0;

	registry_init(&r, 1);
	struct slot *slot = must_take(p.near);
	atomic_store(&slot->status.state, STATUS_NEW);
	while (woken == 0) {
		woken = registry_wake_idle(&r, SHORT_NS);
		ck_assert_int_lt(deadline_now(), slot->since_ns + PATIENCE_NS);
	}
	ck_assert_int_ge(deadline_now(), slot->since_ns + SHORT_NS);
}

TEST(a_connection_whose_worker_closes_is_left_alone)
{
	struct pair p = must_pair(&options);

	registry_init(&r, 2);
	struct slot *slot = must_take(p.near);
	atomic_store(&slot->status.state, STATUS_IDLE);
	ck_assert_int_eq(registry_detach(&r, slot), p.near);
	ck_assert_uint_eq(registry_wake_idle(&r, 0), 0);
	registry_cut(&r);
	ck_assert_int_eq(atomic_load(&slot->status.state), STATUS_IDLE);
	ck_assert_int_eq(look(p.near), -EAGAIN);
}

TEST(a_stop_goes_on_to_every_slot_in_use)
{
	registry_init(&r, 100);
	for (int i = 0; i < 60; i++)
		atomic_store(&must_take(some_fd())->status.state,
			i % 3 == 0 ? STATUS_BUSY : STATUS_IDLE);
	ck_assert_uint_eq(registry_wake_idle(&r, 0), 40);
	registry_cut(&r);
	size_t cut = 0;
	for (size_t i = 0; i < 60; i++)
		cut += atomic_load(&r.chunks[0][i].status.state) == STATUS_FORCED;
	ck_assert_uint_eq(cut, 60);
}

static const struct stream_terms terms = {
	.framing = STREAM_LINE,
	.idle_ns = 3600 * NS_PER_S,
	.message_ns = 3600 * NS_PER_S,
	.reply_ns = 3600 * NS_PER_S,
	.linger_time_ns = 0,
	.linger_bytes = 0,
	.max_line = 100,
};

/* Not woken, for it does not wait: it looks at the flag itself when it has answered. */
struct busy {
	struct stream stream;
	struct slot *slot;
	sem_t reading;
	sem_t answer;
};

static void *answer_when_told(void *arg)
{
	struct busy *b = arg;
	struct stream_message line;

	b->slot->thread = pthread_self();
	stream_init(&b->stream, b->slot->fd, &terms, &b->slot->status);
	while (stream_read_line(&b->stream, &line)) {
		sem_post(&b->reading);
		sem_wait(&b->answer);
		(void)stream_write(&b->stream, "ok\n", 3);
	}
	return NULL;
}

TEST(a_worker_that_is_busy_at_the_stop_answers_and_then_ends_of_itself)
{
	static struct busy b;
	pthread_t thread;
	struct pair p = must_pair(&options);

	registry_init(&r, 1);
	b.slot = must_take(p.near);
	ck_assert_int_eq(sem_init(&b.reading, 0, 0), 0);
	ck_assert_int_eq(sem_init(&b.answer, 0, 0), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, answer_when_told, &b), 0);
	must_send_text(p.far, "one\n");
	ck_assert_int_eq(sem_wait(&b.reading), 0);
	registry_stop(&r, STOP_DRAIN, deadline_after(PATIENCE_NS));
	ck_assert_uint_eq(registry_wake_idle(&r, 0), 0);
	ck_assert_int_eq(sem_post(&b.answer), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_eq(b.stream.end, STREAM_DRAINED);
	stream_finish(&b.stream);
	peer_expects(p.far, "ok\n");
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
	_Atomic int *go;
};

static void *answer(void *arg)
{
	struct worker *w = arg;
	struct stream_message line;

	w->slot->thread = pthread_self();
	stream_init(&w->stream, w->slot->fd, &terms, &w->slot->status);
	while (stream_read_line(&w->stream, &line) && stream_write(&w->stream, "ok\n", 3))
		atomic_fetch_add(w->go, 1);
	stream_finish(&w->stream);
	close(registry_detach(&r, w->slot));
	registry_release(&r, w->slot, &w->stream);
	return NULL;
}

static void start(struct worker *w, _Atomic int *go)
{
	static const struct socket_options long_options = {
		.receive_timeout_ns = 3600 * NS_PER_S,
		.send_timeout_ns = 3600 * NS_PER_S,
	};

	w->pair = must_pair(&long_options);
	w->slot = must_take(w->pair.near);
	w->go = go;
	ck_assert_int_eq(pthread_create(&w->thread, NULL, answer, w), 0);
}

static bool have_answered(void *go)
{
	return atomic_load((_Atomic int *)go) >= WORKERS;
}

/* What is promised an answer: its last byte was acknowledged before the stop. */
static bool all_is_acknowledged(void *workers)
{
	for (int i = 0; i < WORKERS; i++) {
		int unacknowledged;
		ck_assert_int_eq(
			ioctl(((struct worker *)workers)[i].pair.far, SIOCOUTQ, &unacknowledged),
			0);
		if (unacknowledged > 0)
			return false;
	}
	return true;
}

static void check_round(int round)
{
	static struct worker workers[WORKERS];
	static _Atomic int go;
	size_t woken = 0;

	registry_init(&r, WORKERS);
	atomic_store(&go, 0);
	for (int i = 0; i < WORKERS; i++)
		start(&workers[i], &go);
	for (int i = 0; i < WORKERS; i++)
		must_send_text(workers[i].pair.far, "one\n");
	await(have_answered, &go);
	/* More, so that some are busy and some idle at the stop. */
	for (int i = 0; i < WORKERS; i++) {
		for (int j = 0; j < (round + i) % 4; j++)
			must_send_text(workers[i].pair.far, "more\n");
	}
	await(all_is_acknowledged, workers);
	registry_stop(&r, STOP_DRAIN, deadline_after(PATIENCE_NS));
	int64_t patience = deadline_after(PATIENCE_NS);
	do {
		woken += registry_wake_idle(&r, 0);
		ck_assert_int_lt(deadline_now(), patience);
	} while (registry_counters(&r).active > 0);
	ck_assert_uint_le(woken, WORKERS);
	for (int i = 0; i < WORKERS; i++) {
		ck_assert_int_eq(pthread_join(workers[i].thread, NULL), 0);
		ck_assert_int_eq(workers[i].stream.end, STREAM_DRAINED);
		/* What had arrived is answered. */
		struct stream_counts counts = stream_counts(&workers[i].slot->status);
		ck_assert_uint_eq(counts.messages_in, counts.messages_out);
		ck_assert_uint_eq(counts.messages_in, 1 + (unsigned)(round + i) % 4);
		close(workers[i].pair.far);
	}
	check_counts(WORKERS, 0, WORKERS, 0);
	free(r.chunks[0]);
}

TEST(no_wake_up_is_lost_between_a_worker_going_idle_and_the_stop)
{
	for (int round = 0; round < mode_times(20, 2000); round++)
		check_round(round);
}

/* Many threads take, detach, release and untake at once; at each moment the sum holds. */

static void *take_and_give(void *unused)
{
	(void)unused;
	for (int i = 0; i < 2000; i++) {
		struct slot *slot = take(9);
		if (i % 7 == 0)
			(void)registry_untake(&r, slot);
		else
			give_back(slot, (enum stream_end)(1 + i % (STREAM_ENDS - 1)));
	}
	return NULL;
}

TEST(accepted_is_active_ended_and_refused_at_every_moment)
{
	pthread_t threads[4];

	registry_init(&r, 3);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, take_and_give, NULL), 0);
	struct counters c;
	do {
		c = registry_counters(&r);
		ck_assert_uint_eq(c.accepted, c.active + counters_ended(&c) + c.refused);
		ck_assert_uint_le(c.active, 3);
	} while (c.accepted < 4000);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	check_counts(8000, 0, 8000 - 4 * 286, 4 * 286);
	ck_assert_uint_le(r.used, 3);
}
