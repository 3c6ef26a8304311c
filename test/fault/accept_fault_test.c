/* SPDX-License-Identifier: ISC */
/*
 * Proves acceptor: what it does about each errno of accept(2).
 *
 * accept4() follows a script, resting takes no time, and the clock can be moved, so that what would
 * take seconds is only recorded.  rest_fault_test.c has the same in real time.
 */
#include "acceptors.h"

#include "capture.h"
#include "common/deadline.h"
#include "pair.h"
#include "peer.h"
#include "rig.h"
#include "test/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MS NS_PER_MS

/* The script. */

struct act {
	int error;          /* 0: the real accept4() */
	int64_t advance_ns; /* of the clock, before */
};

#define ACTS_MAX 64

static struct act script[ACTS_MAX];
static int acts;
static int scripted_fd = -1;
static atomic_int at;
static _Atomic int64_t clock_offset_ns;

/* What happened: the lengths of the rests, in their order. */
static int64_t rests[ACTS_MAX];
static atomic_int rest_count;
static _Thread_local int64_t last_duration_ns;

int __real_accept4(int fd, struct sockaddr *peer, socklen_t *len, int flags);
int __wrap_accept4(int fd, struct sockaddr *peer, socklen_t *len, int flags);
int64_t __real_deadline_after(int64_t duration_ns);
int64_t __wrap_deadline_after(int64_t duration_ns);
int64_t __real_deadline_now(void);
int64_t __wrap_deadline_now(void);
void __wrap_registry_rest(struct registry *r, int64_t deadline_ns);

int __wrap_accept4(int fd, struct sockaddr *peer, socklen_t *len, int flags)
{
	int now = atomic_load(&at);

	if (fd != scripted_fd || now >= acts)
		return __real_accept4(fd, peer, len, flags);
	atomic_fetch_add(&clock_offset_ns, script[now].advance_ns);
	atomic_store(&at, now + 1);
	if (script[now].error == 0)
		return __real_accept4(fd, peer, len, flags);
	errno = script[now].error;
	return -1;
}

int64_t __wrap_deadline_after(int64_t duration_ns)
{
	last_duration_ns = duration_ns;
	return __real_deadline_after(duration_ns);
}

int64_t __wrap_deadline_now(void)
{
	return __real_deadline_now() + atomic_load(&clock_offset_ns);
}

void __wrap_registry_rest(struct registry *r, int64_t deadline_ns)
{
	(void)r;
	(void)deadline_ns;
	rests[atomic_fetch_add(&rest_count, 1)] = last_duration_ns;
}

static bool is_played(void *unused)
{
	(void)unused;
	return atomic_load(&at) == acts;
}

static void add_act(int error, int64_t advance_ns)
{
	script[acts++] = (struct act){error, advance_ns};
}

static void begin(void)
{
	acceptors_begin(1);
	acceptors_open();
	scripted_fd = acceptors[0].listener.fd;
}

/* The script to its end, then a client, who is served, then the stop. */
static void play(void)
{
	acceptors_start();
	await(is_played, NULL);
	acceptors_check_serves(0);
	rig_await_rest();
	acceptors_stop();
	ck_assert_int_ne(atomic_load(&acceptors[0].state), ACCEPTOR_LOST);
	rig_check_sum();
}

/* Nothing to count. */

TEST(an_interruption_is_passed_over)
{
	begin();
	for (int i = 0; i < 5; i++)
		add_act(EINTR, 0);
	play();
	ck_assert_int_eq(rest_count, 0);
	ck_assert_uint_eq(rig_count(COUNTER_ACCEPT_PEER_ERRORS), 0);
	ck_assert_uint_eq(rig_count(COUNTER_ACCEPT_SHORTAGES), 0);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, "event=closed"), 1);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, "\n"), 1);
}

TEST(the_listeners_own_timeout_is_passed_over)
{
	begin();
	for (int i = 0; i < 5; i++)
		add_act(EAGAIN, 0);
	play();
	ck_assert_int_eq(rest_count, 0);
	ck_assert_uint_eq(rig_count(COUNTER_ACCEPT_SHORTAGES), 0);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, "\n"), 1);
}

