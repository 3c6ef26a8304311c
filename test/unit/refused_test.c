/* SPDX-License-Identifier: ISC */
/* Proves ring: refused sockets rest, are emptied, and are closed in their order and in time. */
#include "server/admission/refused.h"

#include "common/deadline.h"
#include "pair.h"
#include "peer.h"
#include "test/mode.h"
#include "test/suite.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NOW INT64_C(5000)

/* A socket that nobody is at the other end of. */
static int some_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

TEST(a_zeroed_ring_is_empty)
{
	struct refused r = {.count = 0};

	ck_assert_int_eq(refused_next(&r), DEADLINE_NEVER);
	refused_sweep(&r, INT64_MAX - 1);
	refused_clear(&r);
	ck_assert_int_eq(refused_next(&r), DEADLINE_NEVER);
}

TEST(a_socket_rests_for_its_time_and_no_longer)
{
	struct refused r = {.count = 0};
	int fd = some_socket();

	refused_put(&r, fd, NOW);
	ck_assert_int_eq(refused_next(&r), NOW + REFUSED_REST_NS);
	refused_sweep(&r, NOW + REFUSED_REST_NS - 1);
	ck_assert(is_open(fd));
	refused_sweep(&r, NOW + REFUSED_REST_NS);
	ck_assert(!is_open(fd));
	ck_assert_int_eq(refused_next(&r), DEADLINE_NEVER);
}

TEST(those_that_are_due_are_closed_and_the_next_is_told)
{
	struct refused r = {.count = 0};
	int fds[5];

	for (int i = 0; i < 5; i++)
		refused_put(&r, fds[i] = some_socket(), NOW + i);
	refused_sweep(&r, NOW + 2 + REFUSED_REST_NS);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(is_open(fds[i]), i > 2);
	ck_assert_int_eq(refused_next(&r), NOW + 3 + REFUSED_REST_NS);
	refused_clear(&r);
}

TEST(one_more_than_there_are_places_closes_the_oldest)
{
	struct refused r = {.count = 0};
	enum {
		MORE = 2 * REFUSED_MAX
	};
	int fds[REFUSED_MAX + MORE];

	for (int i = 0; i < REFUSED_MAX; i++)
		refused_put(&r, fds[i] = some_socket(), NOW + i);
	for (int i = 0; i < REFUSED_MAX; i++)
		ck_assert(is_open(fds[i]));
	/* Around more than once; a socket of its own keeps each number from being used again. */
	for (int i = REFUSED_MAX; i < REFUSED_MAX + MORE; i++) {
		int next = some_socket();
		int oldest = fds[i - REFUSED_MAX];
		ck_assert(is_open(oldest));
		refused_put(&r, fds[i] = next, NOW + i);
		ck_assert(!is_open(oldest));
		ck_assert_int_eq(refused_next(&r), NOW + i - REFUSED_MAX + 1 + REFUSED_REST_NS);
	}
	refused_clear(&r);
}

TEST(a_ring_that_is_cleared_has_closed_all)
{
	struct refused r = {.count = 0};
	int fds[REFUSED_MAX];

	for (int i = 0; i < REFUSED_MAX; i++)
		refused_put(&r, fds[i] = some_socket(), NOW);
	refused_clear(&r);
	for (int i = 0; i < REFUSED_MAX; i++)
		ck_assert(!is_open(fds[i]));
	ck_assert_int_eq(refused_next(&r), DEADLINE_NEVER);
}

/* What the peer sees. */

static const struct socket_options patient = {
	.receive_timeout_ns = 20 * NS_PER_S, .send_timeout_ns = 20 * NS_PER_S};

/* A pair whose near end has had its last word and rests; its far end has sent so much. */
static struct pair must_rest(struct refused *r, size_t sent)
{
	struct pair p = must_pair(&patient);
	static const char filler[4096];

	for (size_t done = 0; done < sent; done += sizeof filler)
		must_send(p.far, filler, sizeof filler);
	must_send_text(p.near, "no");
	must_half_close(p.near);
	refused_put(r, p.near, NOW);
	return p;
}

TEST(what_the_peer_sent_is_read_before_the_close_so_that_it_sees_no_reset)
{
	struct refused r = {.count = 0};
	struct pair p = must_rest(&r, 16384);

	peer_expects_last_text(p.far, "no");
	refused_clear(&r);
	ck_assert(!peer_is_reset_within(p.far, 0));
	close(p.far);
}

TEST(a_peer_that_sends_without_end_is_not_read_out)
{
	struct refused r = {.count = 0};
	struct pair p = must_rest(&r, 80 * 1024);

	peer_expects_last_text(p.far, "no");
	refused_clear(&r);
	ck_assert(peer_is_reset(p.far));
	close(p.far);
}

TEST_TIMED(a_socket_that_has_nothing_to_read_is_not_waited_for)
{
	struct refused r = {.count = 0};
	struct pair p = must_rest(&r, 0);
	int64_t began = deadline_now();

	refused_clear(&r);
	mode_check_most(deadline_now() - began, 100 * NS_PER_MS);
	peer_expects_last_text(p.far, "no");
	close(p.far);
}
