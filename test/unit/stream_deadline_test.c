/* SPDX-License-Identifier: ISC */
/* Proves stream, deadlines: each is kept against a silent peer, a dripping one, and signals; none
 * moves another. */
#include "common/stream.h"

#include "common/deadline.h"
#include "peer.h"
#include "session.h"
#include "test/mode.h"
#include "test/suite.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static struct session session;

static bool read_any(struct stream *s)
{
	struct stream_message m;

	switch (s->terms->framing) {
	case STREAM_LINE:
		return stream_read_line(s, &m);
	case STREAM_FRAME:
		return stream_read_frame(s, &m);
	default:
		return stream_read_some(s, &m);
	}
}

static void must_end(enum stream_end end)
{
	ck_assert(!read_any(&session.stream));
	ck_assert_str_eq(stream_end_name(session.stream.end), stream_end_name(end));
}

static const struct {
	enum stream_framing framing;
	int64_t ms;
} idles[] = {
	{STREAM_LINE, 1},
	{STREAM_LINE, 40},
	{STREAM_FRAME, 60},
	{STREAM_RAW, 60},
	{STREAM_LINE, 150},
};

TEST_TIMED_ROWS(a_silent_peer_is_idle_at_the_deadline_and_is_sent_nothing, SUITE_COUNT(idles))
{
	struct stream_terms terms = session_terms(idles[_i].framing);

	terms.idle_ns = idles[_i].ms * NS_PER_MS;
	session_open(&session, &terms);
	int64_t start = deadline_now();
	must_end(STREAM_IDLE);
	mode_check_window(start, terms.idle_ns);
	must_half_close(session.pair.far);
	session_finish(&session);
	peer_expects_last(session.pair.far, "", 0);
	session_close(&session);
}

TEST_TIMED(each_message_gives_the_whole_idle_time_again)
{
	struct stream_terms terms = session_terms(STREAM_LINE);

	terms.idle_ns = 60 * NS_PER_MS;
	session_open(&session, &terms);
	for (int i = 0; i < 3; i++) {
		must_send_text(session.pair.far, "x\n");
		ck_assert(read_any(&session.stream));
	}
	int64_t start = deadline_now();
	must_end(STREAM_IDLE);
	mode_check_window(start, terms.idle_ns);
	session_close(&session);
}

/* A message begun in each of the ways, and what its sender is told.  idle_ms is shorter, the same,
 * longer. */
static const struct {
	enum stream_framing framing;
	int64_t message_ms;
	int64_t idle_ms;
	const char *begun;
	size_t len;
	const char *reply;
	size_t reply_len;
} begun[] = {
	{STREAM_LINE, 60, 10000, "x", 1, "error: message not complete within 60ms\n", 40},
	{STREAM_LINE, 60, 60, "whole\nx", 7, "error: message not complete within 60ms\n", 40},
	{STREAM_LINE, 150, 20, "x", 1, "error: message not complete within 150ms\n", 41},
	{STREAM_FRAME, 60, 10000, "\0", 1,
		"\0\0\0\x27"
		"error: message not complete within 60ms",
		43},
	{STREAM_FRAME, 60, 20, "\0\0\0\1", 4,
		"\0\0\0\x27"
		"error: message not complete within 60ms",
		43},
	{STREAM_FRAME, 60, 10000, "\0\0\0\2x", 5,
		"\0\0\0\x27"
		"error: message not complete within 60ms",
		43},
	{STREAM_FRAME, 60, 10000, "\0\0\0\1x\0", 6,
		"\0\0\0\x27"
		"error: message not complete within 60ms",
		43},
};

TEST_TIMED_ROWS(
	a_message_begun_and_not_finished_ends_at_its_deadline_with_a_word, SUITE_COUNT(begun))
{
	struct stream_terms terms = session_terms(begun[_i].framing);

	terms.message_ns = begun[_i].message_ms * NS_PER_MS;
	terms.idle_ns = begun[_i].idle_ms * NS_PER_MS;
	session_open(&session, &terms);
	must_send(session.pair.far, begun[_i].begun, begun[_i].len);
	int64_t start = deadline_now();
	if (begun[_i].len > 5)
		ck_assert(read_any(&session.stream));
	must_end(STREAM_MESSAGE_TIMEOUT);
	mode_check_window(start, terms.message_ns);
	must_half_close(session.pair.far);
	session_finish(&session);
	peer_expects_last(session.pair.far, begun[_i].reply, begun[_i].reply_len);
	session_close(&session);
}

/* Each byte comes long before SO_RCVTIMEO: only an absolute deadline ends this. */
TEST_TIMED_ROWS(a_dripping_peer_does_not_move_the_deadline, 2)
{
	struct stream_terms terms = session_terms(_i ? STREAM_FRAME : STREAM_LINE);

	terms.message_ns = 100 * NS_PER_MS;
	session_open(&session, &terms);
	session_start(&session, _i ? echo_frames : echo_lines);
	int64_t start = deadline_now();
	must_send(session.pair.far, "\0\0\1\0", 4);
	while (!peer_hears_within(session.pair.far, 4 * NS_PER_MS))
		must_send(session.pair.far, "x", 1);
	mode_check_window(start, terms.message_ns);
	must_half_close(session.pair.far);
	session_join(&session);
	ck_assert_str_eq(stream_end_name(session.stream.end), "message_timeout");
	session_close(&session);
}

