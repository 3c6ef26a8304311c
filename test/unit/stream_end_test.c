/* SPDX-License-Identifier: ISC */
/*
 * Proves stream, ends: what the peer is told and how it sees the connection go; lingering and its
 * bounds.
 */
#include "common/stream.h"

#include "common/deadline.h"
#include "peer.h"
#include "session.h"
#include "test/mode.h"
#include "test/suite.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define MORE (1 << 20)

static struct session session;
static char more[MORE];

static void open_plain(enum stream_framing framing)
{
	struct stream_terms terms = session_terms(framing);

	session_open(&session, &terms);
}

/* The manner of each end, as the peer sees it. */
static const struct {
	enum stream_end end;
	const char *last; /* NULL: RST */
	bool lingers;
} manners[] = {
	{STREAM_OPEN, "reply\n", true},
	{STREAM_EOF, "reply\n", false},
	{STREAM_SERVED, "reply\n", true},
	{STREAM_REFUSED, "reply\nerror: why\n", true},
	{STREAM_TOO_LONG, "reply\nerror: why\n", true},
	{STREAM_MESSAGE_TIMEOUT, "reply\nerror: why\n", true},
	{STREAM_IDLE, "reply\n", true},
	{STREAM_LIFETIME, "reply\n", true},
	{STREAM_DRAINED, "reply\n", true},
	{STREAM_REPLY_TIMEOUT, NULL, false},
	{STREAM_FORCED, NULL, false},
	{STREAM_TRUNCATED, "reply\n", false},
	{STREAM_RESET, NULL, false},
	{STREAM_UNREACHABLE, NULL, false},
	{STREAM_NO_MEMORY, "reply\nerror: why\n", true},
	{STREAM_FAILED, NULL, false},
};

TEST_TIMED_ROWS(each_end_goes_in_its_manner, SUITE_COUNT(manners))
{
	struct stream_terms terms = session_terms(STREAM_LINE);

	terms.linger_time_ns = 60 * NS_PER_MS;
	session_open(&session, &terms);
	ck_assert(stream_write(&session.stream, "reply\n", 6));
	session.stream.end = manners[_i].end;
	strcpy(session.stream.complaint, "why");
	int64_t start = deadline_now();
	session_finish(&session);
	/* Drained, it leaves as soon as the peer has our FIN. */
	if (manners[_i].end == STREAM_DRAINED)
		mode_check_most(deadline_now() - start, terms.linger_time_ns / 2);
	else if (manners[_i].lingers)
		mode_check_window(start, terms.linger_time_ns);
	ck_assert_int_eq(
		atomic_load(&session.status.state) == STATUS_LINGERING, manners[_i].lingers);
	if (manners[_i].last)
		peer_expects_last_text(session.pair.far, manners[_i].last);
	else
		ck_assert(peer_is_reset(session.pair.far));
	session_close(&session);
}

TEST(every_end_has_a_name_of_its_own)
{
	for (int a = 0; a < STREAM_ENDS; a++) {
		ck_assert_uint_gt(strlen(stream_end_name((enum stream_end)a)), 0);
		for (int b = 0; b < a; b++)
			ck_assert_str_ne(stream_end_name((enum stream_end)a),
				stream_end_name((enum stream_end)b));
	}
}

/* Refusals. */

static void refuse_second(struct stream *s)
{
	struct stream_message m;

	for (int i = 0; session_read(s, &m); i++) {
		if (i == 0)
			session_answer(s, &m);
		else
			ck_assert(!stream_refuse(s, "no such %s as %d", "thing", 7));
	}
	ck_assert(!stream_refuse(s, "not this one"));
}

static const struct session_scene refusals[] = {
	{"to a line", STREAM_LINE, ">one\ntwo\nthree\n|<one\nerror: no such thing as 7\n|$",
		"refused"},
	{"to a frame", STREAM_FRAME, ">~~~\1a~~~~|<~~~\1a~~~\031error: no such thing as 7|$",
		"refused"},
	{"to bytes", STREAM_RAW, ">a|<a|>b|$", "refused"},
};

TEST_ROWS(a_refusal_is_the_last_reply_and_the_first_one_stands, SUITE_COUNT(refusals))
{
	session_play(&refusals[_i], refuse_second);
}

/* Lingering. */

static void serve_nothing(struct stream *s)
{
	(void)s;
}

