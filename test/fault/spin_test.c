/* SPDX-License-Identifier: ISC */
/* Proves spin: it asks for as long as it was told, learns when that does not pay, and gives way. */
#include "common/transport.h"

#include "common/deadline.h"
#include "common/stream.h"
#include "pair.h"
#include "peer.h"
#include "session.h"
#include "test/suite.h"

#include <errno.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define TIME_NS (50 * NS_PER_US)

/* The clock is ours: so much passes from one look at it to the next. */
static int64_t step_ns;
static int64_t now_ns;
static unsigned looks;

/* And at this look this is sent to the thread that spins. */
static unsigned send_at;
static const char *text = "x";

static struct pair pair;
static struct spin_permits permits;

/* So often another thread has run in our place; at this look at the clock once more. */
static long replaced;
static unsigned replace_at;

int64_t __wrap_deadline_now(void);
int __wrap_getrusage(int who, struct rusage *usage);

int64_t __wrap_deadline_now(void)
{
	looks++;
	if (looks == send_at)
		must_send_text(pair.far, text);
	replaced += looks == replace_at;
	now_ns += step_ns;
	return now_ns;
}

int __wrap_getrusage(int who, struct rusage *usage)
{
	ck_assert_int_eq(who, RUSAGE_THREAD);
	*usage = (struct rusage){.ru_nivcsw = replaced};
	return 0;
}

static struct transport transport;

static void begin(void)
{
	const struct socket_options options = {
		.receive_timeout_ns = NS_PER_S, .send_timeout_ns = NS_PER_S};

	pair = must_pair(&options);
	permits = (struct spin_permits){.count = 1};
	transport_init(&transport, pair.near, NS_PER_S, NS_PER_S);
	transport.permits = &permits;
	transport.spin_ns = TIME_NS;
	step_ns = NS_PER_US;
}

static void end(void)
{
	pair_close(&pair);
}

SUITE_FIXTURE(begin, end)

static ssize_t receive(void)
{
	char byte;

	looks = 0;
	return transport_spin(&transport, &byte, 1);
}

static void must_receive_now(void)
{
	must_send_text(pair.far, "x");
	ck_assert_int_eq(receive(), 1);
}

/* How many calls go by before one asks the socket, in which something waits. */
static unsigned idle_calls(void)
{
	unsigned calls = 0;

	/* At its third look: only a spin comes so far. */
	send_at = 3;
	while (receive() == -EAGAIN)
		calls++;
	send_at = 0;
	return calls;
}

/* It asks for as long as it was told: a look when it begins, and one each time it asks again. */
static void must_find_nothing(void)
{
	ck_assert_int_eq(receive(), -EAGAIN);
	ck_assert_uint_eq(looks, 1 + TIME_NS / step_ns);
}

TEST(what_has_come_or_comes_in_time_is_received)
{
	must_receive_now();
	send_at = 30;
	ck_assert_int_eq(receive(), 1);
	ck_assert_uint_ge(looks, 30);
}

TEST_ROWS(the_end_of_the_stream_and_an_error_are_told_as_by_recv, 2)
{
	if (_i)
		peer_resets(&pair.far);
	else
		must_half_close(pair.far);
	ck_assert_int_eq(receive(), _i ? -ECONNRESET : 0);
}

TEST(turns_that_brought_nothing_are_followed_by_more_and_more_waits_without_one)
{
	must_find_nothing();
	for (unsigned after = 1; after <= 2047; after = 2 * after + 1) {
		unsigned expected = after < 1023 ? after : 1023;
		for (unsigned i = 0; i < expected; i++) {
			ck_assert_int_eq(receive(), -EAGAIN);
			ck_assert_uint_eq(looks, 0);
		}
		must_find_nothing();
	}
}

TEST(a_turn_that_paid_makes_up_for_them)
{
	for (int i = 0; i < 2; i++) {
		must_find_nothing();
		ck_assert_uint_eq(idle_calls(), 1);
	}
}

