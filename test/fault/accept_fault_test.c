/* SPDX-License-Identifier: ISC */
/*
 * Proves acceptor: what it does about each errno of accept(2), and how it rests.
 *
 * accept4() follows a script, rests take no time but are recorded, and the clock can be moved.  That
 * a rest lasts until its deadline is registry's.
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

#define MS          NS_PER_MS
#define PATIENCE_NS (60 * NS_PER_S)
#define ACTS_MAX    64

/* The script. */
static struct {
	int error;          /* 0: the real accept4() */
	int64_t advance_ns; /* of the clock, before */
} script[ACTS_MAX];

static int acts;
static int scripted_fd = -1;
static atomic_int at;
static _Atomic int64_t clock_offset_ns;

/* What happened: the lengths of the rests, in their order. */
static int64_t rests[ACTS_MAX];
static atomic_int rest_count;
static _Thread_local int64_t last_duration_ns;
static _Thread_local int64_t last_deadline_ns;

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
	return last_deadline_ns = __real_deadline_after(duration_ns);
}

int64_t __wrap_deadline_now(void)
{
	return __real_deadline_now() + atomic_load(&clock_offset_ns);
}

void __wrap_registry_rest(struct registry *r, int64_t deadline_ns)
{
	(void)r;
	ck_assert_int_eq(deadline_ns, last_deadline_ns);
	rests[atomic_fetch_add(&rest_count, 1)] = last_duration_ns;
}

static void add_acts(int times, int error, int64_t advance_ns)
{
	for (int i = 0; i < times; i++) {
		script[acts].error = error;
		script[acts++].advance_ns = advance_ns;
	}
}

static void begin(int count)
{
	acceptors_begin(count);
	acceptors_open();
	scripted_fd = acceptors[0].listener.fd;
}

static bool is_played(void *unused)
{
	(void)unused;
	return atomic_load(&at) == acts;
}

/* The script to its end, then a client, which is served, then the stop. */
static void play(void)
{
	acceptors_start();
	await(is_played, NULL);
	acceptors_check_serves(0);
	rig_await_rest();
	acceptors_stop();
	ck_assert(!acceptors_is_lost(0));
	rig_check_sum();
}

static void check_rests(const int64_t *expected_ms, int count)
{
	ck_assert_int_eq(atomic_load(&rest_count), count);
	for (int i = 0; i < count; i++)
		ck_assert_int_eq(rests[i], expected_ms[i] * MS);
}

#define CHECK_RESTS(...)                                                                           \
	check_rests((const int64_t[]){__VA_ARGS__}, SUITE_COUNT(((const int64_t[]){__VA_ARGS__})))

/* A line of the log, which names the listener and the errno. */
static void check_told(const char *event, const char *between, int error, const char *rest)
{
	char line[256];

	snprintf(line, sizeof line, " event=%s listener=127.0.0.1:0%s error=\"%s\"%s\n", event,
		between, strerrordesc_np(error), rest);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, line), 1);
}

static const struct {
	int error;
	bool theirs;
	bool shortage;
} errors[] = {
	{EINTR, false, false}, {EAGAIN, false, false}, /* the listener's own timeout */
	{ECONNABORTED, true, false}, {EPROTO, true, false}, {ECONNRESET, true, false},
	{ETIMEDOUT, true, false}, {EPERM, true, false}, {ENETDOWN, true, false},
	{ENETUNREACH, true, false}, {EHOSTDOWN, true, false}, {EHOSTUNREACH, true, false},
	{ENONET, true, false}, {ENOPROTOOPT, true, false}, {EOPNOTSUPP, true, false},
	{EMFILE, false, true}, {ENFILE, false, true}, {ENOBUFS, false, true}, {ENOMEM, false, true},
	{EXDEV, false, true}, /* accept(2) does not know it */
};

TEST_ROWS(
	an_error_is_counted_told_and_rested_by_its_kind_and_the_next_is_served, SUITE_COUNT(errors))
{
	begin(1);
	add_acts(2, errors[_i].error, 0);
	play();
	ck_assert_uint_eq(rig_count(COUNTER_ACCEPT_PEER_ERRORS), errors[_i].theirs ? 2 : 0);
	ck_assert_uint_eq(rig_count(COUNTER_ACCEPT_SHORTAGES), errors[_i].shortage ? 2 : 0);
	ck_assert_uint_eq(rig_count(COUNTER_THREADS_FAILED), 0);
	ck_assert_uint_eq(rig_count(COUNTER_ACCEPTED), 1);
	if (errors[_i].shortage) {
		CHECK_RESTS(5, 10);
		check_told("accept_shortage", "", errors[_i].error, " untold_before=0");
	} else {
		ck_assert_int_eq(rest_count, 0);
	}
	/* And the line of the client that was served. */
	ck_assert_uint_eq(capture_count(STDERR_FILENO, "\n"), errors[_i].shortage ? 2 : 1);
}

