/* SPDX-License-Identifier: ISC */
/* Proves stream, ends: what the peer is told and how it sees the connection go; lingering and its
 * bounds. */
#include "common/stream.h"

#include "common/deadline.h"
#include "peer.h"
#include "session.h"
#include "test/mode.h"
#include "test/suite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MORE (1 << 20)

static struct session session;
static char more[MORE];

static void serve_nothing(struct stream *s)
{
	(void)s;
}

static void close_far(struct session *s)
{
	close(s->pair.far);
	s->pair.far = -1;
}

TEST(every_end_has_a_name_of_its_own)
{
	for (int a = 0; a < STREAM_ENDS; a++) {
		ck_assert_ptr_nonnull(stream_end_name((enum stream_end)a));
		ck_assert_uint_gt(strlen(stream_end_name((enum stream_end)a)), 0);
		for (int b = 0; b < a; b++)
			ck_assert_str_ne(stream_end_name((enum stream_end)a),
				stream_end_name((enum stream_end)b));
	}
}

/* A client that sends, shuts its writing side, and then reads. */
TEST(a_half_closed_client_gets_every_reply_and_then_fin)
{
	enum {
		LINES = 5000
	};

	session_open_plain(&session, STREAM_LINE);
	session_start(&session, echo_lines);
	for (int i = 0; i < LINES; i++)
		must_send_text(session.pair.far, "12345678\n");
	must_send_text(session.pair.far, "last");
	must_half_close(session.pair.far);
	for (int i = 0; i < LINES; i++)
		peer_expects(session.pair.far, "12345678\n");
	peer_expects_last_text(session.pair.far, "last");
	session_join(&session);
	ck_assert_str_eq(stream_end_name(session.stream.end), "eof");
	ck_assert_uint_eq(session.status.messages_in, LINES + 1);
	ck_assert_uint_eq(session.status.messages_out, LINES + 1);
	ck_assert_uint_eq(session.status.bytes_in, LINES * 9 + 4);
	ck_assert_uint_eq(session.status.bytes_out, LINES * 9 + 4);
	ck_assert_uint_eq(session.stream.bytes_dropped, 0);
	ck_assert_int_eq(session.stream.error, 0);
	session_close(&session);
}

/* Too long, in each framing, by a client that has much more on its way. */
static const struct {
	enum stream_framing framing;
	const char *input;
	size_t len;
	const char *reply;
	size_t reply_len;
} refusals[] = {
	{STREAM_LINE, "123456789", 9, "error: line longer than 8 bytes\n", 32},
	{STREAM_LINE, "ok\n123456789\nmore\n", 18, "ok\nerror: line longer than 8 bytes\n", 35},
	{STREAM_FRAME, "\0\0\0\x09", 4,
		"\0\0\0\x20"
		"error: frame longer than 8 bytes",
		36},
	{STREAM_FRAME, "\0\0\0\2ok\xff\xff\xff\xff", 10,
		"\0\0\0\2ok\0\0\0\x20"
		"error: frame longer than 8 bytes",
		42},
};

TEST_ROWS(an_error_reply_arrives_though_the_peer_sends_on, SUITE_COUNT(refusals))
{
	struct stream_terms terms = session_terms(refusals[_i].framing);

	terms.max_line = terms.max_frame = 8;
	session_open(&session, &terms);
	must_send(session.pair.far, refusals[_i].input, refusals[_i].len);
	session_start(&session, refusals[_i].framing == STREAM_LINE ? echo_lines : echo_frames);
	session_await_state(&session, STATUS_LINGERING);
	must_send(session.pair.far, more, MORE);
	must_half_close(session.pair.far);
	peer_expects_last(session.pair.far, refusals[_i].reply, refusals[_i].reply_len);
	session_join(&session);
	ck_assert_str_eq(stream_end_name(session.stream.end), "too_long");
	/* Read by the service or dropped by the lingering, but nothing left behind. */
	ck_assert_uint_eq(
		session.status.bytes_in + session.stream.bytes_dropped, refusals[_i].len + MORE);
	session_close(&session);
}

static void serve_one(struct stream *s)
{
	struct stream_message line;

	if (stream_read_line(s, &line))
		stream_write(s, "bye\n", 4);
}

TEST(a_service_that_returns_lingers_and_drops_what_still_comes)
{
	session_open_plain(&session, STREAM_LINE);
	session_start(&session, serve_one);
	must_send_text(session.pair.far, "hello\n");
	peer_expects_last_text(session.pair.far, "bye\n");
	must_send(session.pair.far, more, MORE);
	must_half_close(session.pair.far);
	session_join(&session);
	ck_assert_str_eq(stream_end_name(session.stream.end), "served");
	ck_assert_uint_eq(session.status.bytes_in, 6);
	ck_assert_uint_eq(session.stream.bytes_dropped, MORE);
	ck_assert(!peer_is_reset_within(session.pair.far, 0));
	session_close(&session);
}