/* Three messages of 1.1 of 3 s each: no machine stands still for 1.9 s more. */
TEST(each_message_has_a_deadline_of_its_own)
{
	struct stream_terms terms = session_terms(STREAM_LINE);

	terms.message_ns = 3 * NS_PER_S;
	session_open(&session, &terms);
	session_start(&session, echo_lines);
	must_send_text(session.pair.far, "a");
	for (int i = 0; i < 3; i++) {
		ck_assert(!peer_hears_within(session.pair.far, 1100 * NS_PER_MS));
		must_send_text(session.pair.far, "\nb");
		peer_expects(session.pair.far, i == 0 ? "a\n" : "b\n");
	}
	must_half_close(session.pair.far);
	peer_expects_last_text(session.pair.far, "b");
	session_join(&session);
	ck_assert_str_eq(stream_end_name(session.stream.end), "eof");
	session_close(&session);
}

/* The message armed the socket for less than the wait after it.  It may be 2 s late. */
TEST_TIMED(a_short_message_deadline_does_not_shorten_the_idle_time)
{
	struct stream_terms terms = session_terms(STREAM_LINE);

	terms.message_ns = 2 * NS_PER_S;
	terms.idle_ns = 2500 * NS_PER_MS;
	session_open(&session, &terms);
	session_start(&session, echo_lines);
	must_send_text(session.pair.far, "a");
	session_await_taken(&session);
	int64_t start = deadline_now();
	must_send_text(session.pair.far, "\n");
	peer_expects(session.pair.far, "a\n");
	ck_assert(peer_hears_within(session.pair.far, 60 * NS_PER_S));
	mode_check_window(start, terms.idle_ns);
	must_half_close(session.pair.far);
	session_join(&session);
	ck_assert_str_eq(stream_end_name(session.stream.end), "idle");
	session_close(&session);
}

/* Idle, and inside a message; longer and shorter than the deadline that would be next. */
static const struct {
	int64_t lifetime_ms;
	int64_t other_ms;
	const char *sent;
	const char *end;
} lives[] = {
	{60, 10000, "", "lifetime"},
	{60, 10000, "begun", "lifetime"},
	{3000, 20, "begun", "message_timeout"},
	{3000, 20, "", "idle"},
	{150, 10000, "whole\nbegun", "lifetime"},
};

TEST_TIMED_ROWS(a_lifetime_ends_what_else_would_last_longer, SUITE_COUNT(lives))
{
	struct stream_terms terms = session_terms(STREAM_LINE);

	terms.lifetime_ns = lives[_i].lifetime_ms * NS_PER_MS;
	terms.idle_ns = terms.message_ns = lives[_i].other_ms * NS_PER_MS;
	session_open(&session, &terms);
	int64_t start = deadline_now();
	/* As if it had begun now: the test's start is what it is measured from. */
	session.stream.lifetime_deadline = deadline_from(start, terms.lifetime_ns);
	must_send_text(session.pair.far, lives[_i].sent);
	while (read_any(&session.stream))
		continue;
	mode_check_window(start, deadline_earlier(terms.lifetime_ns, terms.idle_ns));
	ck_assert_str_eq(stream_end_name(session.stream.end), lives[_i].end);
	session_close(&session);
}

TEST_TIMED(a_lifetime_ends_a_busy_connection_between_messages)
{
	struct stream_terms terms = session_terms(STREAM_LINE);
	char got[5];
	bool whole = true;

	terms.lifetime_ns = 100 * NS_PER_MS;
	int64_t start = deadline_now();
	session_open(&session, &terms);
	session_start(&session, echo_lines);
	while (whole) {
		must_send_text(session.pair.far, "ping\n");
		ssize_t n = recv(session.pair.far, got, sizeof got, MSG_WAITALL);
		ck_assert(n == 0 || n == sizeof got);
		whole = n > 0;
	}
	mode_check_window(start, terms.lifetime_ns);
	must_half_close(session.pair.far);
	session_join(&session);
	ck_assert_str_eq(stream_end_name(session.stream.end), "lifetime");
	/* The last request came too late, and was dropped by lingering: its sender saw no RST. */
	ck_assert_uint_eq(session.stream.bytes_dropped, 5);
	ck_assert_uint_eq(session.status.messages_in, session.status.messages_out);
	session_close(&session);
}

#define LARGE (8 << 20)

static char *large;

static void open_stuck(int64_t reply_ns)
{
	struct stream_terms terms = session_terms(STREAM_FRAME);
	const int little = 16384;

	terms.reply_ns = reply_ns;
	session_open(&session, &terms);
	ck_assert_int_eq(
		setsockopt(session.pair.near, SOL_SOCKET, SO_SNDBUF, &little, sizeof little), 0);
	large = calloc(1, LARGE);
	ck_assert_ptr_nonnull(large);
}

