/* SPDX-License-Identifier: ISC */
/* Proves stream, draining: what is answered and what is not, no wake-up lost, and being cut. */
#include "common/stream.h"

#include "common/deadline.h"
#include "peer.h"
#include "session.h"
#include "test/mode.h"
#include "test/suite.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static struct session session;

static const struct session_scene drains[] = {
	{"an idle stream that is woken", STREAM_LINE, "start|>a\n|<a\n|idle|flag|wake|$",
		"drained"},
	{"the flag alone does not end a stream that has said nothing", STREAM_LINE,
		"flag|start|new|>a\nb\n|<a\nb\n|$", "drained"},
	{"woken before its thread has begun", STREAM_LINE, "flag|wake|start|$", "drained"},
	{"woken before it has said anything", STREAM_LINE, "start|flag|new|wake|$", "drained"},
	{"what had arrived before the first wait is answered though woken", STREAM_LINE,
		">a\nb\n|flag|wake|start|<a\nb\n|$", "drained"},
	{"raw bytes that had arrived are answered", STREAM_RAW, ">bytes|flag|wake|start|<bytes|$",
		"drained"},
	{"a stream at work is not woken but sees the flag", STREAM_LINE,
		">a\nb\n|=a|flag|busy?|=b|over|fin|finish|<a\nb\n|$", "drained"},
	{"what had arrived is answered and what comes after is not", STREAM_LINE,
		">a\nb\n|=a|>c\nd\n|flag|=b|>e\nf\n|=c|=d|over|fin|finish|<a\nb\nc\nd\n|$",
		"drained"},
	{"a frame that had begun is finished and the next is not begun", STREAM_FRAME,
		">~~~\1a~~|=a|flag|>~\3bcd~~~\1e|=bcd|>~~~\1f|=e|over", "drained"},
	{"a message begun is finished and answered", STREAM_LINE,
		"start|>first\nbeg|<first\n|taken|busy|flag|busy?|>un\n|<begun\n|$", "drained"},
	{"the first message, begun before the flag, is finished too", STREAM_LINE,
		"start|>beg|taken|busy|flag|busy?|>un\n|<begun\n|$", "drained"},
	{"a last line with the peer's FIN is a message though woken", STREAM_LINE,
		">whole\nlast|fin|flag|wake|=whole|=last|over|finish|<whole\nlast|$", "eof"},
	{"a last line without the peer's FIN is no message", STREAM_LINE,
		">last|flag|wake|shut|over|unanswered", "drained"},
	{"a cut of a stream that has said nothing", STREAM_LINE, "start|new|cut|$", "forced"},
	{"a cut of an idle stream", STREAM_LINE, "start|>a\n|<a\n|idle|cut|$", "forced"},
	{"a cut in a message", STREAM_LINE, "start|>begun|taken|busy|cut|owed", "forced"},
	{"a cut of a stream that was woken", STREAM_LINE, ">a\n|flag|wake|cut|start|owed",
		"forced"},
};

TEST_ROWS(a_drain_answers_what_had_arrived_and_a_cut_ends_at_once, SUITE_COUNT(drains))
{
	session_play(&drains[_i], NULL);
}

TEST(a_spinning_stream_that_is_woken_has_drained)
{
	struct stream_terms terms = session_terms(STREAM_LINE);

	terms.spin_ns = NS_PER_MS;
	session_open(&session, &terms);
	session_start(&session, session_echo);
	must_send_text(session.pair.far, "a\n");
	peer_expects(session.pair.far, "a\n");
	session_await_state(&session, STATUS_IDLE);
	atomic_store(&session.draining, true);
	ck_assert(session_wake(&session, STATUS_IDLE));
	peer_expects_last(session.pair.far, "", 0);
	session_ends_as(&session, "drained");
}

static void write_without_end(struct stream *s)
{
	static char text[65536];

	while (stream_write(s, text, sizeof text))
		continue;
}

static void write_and_wait(struct stream *s)
{
	static char text[1 << 20];
	struct stream_message none;

	if (stream_write(s, text, sizeof text))
		(void)session_read(s, &none);
}

/* Stuck in a send, or waiting while the kernel still holds a part that the peer has no room for. */
TEST_ROWS(a_reply_that_has_not_gone_is_owed_when_it_is_cut, 2)
{
	struct stream_terms terms = session_terms(STREAM_RAW);

	session_open(&session, &terms);
	session_start(&session, _i ? write_and_wait : write_without_end);
	if (_i) {
		session_await_state(&session, STATUS_NEW);
		ck_assert_int_gt(socket_unsent(session.pair.near), 1);
	} else {
		ck_assert(peer_hears_within(session.pair.far, 60 * NS_PER_S));
	}
	session_cut(&session);
	ck_assert(peer_is_reset(session.pair.far));
	session_ends_as(&session, "forced");
	ck_assert(session.stream.unanswered);
}

