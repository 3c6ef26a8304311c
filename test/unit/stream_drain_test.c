/* SPDX-License-Identifier: ISC */
/* Proves stream, draining: what is answered and what is not, no wake-up lost, and being cut. */
#include "common/stream.h"

#include "common/deadline.h"
#include "peer.h"
#include "session.h"
#include "test/mode.h"
#include "test/suite.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

static struct session session;

static void must_read_line(const char *text)
{
	struct stream_message line;

	ck_assert(stream_read_line(&session.stream, &line));
	ck_assert_uint_eq(line.len, strlen(text));
	ck_assert_mem_eq(line.data, text, line.len);
	ck_assert(stream_write(&session.stream, line.data, line.len + line.end));
}

static void must_end(enum stream_end end)
{
	struct stream_message line;

	ck_assert(!stream_read_line(&session.stream, &line));
	ck_assert_str_eq(stream_end_name(session.stream.end), stream_end_name(end));
	ck_assert(!stream_write(&session.stream, "x", 1));
}

static void joined_as(const char *end)
{
	session_join(&session);
	ck_assert_str_eq(stream_end_name(session.stream.end), end);
}

/* The peer hangs up, so that the stream need not linger. */
static void peer_leaves_as(const char *end)
{
	must_half_close(session.pair.far);
	joined_as(end);
}

/* Waiting. */

TEST_ROWS(an_idle_stream_that_is_woken_has_drained, 2)
{
	struct stream_terms terms = session_terms(STREAM_LINE);

	/* Asleep, or spinning. */
	terms.spin_ns = _i ? NS_PER_MS : 0;
	session_open(&session, &terms);
	session_start(&session, echo_lines);
	must_send_text(session.pair.far, "a\n");
	peer_expects(session.pair.far, "a\n");
	session_await_state(&session, STATUS_IDLE);
	session_raise_flag(&session);
	ck_assert(session_wake(&session, STATUS_IDLE));
	peer_expects_last(session.pair.far, "", 0);
	peer_leaves_as("drained");
	ck_assert_uint_eq(session.status.messages_in, 1);
	session_close(&session);
}

TEST(the_flag_alone_does_not_end_a_stream_that_has_said_nothing)
{
	session_open_plain(&session, STREAM_LINE);
	session_start(&session, echo_lines);
	session_raise_flag(&session);
	session_await_state(&session, STATUS_NEW);
	ck_assert(!peer_hears_within(session.pair.far, 50 * NS_PER_MS));
	must_send_text(session.pair.far, "a\nb\n");
	peer_expects_last_text(session.pair.far, "a\nb\n");
	peer_leaves_as("drained");
	session_close(&session);
}

TEST_ROWS(a_stream_that_has_said_nothing_and_is_woken_has_drained, 2)
{
	session_open_plain(&session, STREAM_LINE);
	/* Before its thread has begun, or while it waits. */
	if (_i)
		session_start(&session, echo_lines);
	session_raise_flag(&session);
	if (_i)
		session_await_state(&session, STATUS_NEW);
	ck_assert(session_wake(&session, STATUS_NEW));
	if (!_i)
		session_start(&session, echo_lines);
	peer_expects_last(session.pair.far, "", 0);
	peer_leaves_as("drained");
	ck_assert_uint_eq(session.status.bytes_in, 0);
	session_close(&session);
}

TEST(what_had_arrived_before_the_first_wait_is_answered_though_woken)
{
	session_open_plain(&session, STREAM_LINE);
	must_send_text(session.pair.far, "a\nb\n");
	session_raise_flag(&session);
	ck_assert(session_wake(&session, STATUS_NEW));
	session_start(&session, echo_lines);
	peer_expects_last_text(session.pair.far, "a\nb\n");
	peer_leaves_as("drained");
	session_close(&session);
}

TEST(a_stream_at_work_is_not_woken_but_sees_the_flag)
{
	session_open_plain(&session, STREAM_LINE);
	must_send_text(session.pair.far, "a\nb\n");
	must_read_line("a");
	ck_assert_int_eq(atomic_load(&session.status.state), STATUS_BUSY);
	session_raise_flag(&session);
	ck_assert(!session_wake(&session, STATUS_IDLE));
	ck_assert(!session_wake(&session, STATUS_NEW));
	must_read_line("b");
	must_end(STREAM_DRAINED);
	must_half_close(session.pair.far);
	session_finish(&session);
	peer_expects_last_text(session.pair.far, "a\nb\n");
	session_close(&session);
}

/* What is answered. */

