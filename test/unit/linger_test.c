/* SPDX-License-Identifier: ISC */
/* Proves linger: what still comes is dropped and counted, until the peer ends or a bound is met. */
#include "common/linger.h"

#include "common/deadline.h"
#include "pair.h"
#include "peer.h"
#include "test/mode.h"
#include "test/suite.h"

#include <string.h>
#include <sys/socket.h>

#define LONG_NS (60 * NS_PER_S)

static const struct socket_options options = {
	.receive_timeout_ns = LONG_NS,
	.send_timeout_ns = LONG_NS,
};

static char scratch[256];

static uint64_t half_close_and_linger(const struct pair *p, const struct linger_terms *terms)
{
	struct transport t;

	transport_init(&t, p->near, LONG_NS, LONG_NS);
	ck_assert_int_eq(shutdown(p->near, SHUT_WR), 0);
	return linger_read_out(&t, terms, scratch, sizeof scratch);
}

TEST(the_peers_end_ends_it_and_what_came_before_is_counted)
{
	struct pair p = must_pair(&options);
	const struct linger_terms terms = {.time_ns = LONG_NS, .bytes = 1 << 20};
	int64_t start = deadline_now();

	must_send_text(p.far, "still coming");
	must_half_close(p.far);
	ck_assert_uint_eq(half_close_and_linger(&p, &terms), 12);
	ck_assert_int_lt(deadline_now() - start, LONG_NS / 2);
	pair_close(&p);
}

TEST_TIMED(time_bounds_it)
{
	struct pair p = must_pair(&options);
	const struct linger_terms terms = {.time_ns = 60 * NS_PER_MS, .bytes = 1 << 20};
	int64_t start = deadline_now();

	ck_assert_uint_eq(half_close_and_linger(&p, &terms), 0);
	mode_check_window(start, terms.time_ns);
	pair_close(&p);
}

TEST(bytes_bound_it_once_the_peer_has_what_it_was_sent)
{
	struct pair p = must_pair(&options);
	const struct linger_terms terms = {.time_ns = LONG_NS, .bytes = 1000};
	static const char flood[4000];
	int64_t start = deadline_now();

	ck_assert_int_eq(send(p.far, flood, sizeof flood, 0), sizeof flood);
	uint64_t dropped = half_close_and_linger(&p, &terms);
	ck_assert_uint_ge(dropped, 1000);
	ck_assert_uint_lt(dropped, 1000 + sizeof scratch);
	ck_assert_int_lt(deadline_now() - start, LONG_NS / 2);
	pair_close(&p);
}

TEST_TIMED(it_may_leave_a_silent_peer_that_has_everything)
{
	struct pair p = must_pair(&options);
	const struct linger_terms terms = {
		.time_ns = LONG_NS, .bytes = 1 << 20, .until_taken = true};
	int64_t start = deadline_now();

	ck_assert_uint_eq(half_close_and_linger(&p, &terms), 0);
	mode_check_most(deadline_now() - start, 100 * NS_PER_MS);
	ck_assert_int_eq(socket_untaken(p.near), 0);
	pair_close(&p);
}

TEST_TIMED(a_peer_that_takes_nothing_is_not_left_before_its_time)
{
	struct pair p = must_pair(&options);
	const struct linger_terms terms = {
		.time_ns = 60 * NS_PER_MS, .bytes = 1 << 20, .until_taken = true};
	must_fill(p.near);
	int64_t start = deadline_now();
	ck_assert_uint_eq(half_close_and_linger(&p, &terms), 0);
	mode_check_window(start, terms.time_ns);
	pair_close(&p);
}
