/* SPDX-License-Identifier: ISC */
/*
 * Proves stream, deadlines: each is kept against a silent peer, a dripping one, and signals; none
 * moves another.
 */
#include "common/stream.h"

#include "common/deadline.h"
#include "peer.h"
#include "session.h"
#include "test/mode.h"
#include "test/suite.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static struct session session;

static void do_nothing(int signal)
{
	(void)signal;
}

/* A signal every millisecond to the one thread that there is: EINTR is all that a call returns. */
static timer_t must_start_storm(void)
{
	struct sigaction action = {.sa_handler = do_nothing};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec each = {.it_value.tv_nsec = 1000000, .it_interval.tv_nsec = 1000000};
	timer_t timer;

	ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
	ck_assert_int_eq(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
	ck_assert_int_eq(timer_settime(timer, 0, &each, NULL), 0);
	return timer;
}

/* What a silent peer has sent, and the bound that ends the wait; 0 ms is a bound far off. */
static const struct {
	enum stream_framing framing;
	int64_t idle_ms, message_ms, lifetime_ms;
	const char *sent;
	const char *end;
	int64_t at_ms;
	const char *last; /* what the peer gets */
} waits[] = {
	{STREAM_LINE, 1, 0, 0, "", "idle", 1, ""},
	{STREAM_LINE, 150, 20, 0, "", "idle", 150, ""},
	{STREAM_FRAME, 60, 0, 0, "", "idle", 60, ""},
	{STREAM_RAW, 60, 0, 0, "", "idle", 60, ""},
	{STREAM_LINE, 60, 0, 0, "x\nx\n", "idle", 60, "x\nx\n"},
	{STREAM_LINE, 0, 60, 0, "x", "message_timeout", 60,
		"error: message not complete within 60ms\n"},
	{STREAM_LINE, 60, 60, 0, "whole\nx", "message_timeout", 60,
		"whole\nerror: message not complete within 60ms\n"},
	{STREAM_LINE, 20, 150, 0, "x", "message_timeout", 150,
		"error: message not complete within 150ms\n"},
	{STREAM_FRAME, 0, 60, 0, "~", "message_timeout", 60,
		"~~~'error: message not complete within 60ms"},
	{STREAM_FRAME, 20, 60, 0, "~~~\1", "message_timeout", 60,
		"~~~'error: message not complete within 60ms"},
	{STREAM_FRAME, 0, 60, 0, "~~~\1x~", "message_timeout", 60,
		"~~~\1x~~~'error: message not complete within 60ms"},
	{STREAM_LINE, 0, 0, 60, "", "lifetime", 60, ""},
	{STREAM_LINE, 0, 0, 60, "begun", "lifetime", 60, ""},
	{STREAM_LINE, 0, 0, 150, "whole\nbegun", "lifetime", 150, "whole\n"},
	{STREAM_LINE, 20, 0, 3000, "", "idle", 20, ""},
	{STREAM_LINE, 0, 40, 3000, "begun", "message_timeout", 40,
		"error: message not complete within 40ms\n"},
};

static int64_t ns_of(int64_t ms)
{
	return ms > 0 ? ms * NS_PER_MS : 60 * NS_PER_S;
}

/* Each alone, and in a storm of signals that come faster than the socket's timeout passes. */
TEST_TIMED_ROWS(a_wait_ends_at_its_deadline_with_the_right_word, 2 * SUITE_COUNT(waits))
{
	const size_t row = (size_t)_i / 2;
	struct stream_terms terms = session_terms(waits[row].framing);
	char bytes[128];
	timer_t storm;

	terms.idle_ns = ns_of(waits[row].idle_ms);
	terms.message_ns = ns_of(waits[row].message_ms);
	terms.lifetime_ns = waits[row].lifetime_ms * NS_PER_MS;
	session_open(&session, &terms);
	if (_i % 2)
		storm = must_start_storm();
	must_send(session.pair.far, bytes,
		session_bytes(waits[row].sent, strlen(waits[row].sent), bytes));
	int64_t start = deadline_now();
	if (terms.lifetime_ns > 0)
		session.stream.lifetime_deadline = deadline_from(start, terms.lifetime_ns);
	session_echo(&session.stream);
	mode_check_window(start, ns_of(waits[row].at_ms));
	if (_i % 2)
		timer_delete(storm);
	must_half_close(session.pair.far);
	session_finish(&session);
	peer_expects_last(session.pair.far, bytes,
		session_bytes(waits[row].last, strlen(waits[row].last), bytes));
	session_ends_as(&session, waits[row].end);
}

/* Each byte comes long before SO_RCVTIMEO: only an absolute deadline ends this. */
TEST_TIMED_ROWS(a_dripping_peer_does_not_move_the_deadline, 2)
{
	struct stream_terms terms = session_terms(_i ? STREAM_FRAME : STREAM_LINE);

	terms.message_ns = 100 * NS_PER_MS;
	session_open(&session, &terms);
	session_start(&session, session_echo);
	int64_t start = deadline_now();
	must_send(session.pair.far, "\0\0\1\0", 4);
	while (!peer_hears_within(session.pair.far, 4 * NS_PER_MS))
		must_send(session.pair.far, "x", 1);
	mode_check_window(start, terms.message_ns);
	session_ends_as(&session, "message_timeout");
}

/*
 * Three messages of 1.1 of 3 s each (no machine stands still for 1.9 s more), and then the whole
 * idle time, though the messages armed the socket for less.
 */
TEST_TIMED(each_message_and_each_pause_has_a_deadline_of_its_own)
{
	struct stream_terms terms = session_terms(STREAM_LINE);

	terms.message_ns = 3 * NS_PER_S;
	terms.idle_ns = 3500 * NS_PER_MS;
	session_open(&session, &terms);
	session_start(&session, session_echo);
	must_send_text(session.pair.far, "a");
	int64_t start = 0;
	for (int i = 0; i < 3; i++) {
		ck_assert(!peer_hears_within(session.pair.far, 1100 * NS_PER_MS));
		start = deadline_now();
		must_send_text(session.pair.far, i < 2 ? "\na" : "\n");
		peer_expects(session.pair.far, "a\n");
	}
	ck_assert(peer_hears_within(session.pair.far, 60 * NS_PER_S));
	mode_check_window(start, terms.idle_ns);
	session_ends_as(&session, "idle");
}

TEST_TIMED(a_lifetime_ends_a_busy_connection_between_messages)
{
	struct stream_terms terms = session_terms(STREAM_LINE);
	char got[5];
	ssize_t n = sizeof got;

	terms.lifetime_ns = 100 * NS_PER_MS;
	int64_t start = deadline_now();
	session_open(&session, &terms);
	session_start(&session, session_echo);
	while (n > 0) {
		must_send_text(session.pair.far, "ping\n");
		n = recv(session.pair.far, got, sizeof got, MSG_WAITALL);
		ck_assert(n == 0 || n == sizeof got);
	}
	mode_check_window(start, terms.lifetime_ns);
	session_ends_as(&session, "lifetime");
	/* The last request came too late, and was dropped by lingering: its sender saw no RST. */
	ck_assert_uint_eq(session.stream.bytes_dropped, 5);
}

/* Replies. */

#define LARGE (8 << 20)

static char large[LARGE];

static void write_large(struct stream *s)
{
	stream_write(s, large, LARGE);
}

enum stuck {
	SILENT,   /* the peer does not read */
	STORM,    /* nor does it, and signals come */
	LATER,    /* nor does it, after a reply that went at once long before */
	DRIPPING, /* it reads a little each time, so that every blocked send gets on */
	LAST,     /* the reply is among the last words */
	STUCK,
};

TEST_TIMED_ROWS(a_reply_that_does_not_go_ends_at_its_deadline_with_a_reset, STUCK)
{
	const int little = 16384;
	struct stream_terms terms = session_terms(STREAM_FRAME);
	char drip[4096];
	timer_t storm;

	terms.reply_ns = 100 * NS_PER_MS;
	session_open(&session, &terms);
	ck_assert_int_eq(
		setsockopt(session.pair.near, SOL_SOCKET, SO_SNDBUF, &little, sizeof little), 0);
	if (_i == STORM)
		storm = must_start_storm();
	if (_i == LATER) {
		ck_assert(stream_write(&session.stream, large, 1000));
		ck_assert(stream_flush(&session.stream));
		ck_assert(!peer_hears_within(session.pair.near, 2 * terms.reply_ns));
	}
	if (_i == LAST) {
		must_fill(session.pair.near);
		for (int i = 0; i < 4; i++)
			ck_assert(stream_write(&session.stream, large, 16000));
	}
	int64_t start = deadline_now();
	if (_i == DRIPPING) {
		session_start(&session, write_large);
		while (recv(session.pair.far, drip, sizeof drip, 0) > 0 &&
			!peer_is_reset_within(session.pair.far, 4 * NS_PER_MS))
			continue;
	} else if (_i == LAST) {
		session_finish(&session);
	} else {
		ck_assert(!stream_write(&session.stream, large, LARGE));
		ck_assert(!stream_write(&session.stream, "x", 1));
	}
	mode_check_window(start, terms.reply_ns);
	if (_i == STORM)
		timer_delete(storm);
	int far = session.pair.far;
	session.pair.far = -1;
	session_ends_as(&session, "reply_timeout");
	ck_assert_int_eq(session.stream.error, 0);
	ck_assert(session.stream.unanswered);
	ck_assert_uint_lt(stream_counts(&session.status).bytes_out, LARGE);
	ck_assert(peer_is_reset(far));
	close(far);
}