TEST(lingering_drops_what_still_comes_until_the_peer_ends)
{
	open_plain(STREAM_LINE);
	session_start(&session, serve_nothing);
	session_await_state(&session, STATUS_LINGERING);
	must_send(session.pair.far, more, MORE);
	must_half_close(session.pair.far);
	peer_expects_last(session.pair.far, "", 0);
	ck_assert(!peer_is_reset_within(session.pair.far, 0));
	session_ends_as(&session, "served");
	ck_assert_uint_eq(session.stream.bytes_dropped, MORE);
	ck_assert_uint_eq(stream_counts(&session.status).bytes_in, 0);
}

TEST(lingering_ends_quietly_when_the_peer_resets)
{
	open_plain(STREAM_LINE);
	session_start(&session, serve_nothing);
	session_await_state(&session, STATUS_LINGERING);
	peer_resets(&session.pair.far);
	session_ends_as(&session, "served");
	ck_assert_int_eq(session.stream.error, 0);
}

TEST_TIMED(a_peer_that_drips_does_not_prolong_lingering)
{
	struct stream_terms terms = session_terms(STREAM_LINE);

	terms.linger_time_ns = 80 * NS_PER_MS;
	session_open(&session, &terms);
	int64_t start = deadline_now();
	must_send_text(session.pair.far, "x");
	session_start(&session, serve_nothing);
	/* A byte sent to what was closed brings the reset. */
	while (!peer_is_reset_within(session.pair.far, 4 * NS_PER_MS))
		(void)send(session.pair.far, "x", 1, MSG_NOSIGNAL);
	mode_check_window(start, terms.linger_time_ns);
	session_ends_as(&session, "served");
	ck_assert_uint_gt(session.stream.bytes_dropped, 0);
}

TEST(lingering_is_bounded_in_bytes)
{
	struct stream_terms terms = session_terms(STREAM_LINE);

	terms.linger_bytes = 100000;
	session_open(&session, &terms);
	session_start(&session, serve_nothing);
	while (send(session.pair.far, more, MORE, MSG_NOSIGNAL) > 0)
		continue;
	ck_assert(errno == ECONNRESET || errno == EPIPE);
	session_ends_as(&session, "served");
	ck_assert_uint_ge(session.stream.bytes_dropped, 100000);
	ck_assert_uint_lt(session.stream.bytes_dropped, 100000 + STREAM_INLINE_BYTES);
}

/*
 * Drained, it leaves a silent peer that has everything; not one that takes nothing, and one that
 * went on sending only when it has been silent for a while.
 */
TEST_TIMED_ROWS(a_drained_stream_leaves_a_silent_peer_that_has_everything, 3)
{
	struct stream_terms terms = session_terms(STREAM_LINE);

	terms.linger_time_ns = _i == 1 ? 60 * NS_PER_MS : 60 * NS_PER_S;
	session_open(&session, &terms);
	session.stream.end = STREAM_DRAINED;
	if (_i == 1)
		must_fill(session.pair.near);
	else if (_i == 2)
		must_send_text(session.pair.far, "x");
	int64_t start = deadline_now();
	session_finish(&session);
	if (_i == 0)
		mode_check_most(deadline_now() - start, 90 * NS_PER_MS);
	else
		mode_check_window(start, _i == 1 ? terms.linger_time_ns : 100 * NS_PER_MS);
	ck_assert_uint_eq(session.stream.bytes_dropped, _i == 2);
	session_close(&session);
}

/* The connection itself fails. */

TEST_ROWS(a_peer_that_resets_ends_a_read_a_write_and_the_last_words, 3)
{
	struct stream_message none;

	open_plain(STREAM_LINE);
	if (_i > 0)
		ck_assert(stream_write(&session.stream, "x", 1));
	peer_resets(&session.pair.far);
	if (_i == 0)
		ck_assert(!stream_read_line(&session.stream, &none));
	else if (_i == 1)
		ck_assert(!stream_flush(&session.stream));
	session_ends_as(&session, "reset");
	ck_assert(session.stream.error == ECONNRESET || session.stream.error == EPIPE);
	ck_assert_int_eq(session.stream.unanswered, _i > 0);
	ck_assert_uint_eq(stream_counts(&session.status).bytes_out, 0);
}

TEST(a_socket_that_is_not_connected_is_a_failure_by_its_errno)
{
	struct stream_message none;

	open_plain(STREAM_LINE);
	close(session.pair.near);
	session.pair.near = socket(AF_INET, SOCK_STREAM, 0);
	stream_init(&session.stream, session.pair.near, &session.terms, &session.status);
	ck_assert(!stream_read_line(&session.stream, &none));
	ck_assert_int_eq(session.stream.error, ENOTCONN);
	session_ends_as(&session, "failed");
}