TEST(no_thread_spins_without_a_permit_or_when_told_not_to)
{
	must_send_text(pair.far, "x");
	transport.spin_ns = 0;
	ck_assert_int_eq(receive(), -EAGAIN);
	transport.spin_ns = TIME_NS;
	transport.permits = NULL;
	ck_assert_int_eq(receive(), -EAGAIN);
	transport.permits = &permits;
	permits.count = 0;
	ck_assert_int_eq(receive(), -EAGAIN);
	/* It was given back, and that was no experience. */
	permits.count = 1;
	ck_assert_int_eq(receive(), 1);
	must_receive_now();
}

/* The permits, on so many processors; -1: there are not so many here. */
static int permits_on(int processors)
{
	struct spin_permits p;
	cpu_set_t all;
	cpu_set_t some;

	CPU_ZERO(&some);
	ck_assert_int_eq(sched_getaffinity(0, sizeof all, &all), 0);
	for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&some) < processors; i++) {
		if (CPU_ISSET(i, &all))
			CPU_SET(i, &some);
	}
	if (CPU_COUNT(&some) < processors)
		return -1;
	ck_assert_int_eq(sched_setaffinity(0, sizeof some, &some), 0);
	spin_init(&p);
	ck_assert_int_eq(sched_setaffinity(0, sizeof all, &all), 0);
	return p.count;
}

TEST(there_is_a_permit_for_every_two_processors)
{
	ck_assert_int_eq(permits_on(1), 0);
	int two = permits_on(2);
	ck_assert(two == 1 || two == -1);
}

/* Another thread wants the processor as soon as this one has begun to spin. */
static void must_be_replaced(void)
{
	transport.spin = (struct spin){.idle = 0};
	replace_at = 2;
	ck_assert_int_eq(receive(), -EAGAIN);
	ck_assert_uint_lt(looks, 5);
	replace_at = 0;
	transport.spin = (struct spin){.idle = 0};
}

TEST(a_processor_that_others_want_closes_the_permits_for_longer_and_longer)
{
	int64_t closed_ns = NS_PER_MS;

	for (int i = 0; i < 14; i++) {
		step_ns = NS_PER_US;
		must_be_replaced();
		int64_t closed_at = now_ns;
		/* Not a moment before it is over. */
		step_ns = 0;
		must_send_text(pair.far, "x");
		now_ns = closed_at + closed_ns - 1;
		ck_assert_int_eq(receive(), -EAGAIN);
		now_ns = closed_at + closed_ns;
		ck_assert_int_eq(receive(), 1);
		closed_ns = closed_ns < NS_PER_S / 2 ? 2 * closed_ns : NS_PER_S;
	}
}

TEST(turns_that_paid_make_up_for_that)
{
	for (int i = 0; i < 2; i++) {
		must_be_replaced();
		now_ns += NS_PER_MS;
		send_at = 3;
		for (int paid = 0; paid < 200; paid++)
			ck_assert_int_eq(receive(), 1);
		send_at = 0;
	}
}

/* What it waits for is sent by its own looks at the clock. */
TEST(a_stream_spins_for_its_next_message)
{
	struct stream_terms terms = session_terms(STREAM_LINE);
	atomic_bool draining = false;
	struct stream_status status;
	struct stream_message line;
	struct stream s;

	terms.spin_ns = TIME_NS;
	stream_status_init(&status, &draining, &permits);
	stream_init(&s, pair.near, &terms, &status);
	text = "x\n";
	must_send_text(pair.far, text);
	ck_assert(stream_read_line(&s, &line));
	for (int i = 0; i < 3; i++) {
		looks = 0;
		send_at = 20;
		ck_assert(stream_read_line(&s, &line));
		ck_assert_uint_ge(looks, 20);
	}
	must_half_close(pair.far);
	ck_assert(!stream_read_line(&s, &line));
	ck_assert_str_eq(stream_end_name(s.end), "eof");
}