TEST(the_back_off_doubles_from_5_ms_to_1_s_and_stays_there)
{
	begin(1);
	add_acts(12, EMFILE, 0);
	play();
	CHECK_RESTS(5, 10, 20, 40, 80, 160, 320, 640, 1000, 1000, 1000, 1000);
}

TEST(a_connection_that_is_served_ends_the_back_off_and_the_others_trouble_does_not)
{
	begin(1);
	add_acts(2, EMFILE, 0);
	add_acts(1, EINTR, 0);
	add_acts(1, ECONNABORTED, 0);
	add_acts(1, EMFILE, 0);
	add_acts(1, 0, 0);
	add_acts(1, EMFILE, 0);
	close(acceptors_dial(0));
	play();
	CHECK_RESTS(5, 10, 20, 5);
}

TEST(a_shortage_is_told_at_most_once_a_second_with_the_number_of_those_untold)
{
	begin(1);
	add_acts(1, EMFILE, 0);
	add_acts(19, EMFILE, 10 * MS);
	add_acts(1, ENFILE, 1000 * MS);
	add_acts(1, EMFILE, 0);
	add_acts(1, ENOMEM, 1000 * MS);
	play();
	ck_assert_uint_eq(capture_count(STDERR_FILENO, "event=accept_shortage"), 3);
	check_told("accept_shortage", "", EMFILE, " untold_before=0");
	check_told("accept_shortage", "", ENFILE, " untold_before=19");
	check_told("accept_shortage", "", ENOMEM, " untold_before=1");
}

TEST(a_listener_that_does_not_block_is_made_to_and_costs_one_rest)
{
	begin(1);
	ck_assert_int_eq(fcntl(scripted_fd, F_SETFL, O_NONBLOCK), 0);
	add_acts(1, 0, 0);
	acceptors_start();
	await(is_played, NULL);
	acceptors_check_serves(0);
	ck_assert_int_eq(fcntl(scripted_fd, F_GETFL) & O_NONBLOCK, 0);
	CHECK_RESTS(5);
	acceptors_stop();
	ck_assert_uint_eq(rig_count(COUNTER_ACCEPT_SHORTAGES), 0);
}

static const int fatal[] = {EBADF, EINVAL, ENOTSOCK, EFAULT};

TEST_ROWS(a_listener_that_is_gone_ends_its_acceptor_and_no_other, SUITE_COUNT(fatal))
{
	char address[64];

	begin(2);
	add_acts(1, EINTR, 0);
	add_acts(1, fatal[_i], 0);
	acceptors_start();
	acceptors_await_end(0);
	ck_assert(acceptors_is_lost(0));
	ck_assert_int_eq(acceptors[0].listener.fd, -1);
	ck_assert_int_eq(fcntl(scripted_fd, F_GETFD), -1);
	ck_assert_uint_eq(barrier_wait(&rig.accepting, 0), 1);
	ck_assert_int_eq(rest_count, 0);
	snprintf(address, sizeof address, " address=127.0.0.1:%u",
		(unsigned)address_port(&acceptors[0].listener.bound));
	check_told("listener_lost", address, fatal[_i], "");
	acceptors_check_serves(1);
	rig_await_rest();
	acceptors_stop();
	ck_assert(!acceptors_is_lost(1));
	rig_check_sum();
}

TEST(errors_while_draining_are_answered_in_the_same_way_and_the_queue_is_served)
{
	int fds[3];

	begin(1);
	add_acts(1, EINTR, 0);
	add_acts(1, ECONNABORTED, 0);
	add_acts(1, EMFILE, 0);
	for (int i = 0; i < 3; i++) {
		fds[i] = acceptors_dial(0);
		must_send_text(fds[i], "x\n");
	}
	registry_stop(&rig.registry, STOP_DRAIN, deadline_from(deadline_now(), PATIENCE_NS));
	acceptors_start();
	acceptors_await_end(0);
	ck_assert(!acceptors_is_lost(0));
	for (int i = 0; i < 3; i++)
		peer_expects(fds[i], "echo: x\n");
	ck_assert_uint_eq(rig_count(COUNTER_ACCEPTED), 3);
	ck_assert_uint_eq(rig_count(COUNTER_ACCEPT_PEER_ERRORS), 1);
	ck_assert_uint_eq(rig_count(COUNTER_ACCEPT_SHORTAGES), 1);
	acceptors_stop();
}

TEST(a_listener_that_goes_while_draining_is_told_and_ends_the_acceptor)
{
	begin(1);
	add_acts(1, EBADF, 0);
	int fd = acceptors_dial(0);
	registry_stop(&rig.registry, STOP_DRAIN, deadline_from(deadline_now(), PATIENCE_NS));
	acceptors_start();
	acceptors_await_end(0);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, "event=listener_lost"), 1);
	close(fd);
	acceptors_stop();
}
