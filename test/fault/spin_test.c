/* SPDX-License-Identifier: ISC */
/* Proves spin: it asks for as long as it was told, learns when that does not pay, and gives way. */
#include "common/spin.h"

#include "common/deadline.h"
#include "common/stream.h"
#include "pair.h"
#include "peer.h"
#include "session.h"
#include "test/suite.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define TIME_NS (50 * NS_PER_US)

/* The clock is ours: so much passes from one look at it to the next. */
static int64_t step_ns;
static int64_t now_ns;
static unsigned looks;

/* And at this look this is sent to the one who spins. */
static unsigned send_at;
static const char *text;

static struct pair pair;
static struct spin_permits permits;
static struct spin spin;

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

static void begin(void)
{
	const struct socket_options options = {
		.receive_timeout_ns = NS_PER_S, .send_timeout_ns = NS_PER_S};

	pair = must_pair(&options);
	permits = (struct spin_permits){.count = 1};
	spin = (struct spin){.idle = 0};
	step_ns = NS_PER_US;
	looks = 0;
	send_at = 0;
	replace_at = 0;
	text = "x";
}

static ssize_t receive(void)
{
	struct transport t = {
		.fd = pair.near, .permits = &permits, .spin_ns = TIME_NS, .spin = spin};
	char byte;

	looks = 0;
	ssize_t n = transport_spin(&t, &byte, 1);
	spin = t.spin;
	return n;
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

static void must_find_nothing(void)
{
	ck_assert_int_eq(receive(), -EAGAIN);
	ck_assert_uint_gt(looks, 1);
}

TEST(what_has_come_is_received)
{
	begin();
	must_send_text(pair.far, "x");
	ck_assert_int_eq(receive(), 1);
	pair_close(&pair);
}

TEST(what_comes_in_time_is_received)
{
	begin();
	send_at = 30;
	ck_assert_int_eq(receive(), 1);
	ck_assert_uint_ge(looks, 30);
	pair_close(&pair);
}

TEST(it_asks_for_as_long_as_it_was_told)
{
	begin();
	ck_assert_int_eq(receive(), -EAGAIN);
	/* One when it begins, and one behind each time that it asks again. */
	ck_assert_uint_eq(looks, 1 + TIME_NS / step_ns);
	pair_close(&pair);
}

TEST(waits_that_brought_nothing_are_followed_by_more_and_more_that_do_not_spin)
{
	begin();
	must_find_nothing();
	for (unsigned after = 1; after <= 2047; after = 2 * after + 1) {
		unsigned expected = after < 1023 ? after : 1023;
		for (unsigned i = 0; i < expected; i++) {
			ck_assert_int_eq(receive(), -EAGAIN);
			ck_assert_uint_eq(looks, 0);
		}
		must_find_nothing();
	}
	pair_close(&pair);
}

TEST(one_that_paid_makes_up_for_them)
{
	begin();
	must_find_nothing();
	ck_assert_uint_eq(idle_calls(), 1);
	must_find_nothing();
	ck_assert_uint_eq(idle_calls(), 1);
	pair_close(&pair);
}

TEST(nobody_spins_without_a_seat)
{
	begin();
	must_send_text(pair.far, "x");
	permits.count = 0;
	ck_assert_int_eq(receive(), -EAGAIN);
	/* It was given back, and that was no experience. */
	permits.count = 1;
	ck_assert_int_eq(receive(), 1);
	must_send_text(pair.far, "x");
	ck_assert_int_eq(receive(), 1);
	pair_close(&pair);
}

/* The permits, on so many processors. */
static int seats_on(int processors)
{
	struct spin_permits s;
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
	spin_init(&s);
	ck_assert_int_eq(sched_setaffinity(0, sizeof all, &all), 0);
	return s.count;
}

TEST(there_is_a_seat_for_every_two_processors)
{
	ck_assert_int_eq(seats_on(1), 0);
	int two = seats_on(2);
	ck_assert(two == 1 || two == -1);
}

/* Another thread wants the processor as soon as it has begun to spin. */
static void must_be_replaced(void)
{
	spin = (struct spin){.idle = 0};
	replace_at = 2;
	must_find_nothing();
	ck_assert_uint_lt(looks, 5);
	replace_at = 0;
	spin = (struct spin){.idle = 0};
}

TEST(a_processor_that_others_want_closes_the_seats_for_longer_and_longer)
{
	int64_t closed_ns = NS_PER_MS;

	begin();
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
	pair_close(&pair);
}

TEST(spins_that_paid_make_up_for_that)
{
	begin();
	for (int i = 0; i < 2; i++) {
		must_be_replaced();
		now_ns += NS_PER_MS;
		for (int paid = 0; paid < 200; paid++) {
			send_at = 3;
			ck_assert_int_eq(receive(), 1);
		}
		send_at = 0;
	}
	pair_close(&pair);
}

TEST(the_end_of_the_stream_is_told_as_by_recv)
{
	begin();
	must_half_close(pair.far);
	ck_assert_int_eq(receive(), 0);
	pair_close(&pair);
}

TEST(an_error_is_told_as_by_recv)
{
	begin();
	socket_reset_on_close(pair.far);
	close(pair.far);
	pair.far = -1;
	ck_assert_int_eq(receive(), -ECONNRESET);
	pair_close(&pair);
}

/* Nobody sends what it waits for but its own looks at the clock. */
TEST(a_stream_spins_for_its_next_message)
{
	struct stream_terms terms = session_terms(STREAM_LINE);
	atomic_bool draining = false;
	struct stream_status status = {.draining = &draining, .permits = &permits};
	struct stream_message line;
	struct stream s;

	begin();
	terms.spin_ns = TIME_NS;
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
	pair_close(&pair);
}
