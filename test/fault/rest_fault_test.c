/* SPDX-License-Identifier: ISC */
/* Proves acceptor: how long it really rests when accept(2) is short of something, and what ends a
 * rest. */
#include "acceptors.h"

#include "common/deadline.h"
#include "pair.h"
#include "peer.h"
#include "rig.h"
#include "test/mode.h"
#include "test/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define CALLS_MAX 64

/* Only the acceptor's calls count and fail, not those by which a test makes a pair. */
static atomic_int watched = -1;

/* When each call was made. */
static int64_t calls[CALLS_MAX];
static atomic_int call_count;
static atomic_int failures;

int __real_accept4(int fd, struct sockaddr *peer, socklen_t *len, int flags);
int __wrap_accept4(int fd, struct sockaddr *peer, socklen_t *len, int flags);

int __wrap_accept4(int fd, struct sockaddr *peer, socklen_t *len, int flags)
{
	int now = atomic_load(&call_count);

	if (fd != atomic_load(&watched))
		return __real_accept4(fd, peer, len, flags);
	if (now < CALLS_MAX)
		calls[now] = deadline_now();
	atomic_store(&call_count, now + 1);
	if (atomic_load(&failures) == 0)
		return __real_accept4(fd, peer, len, flags);
	atomic_fetch_sub(&failures, 1);
	errno = EMFILE;
	return -1;
}

static void open_watched(void)
{
	acceptors_open();
	atomic_store(&watched, acceptors[0].listener.fd);
}

static bool were_made(void *count)
{
	return atomic_load(&call_count) >= *(int *)count;
}

static void await_calls(int count)
{
	await(were_made, &count);
}

TEST_TIMED(each_rest_lasts_as_long_as_its_back_off)
{
	int64_t back_off = 5 * NS_PER_MS;

	acceptors_begin(1);
	open_watched();
	atomic_store(&failures, 6);
	acceptors_start();
	await_calls(7);
	for (int i = 0; i < 6; i++) {
		ck_assert_int_ge(calls[i + 1] - calls[i], back_off);
		mode_check_most(calls[i + 1] - calls[i], 2 * back_off + 20 * NS_PER_MS);
		back_off *= 2;
	}
	acceptors_stop();
}

/* The longest rest, 1 s, is cut short by what may have freed a descriptor. */
TEST_TIMED(a_connection_that_ends_ends_the_rest)
{
	acceptors_begin(1);
	open_watched();
	acceptors_start();
	int fd = acceptors_dial(0);
	must_send_text(fd, "x\n");
	peer_expects(fd, "echo: x\n");
	await_calls(2);

	/* The next client meets a shortage, with the back-off at its longest. */
	acceptors[0].back_off_ns = NS_PER_S;
	int64_t quickest = INT64_MAX;
	for (int i = 0; i < 5; i++) {
		int before = atomic_load(&call_count);
		struct pair p = must_pair(&acceptors[0].listener.options);
		ck_assert_int_eq(rig_serve(p.near), 0);
		must_send_text(p.far, "x\n");
		peer_expects(p.far, "echo: x\n");
		/* A client for the accept that waits; the one behind it fails, and the rest begins. */
		atomic_store(&failures, 1);
		int served = acceptors_dial(0);
		await_calls(before + 1);
		int next = acceptors_dial(0);
		int64_t ended = deadline_now();
		must_half_close(p.far);
		must_send_text(next, "y\n");
		peer_expects(next, "echo: y\n");
		quickest = deadline_earlier(quickest, deadline_now() - ended);
		close(next);
		close(served);
		close(p.far);
	}
	mode_check_most(quickest, 500 * NS_PER_MS);
	acceptors_stop();
}

TEST_TIMED(a_stop_ends_the_rest)
{
	acceptors_begin(1);
	open_watched();
	acceptors[0].back_off_ns = NS_PER_S;
	atomic_store(&failures, 1);
	acceptors_start();
	await_calls(1);
	int64_t before = deadline_now();
	acceptors_stop();
	mode_check_most(deadline_now() - before, 900 * NS_PER_MS);
}

static rlim_t lowest_free_descriptor(void)
{
	int fd = dup(STDERR_FILENO);

	ck_assert_int_ge(fd, 0);
	close(fd);
	return (rlim_t)fd;
}

/* The real thing: no descriptors at all, for a while; then one is freed. */
TEST(at_the_descriptor_limit_it_rests_and_serves_when_there_is_one_again)
{
	struct rlimit limit;

	acceptors_begin(1);
	open_watched();
	int client = acceptors_dial(0);
	must_send_text(client, "x\n");
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	rlim_t soft = limit.rlim_cur;
	limit.rlim_cur = lowest_free_descriptor();
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	int64_t began = deadline_now();
	acceptors_start();
	await_calls(2);
	ck_assert(!peer_hears_within(client, 300 * NS_PER_MS));
	/* Rests of 5, 10, ..., 640 ms, and then of 1 s. */
	int tries = atomic_load(&call_count);
	ck_assert_int_le(tries, 9 + (deadline_now() - began) / NS_PER_S);
	limit.rlim_cur = soft;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	peer_expects(client, "echo: x\n");
	ck_assert_uint_ge(rig_count(COUNTER_ACCEPT_SHORTAGES), 2);
	acceptors_stop();
}

TEST(a_listener_that_does_not_block_is_no_spin)
{
	acceptors_begin(1);
	open_watched();
	ck_assert_int_eq(fcntl(acceptors[0].listener.fd, F_SETFL, O_NONBLOCK), 0);
	acceptors_start();
	await_calls(2);
	acceptors_check_serves(0);
	acceptors_check_serves(0);
	acceptors_stop();
	/* One that fails, one for each client, one that waits for a third and is knocked at. */
	ck_assert_int_le(atomic_load(&call_count), 4 + 1);
}