TEST(what_had_arrived_is_answered_and_what_comes_after_is_not)
{
	session_open_plain(&session, STREAM_LINE);
	must_send_text(session.pair.far, "a\nb\n");
	must_read_line("a");
	must_send_text(session.pair.far, "c\nd\n");
	session_raise_flag(&session);
	/* The stream looks here, and finds b, c, d. */
	must_read_line("b");
	must_send_text(session.pair.far, "e\nf\n");
	must_read_line("c");
	must_read_line("d");
	must_end(STREAM_DRAINED);
	must_half_close(session.pair.far);
	session_finish(&session);
	peer_expects_last_text(session.pair.far, "a\nb\nc\nd\n");
	ck_assert_uint_eq(session.status.messages_in, 4);
	session_close(&session);
}

TEST(a_frame_that_had_begun_is_finished_and_the_next_is_not_begun)
{
	struct stream_message frame;

	session_open_plain(&session, STREAM_FRAME);
	must_send(session.pair.far, "\0\0\0\1a\0\0", 7);
	ck_assert(stream_read_frame(&session.stream, &frame));
	session_raise_flag(&session);
	must_send(session.pair.far, "\0\3bcd\0\0\0\1e", 10);
	/* What has arrived by now counts; what comes during the next read does not. */
	ck_assert(stream_read_frame(&session.stream, &frame));
	ck_assert_mem_eq(frame.data, "bcd", 3);
	must_send_frame(session.pair.far, "f", 1);
	ck_assert(stream_read_frame(&session.stream, &frame));
	ck_assert_mem_eq(frame.data, "e", 1);
	ck_assert(!stream_read_frame(&session.stream, &frame));
	ck_assert_str_eq(stream_end_name(session.stream.end), "drained");
	session_close(&session);
}

TEST(a_message_begun_is_finished_and_answered)
{
	session_open_plain(&session, STREAM_LINE);
	session_start(&session, echo_lines);
	must_send_text(session.pair.far, "first\nbeg");
	peer_expects(session.pair.far, "first\n");
	session_await_taken(&session);
	session_await_state(&session, STATUS_BUSY);
	session_raise_flag(&session);
	ck_assert(!session_wake(&session, STATUS_IDLE));
	must_send_text(session.pair.far, "un\n");
	peer_expects_last_text(session.pair.far, "begun\n");
	peer_leaves_as("drained");
	session_close(&session);
}

/* The first message, begun before the flag: there was a first word. */
TEST(a_first_message_begun_is_finished_too)
{
	session_open_plain(&session, STREAM_LINE);
	session_start(&session, echo_lines);
	must_send_text(session.pair.far, "beg");
	session_await_state(&session, STATUS_BUSY);
	session_raise_flag(&session);
	ck_assert(!session_wake(&session, STATUS_NEW));
	must_send_text(session.pair.far, "un\n");
	peer_expects_last_text(session.pair.far, "begun\n");
	peer_leaves_as("drained");
	session_close(&session);
}

TEST(a_message_begun_while_draining_still_has_its_deadline)
{
	struct stream_terms terms = session_terms(STREAM_LINE);

	terms.message_ns = 60 * NS_PER_MS;
	session_open(&session, &terms);
	session_raise_flag(&session);
	must_send_text(session.pair.far, "beg");
	session_start(&session, echo_lines);
	peer_expects_last_text(session.pair.far, "error: message not complete within 60ms\n");
	peer_leaves_as("message_timeout");
	session_close(&session);
}

static atomic_bool flooding;

/* In a thread: a peer that sends without end and drops what comes back. */
static void *flood(void *arg)
{
	static char lines[65536];
	static char dropped[65536];

	memset(lines, '\n', sizeof lines);
	atomic_store(&flooding, true);
	while (send(session.pair.far, lines, sizeof lines, MSG_NOSIGNAL) > 0) {
		while (recv(session.pair.far, dropped, sizeof dropped, MSG_DONTWAIT) > 0)
			continue;
	}
	return arg;
}

TEST_TIMED(a_flood_does_not_hold_the_drain_up)
{
	struct stream_terms terms = session_terms(STREAM_LINE);
	pthread_t thread;

	terms.linger_bytes = 1 << 20;
	session_open(&session, &terms);
	session_start(&session, echo_lines);
	ck_assert_int_eq(pthread_create(&thread, NULL, flood, NULL), 0);
	while (!atomic_load(&flooding))
		sched_yield();
	session_await_state(&session, STATUS_BUSY);
	int64_t start = deadline_now();
	session_raise_flag(&session);
	(void)session_wake(&session, STATUS_IDLE);
	joined_as("drained");
	mode_check_most(deadline_now() - start, NS_PER_S);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_uint_eq(session.status.messages_in, session.status.messages_out);
	session_close(&session);
}

/* Last lines: cut by the owner, the end of the input need not be the peer's. */

static void open_woken(const char *input, bool fin)
{
	session_open_plain(&session, STREAM_LINE);
	must_send_text(session.pair.far, input);
	if (fin)
		must_half_close(session.pair.far);
	session_raise_flag(&session);
	ck_assert(session_wake(&session, STATUS_NEW));
}