TEST(a_listener_that_does_not_block_is_made_to_and_costs_one_rest)
{
	begin();
	int fd = acceptors[0].listener.fd;
	ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	add_act(0, 0);
	acceptors_start();
	await(is_played, NULL);
	acceptors_check_serves(0);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_eq(rest_count, 1);
	ck_assert_int_eq(rests[0], 5 * MS);
	acceptors_stop();
	ck_assert_uint_eq(rig_count(COUNTER_ACCEPT_SHORTAGES), 0);
}

/* Their trouble. */

static const int theirs[] = {ECONNABORTED, EPROTO, ECONNRESET, ETIMEDOUT, EPERM, ENETDOWN,
	ENETUNREACH, EHOSTDOWN, EHOSTUNREACH, ENONET, ENOPROTOOPT, EOPNOTSUPP};

TEST_ROWS(a_connections_own_trouble_is_counted_and_the_next_is_served, SUITE_COUNT(theirs))
{
	begin();
	add_act(theirs[_i], 0);
	add_act(theirs[_i], 0);
	play();
	ck_assert_int_eq(rest_count, 0);
	ck_assert_uint_eq(rig_count(COUNTER_ACCEPT_PEER_ERRORS), 2);
	ck_assert_uint_eq(rig_count(COUNTER_ACCEPT_SHORTAGES), 0);
	ck_assert_uint_eq(rig_count(COUNTER_ACCEPTED), 1);
	/* Nobody's fault here: no line but the served client's. */
	ck_assert_uint_eq(capture_count(STDERR_FILENO, "\n"), 1);
}

/* Shortages; the last is an errno that the table does not know. */

static const int shortages[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM, EXDEV};

TEST_ROWS(a_shortage_is_counted_told_and_rested_and_the_next_is_served, SUITE_COUNT(shortages))
{
	char words[128];

	begin();
	add_act(shortages[_i], 0);
	play();
	ck_assert_int_eq(rest_count, 1);
	ck_assert_int_eq(rests[0], 5 * MS);
	ck_assert_uint_eq(rig_count(COUNTER_ACCEPT_SHORTAGES), 1);
	ck_assert_uint_eq(rig_count(COUNTER_THREADS_FAILED), 0);
	ck_assert_uint_eq(rig_count(COUNTER_ACCEPT_PEER_ERRORS), 0);
	snprintf(words, sizeof words,
		" level=warn event=accept_shortage listener=127.0.0.1:0 error=\"%s\" untold_before=0\n",
		strerrordesc_np(shortages[_i]));
	ck_assert_uint_eq(capture_count(STDERR_FILENO, words), 1);
}

TEST(the_back_off_doubles_from_5_ms_to_1_s_and_stays_there)
{
	static const int64_t expected[] = {5 * MS, 10 * MS, 20 * MS, 40 * MS, 80 * MS, 160 * MS,
		320 * MS, 640 * MS, 1000 * MS, 1000 * MS, 1000 * MS, 1000 * MS};

	begin();
	for (size_t i = 0; i < SUITE_COUNT(expected); i++)
		add_act(shortages[i % 4], 0);
	play();
	ck_assert_int_eq(rest_count, SUITE_COUNT(expected));
	for (size_t i = 0; i < SUITE_COUNT(expected); i++)
		ck_assert_int_eq(rests[i], expected[i]);
}

TEST(a_connection_that_is_served_ends_the_back_off)
{
	begin();
	add_act(EMFILE, 0);
	add_act(EMFILE, 0);
	add_act(EINTR, 0);
	add_act(ECONNABORTED, 0);
	add_act(EMFILE, 0);
	add_act(0, 0);
	add_act(EMFILE, 0);
	close(acceptors_dial(0));
	play();
	ck_assert_int_eq(rest_count, 4);
	ck_assert_int_eq(rests[0], 5 * MS);
	ck_assert_int_eq(rests[1], 10 * MS);
	/* The others' trouble does not. */
	ck_assert_int_eq(rests[2], 20 * MS);
	ck_assert_int_eq(rests[3], 5 * MS);
}