TEST(lingering_ends_with_the_peer_s_fin)
{
	session_open_plain(&session, STREAM_LINE);
	must_half_close(session.pair.far);
	int64_t start = deadline_now();
	session_finish(&session);
	ck_assert_int_lt(deadline_now() - start, session.terms.linger_time_ns / 2);
	ck_assert_int_eq(atomic_load(&session.status.state), STATUS_LINGERING);
	peer_expects_last(session.pair.far, "", 0);
	session_close(&session);
}

TEST(lingering_ends_quietly_when_the_peer_resets)
{
	session_open_plain(&session, STREAM_LINE);
	session_start(&session, serve_one);
	must_send_text(session.pair.far, "hello\n");
	peer_expects_last_text(session.pair.far, "bye\n");
	socket_reset_on_close(session.pair.far);
	close_far(&session);
	session_join(&session);
	ck_assert_str_eq(stream_end_name(session.stream.end), "served");
	ck_assert_int_eq(session.stream.error, 0);
}

TEST_TIMED(lingering_is_bounded_in_time)
{
	struct stream_terms terms = session_terms(STREAM_LINE);

	terms.linger_time_ns = 80 * NS_PER_MS;
	session_open(&session, &terms);
	int64_t start = deadline_now();
	session_finish(&session);
	mode_check_window(start, terms.linger_time_ns);
	peer_expects_last(session.pair.far, "", 0);
	session_close(&session);
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
	session_join(&session);
	ck_assert_uint_gt(session.stream.bytes_dropped, 0);
	session_close(&session);
}

TEST(lingering_is_bounded_in_bytes)
{
	struct stream_terms terms = session_terms(STREAM_LINE);

	terms.linger_bytes = 100000;
	session_open(&session, &terms);
	int64_t start = deadline_now();
	session_start(&session, serve_nothing);
	while (send(session.pair.far, more, MORE, MSG_NOSIGNAL) > 0)
		continue;
	ck_assert(errno == ECONNRESET || errno == EPIPE);
	session_join(&session);
	ck_assert_int_lt(deadline_now() - start, terms.linger_time_ns / 2);
	ck_assert_uint_ge(session.stream.bytes_dropped, 100000);
	ck_assert_uint_lt(session.stream.bytes_dropped, 100000 + STREAM_INLINE_BYTES);
	session_close(&session);
}

TEST(the_peer_s_fin_read_needs_no_lingering)
{
	session_open_plain(&session, STREAM_LINE);
	must_half_close(session.pair.far);
	echo_lines(&session.stream);
	ck_assert_str_eq(stream_end_name(session.stream.end), "eof");
	session_finish(&session);
	ck_assert_int_ne(atomic_load(&session.status.state), STATUS_LINGERING);
	peer_expects_last(session.pair.far, "", 0);
	session_close(&session);
}

/* Refusals. */

static void refuse_second(struct stream *s)
{
	struct stream_message line;

	for (int i = 0; stream_read_line(s, &line); i++) {
		if (i == 1) {
			if (stream_refuse(s, "no such %s as %d", "thing", 7))
				abort();
			stream_refuse(s, "not this one");
			continue;
		}
		stream_write(s, line.data, line.len + line.end);
	}
}

TEST(a_refusal_is_the_last_reply_and_the_first_one_stands)
{
	session_open_plain(&session, STREAM_LINE);
	session_start(&session, refuse_second);
	must_send_text(session.pair.far, "one\ntwo\nthree\n");
	must_half_close(session.pair.far);
	peer_expects_last_text(session.pair.far, "one\nerror: no such thing as 7\n");
	session_join(&session);
	ck_assert_str_eq(stream_end_name(session.stream.end), "refused");
	ck_assert_uint_eq(session.status.messages_in, 2);
	session_close(&session);
}

TEST(a_refusal_to_a_frame_client_is_a_frame)
{
	session_open_plain(&session, STREAM_FRAME);
	ck_assert(!stream_refuse(&session.stream, "no"));
	ck_assert(!stream_write_frame(&session.stream, "x", 1));
	must_half_close(session.pair.far);
	session_finish(&session);
	peer_expects_last(session.pair.far,
		"\0\0\0\x09"
		"error: no",
		13);
	session_close(&session);
}

TEST_ROWS(a_refusal_of_120_bytes_is_whole_and_a_longer_one_is_cut, 2)
{
	char text[400];
	char got[500];
	size_t len = _i ? sizeof text - 1 : 120;

	memset(text, 'x', sizeof text);
	text[len] = '\0';
	session_open_plain(&session, STREAM_LINE);
	stream_refuse(&session.stream, "%s", text);
	must_half_close(session.pair.far);
	session_finish(&session);
	ssize_t n = recv(session.pair.far, got, sizeof got, MSG_WAITALL);
	ck_assert_int_ge(n, 7 + 120 + 1);
	if (!_i)
		ck_assert_int_eq(n, 7 + 120 + 1);
	ck_assert_int_le(n, 7 + 128 + 1);
	ck_assert_mem_eq(got, "error: ", 7);
	ck_assert_mem_eq(got + 7, text, (size_t)n - 8);
	ck_assert_int_eq(got[n - 1], '\n');
	session_close(&session);
}