TEST(a_last_line_with_the_peer_s_fin_is_a_message_though_woken)
{
	open_woken("whole\nlast", true);
	must_read_line("whole");
	must_read_line("last");
	must_end(STREAM_EOF);
	session_finish(&session);
	peer_expects_last_text(session.pair.far, "whole\nlast");
	session_close(&session);
}

TEST(a_last_line_without_the_peer_s_fin_is_no_message)
{
	struct stream_message whole;

	open_woken("whole\nlast", false);
	ck_assert(stream_read_line(&session.stream, &whole));
	session_cut_woken(&session);
	must_end(STREAM_DRAINED);
	ck_assert(session.stream.unanswered);
	ck_assert_uint_eq(session.status.messages_in, 1);
	session_finish(&session);
	session_close(&session);
}

TEST(raw_bytes_that_had_arrived_are_answered_and_then_it_has_drained)
{
	session_open_plain(&session, STREAM_RAW);
	must_send_text(session.pair.far, "bytes");
	session_raise_flag(&session);
	ck_assert(session_wake(&session, STATUS_NEW));
	session_start(&session, echo_bytes);
	peer_expects_last_text(session.pair.far, "bytes");
	peer_leaves_as("drained");
	session_close(&session);
}

/*
 * A reply that was written before the wake and is still on its way, to a peer that sends its next
 * request as the stop comes: with the reading side shut, half-closing at once would make the kernel
 * answer that request with RST, and drop the reply.
 */
TEST(replies_on_their_way_survive_the_wake_though_the_peer_sends_on)
{
	enum {
		LEN = 1 << 20
	};
	char *body = malloc(LEN);
	char *got = malloc(LEN);
	uint32_t wire;

	fill_pattern(body, LEN);
	session_open_plain(&session, STREAM_FRAME);
	session_start(&session, echo_frames);
	must_send_frame(session.pair.far, body, LEN);
	/* The reply is in the kernel's hands, and more of it than the peer has room for. */
	session_await_state(&session, STATUS_IDLE);
	ck_assert_int_lt(socket_unread(session.pair.far), LEN);
	session_raise_flag(&session);
	ck_assert(session_wake(&session, STATUS_IDLE));
	session_await_state(&session, STATUS_LINGERING);
	must_send_frame(session.pair.far, "next", 4);
	must_receive(session.pair.far, &wire, sizeof wire);
	must_receive(session.pair.far, got, LEN);
	ck_assert(memcmp(got, body, LEN) == 0);
	peer_expects_last(session.pair.far, "", 0);
	peer_leaves_as("drained");
	ck_assert_uint_eq(session.stream.bytes_dropped, 8);
	session_close(&session);
	free(got);
	free(body);
}

/* Being cut. */

static void write_without_end(struct stream *s)
{
	static char text[65536];

	while (stream_write(s, text, sizeof text))
		continue;
}

TEST_ROWS(a_cut_ends_whatever_the_stream_is_at_and_resets_who_was_owed, 3)
{
	const enum stream_state states[] = {STATUS_NEW, STATUS_IDLE, STATUS_BUSY};

	session_open_plain(&session, STREAM_LINE);
	session_start(&session, echo_lines);
	if (states[_i] == STATUS_IDLE) {
		must_send_text(session.pair.far, "a\n");
		peer_expects(session.pair.far, "a\n");
	} else if (states[_i] == STATUS_BUSY) {
		must_send_text(session.pair.far, "begun");
	}
	session_await_state(&session, states[_i]);
	session_cut(&session);
	joined_as("forced");
	ck_assert_int_eq(atomic_load(&session.status.state), STATUS_FORCED);
	ck_assert_int_eq(session.stream.unanswered, states[_i] == STATUS_BUSY);
	if (session.stream.unanswered)
		ck_assert(peer_is_reset(session.pair.far));
	else
		peer_expects_last(session.pair.far, "", 0);
	session_close(&session);
}

TEST(a_cut_ends_a_reply_that_does_not_go)
{
	session_open_plain(&session, STREAM_RAW);
	session_start(&session, write_without_end);
	/* Something has come; sooner or later the rest is stuck, and the cut is right either way.
	 */
	ck_assert(peer_hears_within(session.pair.far, 60 * NS_PER_S));
	session_cut(&session);
	joined_as("forced");
	ck_assert(session.stream.unanswered);
	ck_assert(peer_is_reset(session.pair.far));
	session_close(&session);
}