TEST(a_shortage_is_told_at_most_once_a_second_with_the_number_of_those_untold)
{
	begin();
	add_act(EMFILE, 0);
	for (int i = 0; i < 19; i++)
		add_act(EMFILE, 10 * MS);
	add_act(EMFILE, 1000 * MS);
	add_act(ENFILE, 0);
	add_act(EMFILE, 1000 * MS);
	play();
	ck_assert_uint_eq(rig_count(COUNTER_ACCEPT_SHORTAGES), 23);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, "event=accept_shortage"), 3);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, " untold_before=0\n"), 1);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, " untold_before=19\n"), 1);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, " untold_before=1\n"), 1);
}

/* The listener is gone. */

static const int fatal[] = {EBADF, EINVAL, ENOTSOCK, EFAULT};

TEST_ROWS(a_listener_that_is_gone_ends_its_acceptor_and_no_other, SUITE_COUNT(fatal))
{
	char words[128];

	acceptors_begin(2);
	acceptors_open();
	scripted_fd = acceptors[0].listener.fd;
	add_act(EINTR, 0);
	add_act(fatal[_i], 0);
	acceptors_start();
	acceptors_await_end(0);
	ck_assert_int_eq(atomic_load(&acceptors[0].state), ACCEPTOR_LOST);
	ck_assert_int_ne(atomic_load(&acceptors[1].state), ACCEPTOR_LOST);
	ck_assert_int_eq(acceptors[0].listener.fd, -1);
	ck_assert_int_eq(fcntl(scripted_fd, F_GETFD), -1);
	ck_assert_uint_eq(barrier_wait(&rig.accepting, 0), 1);
	ck_assert_int_eq(rest_count, 0);
	snprintf(words, sizeof words,
		" level=error event=listener_lost listener=127.0.0.1:0 address=127.0.0.1:%u error=\"%s\"\n",
		(unsigned)address_port(&acceptors[0].listener.bound), strerrordesc_np(fatal[_i]));
	ck_assert_uint_eq(capture_count(STDERR_FILENO, words), 1);
	acceptors_check_serves(1);
	rig_await_rest();
	acceptors_stop();
	ck_assert_int_ne(atomic_load(&acceptors[1].state), ACCEPTOR_LOST);
	rig_check_sum();
}

/* While draining. */

TEST(errors_while_draining_are_answered_in_the_same_way_and_the_queue_is_served)
{
	begin();
	add_act(EINTR, 0);
	add_act(ECONNABORTED, 0);
	add_act(EMFILE, 0);
	int fds[3];
	for (int i = 0; i < 3; i++) {
		fds[i] = acceptors_dial(0);
		must_send_text(fds[i], "x\n");
	}
	registry_stop(&rig.registry, STOP_DRAIN, deadline_from(deadline_now(), 60 * NS_PER_S));
	acceptors_start();
	acceptors_await_end(0);
	ck_assert_int_ne(atomic_load(&acceptors[0].state), ACCEPTOR_LOST);
	for (int i = 0; i < 3; i++)
		peer_expects(fds[i], "echo: x\n");
	ck_assert_uint_eq(rig_count(COUNTER_ACCEPTED), 3);
	ck_assert_uint_eq(rig_count(COUNTER_ACCEPT_PEER_ERRORS), 1);
	ck_assert_uint_eq(rig_count(COUNTER_ACCEPT_SHORTAGES), 1);
	acceptors_stop();
}

TEST(a_listener_that_goes_while_draining_is_told_and_ends_the_acceptor)
{
	begin();
	add_act(EBADF, 0);
	int fd = acceptors_dial(0);
	registry_stop(&rig.registry, STOP_DRAIN, deadline_from(deadline_now(), 60 * NS_PER_S));
	acceptors_start();
	acceptors_await_end(0);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, "event=listener_lost"), 1);
	close(fd);
	acceptors_stop();
}