TEST(an_end_that_has_come_is_not_changed_by_a_refusal)
{
	struct stream_message line;

	session_open_plain(&session, STREAM_LINE);
	must_half_close(session.pair.far);
	ck_assert(!stream_read_line(&session.stream, &line));
	ck_assert(!stream_refuse(&session.stream, "late"));
	session_finish(&session);
	ck_assert_str_eq(stream_end_name(session.stream.end), "eof");
	peer_expects_last(session.pair.far, "", 0);
	session_close(&session);
}

/* The connection itself fails. */

TEST(a_peer_that_resets_ends_a_read)
{
	struct stream_message line;

	session_open_plain(&session, STREAM_LINE);
	socket_reset_on_close(session.pair.far);
	close_far(&session);
	ck_assert(!stream_read_line(&session.stream, &line));
	ck_assert_str_eq(stream_end_name(session.stream.end), "reset");
	ck_assert_int_eq(session.stream.error, ECONNRESET);
	session_finish(&session);
}

TEST(a_peer_that_resets_ends_a_write)
{
	session_open_plain(&session, STREAM_LINE);
	socket_reset_on_close(session.pair.far);
	close_far(&session);
	ck_assert(stream_write(&session.stream, "x", 1));
	ck_assert(!stream_flush(&session.stream));
	ck_assert(!stream_write(&session.stream, "x", 1));
	ck_assert_str_eq(stream_end_name(session.stream.end), "reset");
	ck_assert_int_ne(session.stream.error, 0);
	ck_assert_uint_eq(session.status.bytes_out, 0);
	session_finish(&session);
}

TEST(last_words_to_a_peer_that_reset_are_a_reset)
{
	session_open_plain(&session, STREAM_LINE);
	ck_assert(stream_write(&session.stream, "x", 1));
	socket_reset_on_close(session.pair.far);
	close_far(&session);
	session_finish(&session);
	ck_assert_str_eq(stream_end_name(session.stream.end), "reset");
	ck_assert_uint_eq(session.status.bytes_out, 0);
}

TEST(a_socket_that_is_not_connected_is_a_failure_by_its_errno)
{
	const struct stream_terms terms = session_terms(STREAM_LINE);
	struct stream_message line;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	stream_status_init(&session.status, &session.draining, NULL);
	stream_init(&session.stream, fd, &terms, &session.status);
	ck_assert(!stream_read_line(&session.stream, &line));
	ck_assert_str_eq(stream_end_name(session.stream.end), "failed");
	ck_assert_int_eq(session.stream.error, ENOTCONN);
	stream_finish(&session.stream);
	close(fd);
}

/* The manner of each end, as the peer sees it. */
static const struct {
	enum stream_end end;
	bool reset;
	bool lingers;
} manners[] = {
	{STREAM_OPEN, false, true},
	{STREAM_EOF, false, false},
	{STREAM_SERVED, false, true},
	{STREAM_REFUSED, false, true},
	{STREAM_TOO_LONG, false, true},
	{STREAM_MESSAGE_TIMEOUT, false, true},
	{STREAM_IDLE, false, true},
	{STREAM_LIFETIME, false, true},
	{STREAM_DRAINED, false, true},
	{STREAM_REPLY_TIMEOUT, true, false},
	{STREAM_FORCED, true, false},
	{STREAM_TRUNCATED, false, false},
	{STREAM_RESET, true, false},
	{STREAM_UNREACHABLE, true, false},
	{STREAM_NO_MEMORY, false, true},
	{STREAM_FAILED, true, false},
};

TEST_TIMED_ROWS(each_end_goes_in_its_manner, SUITE_COUNT(manners))
{
	struct stream_terms terms = session_terms(STREAM_LINE);

	terms.linger_time_ns = 60 * NS_PER_MS;
	session_open(&session, &terms);
	ck_assert(stream_write(&session.stream, "reply\n", 6));
	session.stream.end = manners[_i].end;
	int64_t start = deadline_now();
	session_finish(&session);
	/* Drained, it leaves as soon as the peer has our FIN. */
	if (manners[_i].lingers && manners[_i].end != STREAM_DRAINED)
		mode_check_window(start, terms.linger_time_ns);
	ck_assert_int_eq(
		atomic_load(&session.status.state) == STATUS_LINGERING, manners[_i].lingers);
	if (manners[_i].reset)
		ck_assert(peer_is_reset(session.pair.far));
	else
		peer_expects(session.pair.far, "reply\n");
	session_close(&session);
}