/* The peer has no room for all of it, so that the kernel cannot have sent it. */
TEST(a_reply_that_the_kernel_still_holds_is_owed_when_it_is_cut)
{
	enum {
		LEN = 1 << 20
	};
	char *body = calloc(1, LEN);

	session_open_plain(&session, STREAM_FRAME);
	session_start(&session, echo_frames);
	must_send_frame(session.pair.far, body, LEN);
	session_await_state(&session, STATUS_IDLE);
	ck_assert_int_gt(socket_unsent(session.pair.near), 1);
	session_cut(&session);
	joined_as("forced");
	ck_assert(session.stream.unanswered);
	ck_assert(peer_is_reset(session.pair.far));
	session_close(&session);
	free(body);
}

TEST(a_cut_ends_a_stream_that_was_woken)
{
	session_open_plain(&session, STREAM_LINE);
	must_send_text(session.pair.far, "a\n");
	session_raise_flag(&session);
	ck_assert(session_wake(&session, STATUS_NEW));
	session_cut(&session);
	session_start(&session, echo_lines);
	joined_as("forced");
	ck_assert(session.stream.unanswered);
	ck_assert(peer_is_reset(session.pair.far));
	session_close(&session);
}

static void say_and_leave(struct stream *s)
{
	stream_write(s, "a\n", 2);
}

TEST(a_cut_ends_lingering_at_once)
{
	session_open_plain(&session, STREAM_LINE);
	session_start(&session, say_and_leave);
	session_await_state(&session, STATUS_LINGERING);
	int64_t start = deadline_now();
	session_cut(&session);
	session_join(&session);
	ck_assert_int_lt(deadline_now() - start, session.terms.linger_time_ns / 2);
	ck_assert(!session.stream.unanswered);
	/* All was said: this is an end as it should be. */
	peer_expects_last_text(session.pair.far, "a\n");
	session_close(&session);
}

/* Races. */

static atomic_int gun;

struct owner {
	unsigned delay;
};

/* The owner, in a thread of its own, at an arbitrary moment. */
static void *drain_later(void *arg)
{
	const struct owner *owner = arg;

	atomic_fetch_add(&gun, 1);
	while (atomic_load(&gun) < 2)
		continue;
	for (volatile unsigned i = 0; i < owner->delay; i++)
		continue;
	session_raise_flag(&session);
	(void)session_wake(&session, STATUS_IDLE);
	return NULL;
}

/*
 * The stream goes to wait as the owner raises the flag and looks for a waiting stream.  A lost
 * wake-up would end as idle. Every request sent before the flag is answered.
 */
TEST(no_wake_up_is_lost_between_the_state_and_the_flag)
{
	struct stream_terms terms = session_terms(STREAM_LINE);
	pthread_t thread;

	terms.idle_ns = 20 * NS_PER_S;
	for (int round = 0; round < mode_times(60, 6000); round++) {
		struct owner owner = {.delay = (unsigned)round * 211 % 60000};
		session_open(&session, &terms);
		session_start(&session, echo_lines);
		atomic_store(&gun, 0);
		ck_assert_int_eq(pthread_create(&thread, NULL, drain_later, &owner), 0);
		while (atomic_load(&gun) < 1)
			continue;
		must_send_text(session.pair.far, "a\nb\n");
		atomic_fetch_add(&gun, 1);
		peer_expects_last_text(session.pair.far, "a\nb\n");
		ck_assert_int_eq(pthread_join(thread, NULL), 0);
		peer_leaves_as("drained");
		session_close(&session);
	}
}

static void *cut_later(void *arg)
{
	const struct owner *owner = arg;

	atomic_fetch_add(&gun, 1);
	while (atomic_load(&gun) < 2)
		continue;
	for (volatile unsigned i = 0; i < owner->delay; i++)
		continue;
	session_cut(&session);
	return NULL;
}

/* A peer that never stops talking, cut at any moment: the state that the stream stores must not
 * hide the cut, and what it says of a last reply must be true. */
TEST(no_cut_is_lost_between_the_states)
{
	pthread_t thread;
	char got[2];

	for (int round = 0; round < mode_times(60, 6000); round++) {
		struct owner owner = {.delay = (unsigned)round * 223 % 60000};
		session_open_plain(&session, STREAM_LINE);
		session_start(&session, echo_lines);
		atomic_store(&gun, 0);
		ck_assert_int_eq(pthread_create(&thread, NULL, cut_later, &owner), 0);
		while (atomic_load(&gun) < 1)
			continue;
		atomic_fetch_add(&gun, 1);
		bool asked;
		while ((asked = send(session.pair.far, "a\n", 2, MSG_NOSIGNAL) == 2) &&
			recv(session.pair.far, got, 2, MSG_WAITALL) == 2)
			continue;
		ck_assert_int_eq(pthread_join(thread, NULL), 0);
		joined_as("forced");
		if (session.status.bytes_in > session.status.bytes_out)
			ck_assert(session.stream.unanswered);
		else if (!asked)
			ck_assert(!session.stream.unanswered);
		ck_assert_int_eq(atomic_load(&session.status.state), STATUS_FORCED);
		session_close(&session);
	}
}
