/* SPDX-License-Identifier: ISC */
/* Proves refused: the sockets rest, are emptied, and are closed in their order and in time. */
#include "server/admission/refused.h"

#include "common/deadline.h"
#include "pair.h"
#include "peer.h"
#include "test/mode.h"
#include "test/suite.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#define NOW INT64_C(5000)

static struct refused r;

static int must_put(int64_t now_ns)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	refused_put(&r, fd, now_ns);
	return fd;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

TEST(sockets_rest_for_their_time_and_no_longer)
{
	int fds[5];

	ck_assert_int_eq(refused_next(&r), DEADLINE_NEVER);
	refused_sweep(&r, INT64_MAX - 1);
	refused_clear(&r);
	for (int i = 0; i < 5; i++)
		fds[i] = must_put(NOW + i);
	for (int closed = 0; closed <= 5; closed++) {
		refused_sweep(&r, NOW + closed - 1 + REFUSED_REST_NS);
		for (int i = 0; i < 5; i++)
			ck_assert_int_eq(is_open(fds[i]), i >= closed);
		ck_assert_int_eq(refused_next(&r),
			closed < 5 ? NOW + closed + REFUSED_REST_NS : DEADLINE_NEVER);
	}
}

TEST(one_more_than_there_are_places_closes_the_oldest_and_clearing_all)
{
	enum {
		ALL = 3 * REFUSED_MAX
	};
	int fds[ALL];

	/* Around more than once.  A socket is opened before another is closed: its number is its own. */
	for (int i = 0; i < ALL; i++) {
		ck_assert(i < REFUSED_MAX || is_open(fds[i - REFUSED_MAX]));
		fds[i] = must_put(NOW + i);
		int oldest = i < REFUSED_MAX ? 0 : i - REFUSED_MAX + 1;
		ck_assert(oldest == 0 || !is_open(fds[oldest - 1]));
		ck_assert_int_eq(refused_next(&r), NOW + oldest + REFUSED_REST_NS);
	}
	refused_clear(&r);
	for (int i = ALL - REFUSED_MAX; i < ALL; i++)
		ck_assert(!is_open(fds[i]));
	ck_assert_int_eq(refused_next(&r), DEADLINE_NEVER);
}

static const struct {
	size_t sent; /* by the peer, before the close */
	bool reset;
} peers[] = {
	{0, false}, {16384, false},
	{80 * 1024, true}, /* a peer that sends without end is not read out */
};

TEST_TIMED_ROWS(what_a_peer_sent_is_read_so_that_it_sees_no_reset_up_to_a_bound, SUITE_COUNT(peers))
{
	static const struct socket_options patient = {
		.receive_timeout_ns = 20 * NS_PER_S, .send_timeout_ns = 20 * NS_PER_S};
	static const char filler[4096];
	struct pair p = must_pair(&patient);

	for (size_t done = 0; done < peers[_i].sent; done += sizeof filler)
		must_send(p.far, filler, sizeof filler);
	must_send_text(p.near, "no");
	must_half_close(p.near);
	refused_put(&r, p.near, NOW);
	peer_expects_last_text(p.far, "no");
	int64_t began = deadline_now();
	refused_clear(&r);
	mode_check_most(deadline_now() - began, 100 * NS_PER_MS);
	ck_assert_int_eq(peers[_i].reset ? peer_is_reset(p.far) : peer_is_reset_within(p.far, 0),
		peers[_i].reset);
	close(p.far);
}