TEST_TIMED(a_peer_that_does_not_read_ends_at_the_reply_deadline_and_is_reset)
{
	const int64_t patience = 80 * NS_PER_MS;

	open_stuck(patience);
	int64_t start = deadline_now();
	ck_assert(!stream_write(&session.stream, large, LARGE));
	mode_check_window(start, patience);
	ck_assert_str_eq(stream_end_name(session.stream.end), "reply_timeout");
	ck_assert_int_eq(session.stream.error, 0);
	ck_assert_uint_gt(session.status.bytes_out, 0);
	ck_assert_uint_lt(session.status.bytes_out, LARGE);
	ck_assert(!stream_write(&session.stream, "x", 1));
	session_finish(&session);
	ck_assert(peer_is_reset(session.pair.far));
	session_close(&session);
	free(large);
}

static void write_large(struct stream *s)
{
	stream_write(s, large, LARGE);
}

/* It takes a little each time, so that every blocked send gets on: still the reply has one
 * deadline. */
TEST_TIMED(a_peer_that_reads_in_drips_does_not_move_the_reply_deadline)
{
	const int64_t patience = 100 * NS_PER_MS;
	char drip[4096];
	ssize_t n = 1;

	open_stuck(patience);
	int64_t start = deadline_now();
	session_start(&session, write_large);
	while (n > 0) {
		n = recv(session.pair.far, drip, sizeof drip, 0);
		if (peer_is_reset_within(session.pair.far, 4 * NS_PER_MS))
			break;
	}
	mode_check_window(start, patience);
	session_join(&session);
	ck_assert_str_eq(stream_end_name(session.stream.end), "reply_timeout");
	ck_assert_uint_lt(session.status.bytes_out, LARGE);
	session_close(&session);
	free(large);
}

/* The deadline of the reply, not of the connection: the next reply has all of the time again. */
TEST_TIMED(each_reply_has_a_deadline_of_its_own)
{
	const int64_t patience = 80 * NS_PER_MS;

	open_stuck(patience);
	ck_assert(stream_write(&session.stream, large, 1000));
	ck_assert(stream_flush(&session.stream));
	(void)peer_hears_within(session.pair.near, 2 * patience);
	int64_t start = deadline_now();
	ck_assert(!stream_write(&session.stream, large, LARGE));
	mode_check_window(start, patience);
	session_close(&session);
	free(large);
}

TEST_TIMED(a_last_reply_that_does_not_go_ends_at_its_deadline_too)
{
	const int64_t patience = 80 * NS_PER_MS;

	open_stuck(patience);
	must_fill(session.pair.near);
	for (int i = 0; i < 4; i++)
		ck_assert(stream_write(&session.stream, large, 16000));
	ck_assert_uint_eq(session.status.bytes_out, 0);
	int64_t start = deadline_now();
	session_finish(&session);
	mode_check_window(start, patience);
	ck_assert_str_eq(stream_end_name(session.stream.end), "reply_timeout");
	ck_assert(peer_is_reset(session.pair.far));
	session_close(&session);
	free(large);
}

static void do_nothing(int signal)
{
	(void)signal;
}

/* A signal every millisecond, to the one thread that there is; no SA_RESTART, though that would
 * change nothing. */
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

/* Signals that come faster than the socket's timeout passes: EINTR is all that recv(2) ever
 * returns. */
TEST_TIMED_ROWS(a_storm_of_signals_does_not_move_the_deadline_of_a_wait, 2)
{
	struct stream_terms terms = session_terms(STREAM_LINE);

	terms.idle_ns = terms.message_ns = 80 * NS_PER_MS;
	session_open(&session, &terms);
	if (_i)
		must_send_text(session.pair.far, "begun");
	timer_t timer = must_start_storm();
	int64_t start = deadline_now();
	must_end(_i ? STREAM_MESSAGE_TIMEOUT : STREAM_IDLE);
	mode_check_window(start, 80 * NS_PER_MS);
	timer_delete(timer);
	session_close(&session);
}

TEST_TIMED(a_storm_of_signals_does_not_move_the_deadline_of_a_reply)
{
	const int64_t patience = 80 * NS_PER_MS;

	open_stuck(patience);
	timer_t timer = must_start_storm();
	int64_t start = deadline_now();
	ck_assert(!stream_write(&session.stream, large, LARGE));
	mode_check_window(start, patience);
	ck_assert_str_eq(stream_end_name(session.stream.end), "reply_timeout");
	timer_delete(timer);
	session_close(&session);
	free(large);
}

TEST_TIMED(a_storm_of_signals_does_not_move_the_end_of_lingering)
{
	struct stream_terms terms = session_terms(STREAM_LINE);

	terms.linger_time_ns = 80 * NS_PER_MS;
	session_open(&session, &terms);
	timer_t timer = must_start_storm();
	int64_t start = deadline_now();
	session_finish(&session);
	mode_check_window(start, terms.linger_time_ns);
	timer_delete(timer);
	session_close(&session);
}