static void serve_nothing(struct stream *s)
{
	stream_write(s, "a\n", 2);
}

TEST(a_cut_ends_lingering_and_all_was_said)
{
	struct stream_terms terms = session_terms(STREAM_LINE);

	session_open(&session, &terms);
	session_start(&session, serve_nothing);
	session_await_state(&session, STATUS_LINGERING);
	session_cut(&session);
	ck_assert_int_eq(pthread_join(session.thread, NULL), 0);
	ck_assert(!session.stream.unanswered);
	peer_expects_last_text(session.pair.far, "a\n");
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
	struct stream_terms terms = session_terms(STREAM_RAW);
	char *got = malloc(LEN);

	session_open(&session, &terms);
	session_start(&session, write_and_wait);
	session_await_state(&session, STATUS_NEW);
	ck_assert_int_lt(socket_unread(session.pair.far), LEN);
	atomic_store(&session.draining, true);
	ck_assert(session_wake(&session, STATUS_NEW));
	session_await_state(&session, STATUS_LINGERING);
	must_send_text(session.pair.far, "the next");
	must_receive(session.pair.far, got, LEN);
	peer_expects_last(session.pair.far, "", 0);
	session_ends_as(&session, "drained");
	ck_assert_uint_eq(session.stream.bytes_dropped, 8);
	free(got);
}

/* Races. */

static atomic_int gun;
static unsigned delay;
static bool cuts;

/* The owner, in a thread of its own, at an arbitrary moment. */
static void *drain_or_cut(void *arg)
{
	atomic_fetch_add(&gun, 1);
	while (atomic_load(&gun) < 2)
		continue;
	for (volatile unsigned i = 0; i < delay; i++)
		continue;
	if (cuts) {
		session_cut(&session);
	} else {
		atomic_store(&session.draining, true);
		(void)session_wake(&session, STATUS_IDLE);
	}
	return arg;
}

/* The owner is about to drain or to cut a stream at work. */
static pthread_t must_race(int round)
{
	struct stream_terms terms = session_terms(STREAM_LINE);
	pthread_t owner;

	terms.idle_ns = 20 * NS_PER_S;
	delay = (unsigned)round * 211 % 60000;
	session_open(&session, &terms);
	session_start(&session, session_echo);
	atomic_store(&gun, 0);
	ck_assert_int_eq(pthread_create(&owner, NULL, drain_or_cut, NULL), 0);
	while (atomic_load(&gun) < 1)
		continue;
	return owner;
}

/*
 * The stream goes to wait as the owner raises the flag and looks for a waiting stream.  A lost
 * wake-up would end as idle.  Every request sent before the flag is answered.
 */
TEST(no_wake_up_is_lost_between_the_state_and_the_flag)
{
	for (int round = 0; round < mode_times(60, 6000); round++) {
		pthread_t owner = must_race(round);
		must_send_text(session.pair.far, "a\nb\n");
		atomic_fetch_add(&gun, 1);
		peer_expects_last_text(session.pair.far, "a\nb\n");
		ck_assert_int_eq(pthread_join(owner, NULL), 0);
		session_ends_as(&session, "drained");
	}
}

/*
 * A peer that never stops talking, cut at any moment: the state that the stream stores must not
 * hide the cut, and what it says of a last reply must be true.
 */
TEST(no_cut_is_lost_between_the_states)
{
	char got[2];

	cuts = true;
	for (int round = 0; round < mode_times(60, 6000); round++) {
		pthread_t owner = must_race(round);
		atomic_fetch_add(&gun, 1);
		bool asked;
		while ((asked = send(session.pair.far, "a\n", 2, MSG_NOSIGNAL) == 2) &&
			recv(session.pair.far, got, 2, MSG_WAITALL) == 2)
			continue;
		ck_assert_int_eq(pthread_join(owner, NULL), 0);
		session_ends_as(&session, "forced");
		struct stream_counts counts = stream_counts(&session.status);
		if (counts.bytes_in > counts.bytes_out)
			ck_assert(session.stream.unanswered);
		else if (!asked)
			ck_assert(!session.stream.unanswered);
		ck_assert_int_eq(atomic_load(&session.status.state), STATUS_FORCED);
	}
}
