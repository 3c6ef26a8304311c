/* SPDX-License-Identifier: ISC */
/* Proves stream, lines: what is a line, however it arrives, and where the bound lies. */
#include "common/stream.h"

#include "peer.h"
#include "session.h"
#include "test/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct session session;

/* The next line is this one, with its end or without. */
static void must_read(struct session *s, const char *text, size_t len, size_t end)
{
	struct stream_message line = {.len = 4711};

	ck_assert(stream_read_line(&s->stream, &line));
	ck_assert_uint_eq(line.len, len);
	ck_assert_uint_eq(line.end, end);
	ck_assert_mem_eq(line.data, text, len);
	if (end)
		ck_assert_int_eq(line.data[len], '\n');
}

static void must_end(struct session *s, enum stream_end end)
{
	struct stream_message line;

	ck_assert(!stream_read_line(&s->stream, &line));
	ck_assert_str_eq(stream_end_name(s->stream.end), stream_end_name(end));
	/* And it goes on being over. */
	ck_assert(!stream_read_line(&s->stream, &line));
	ck_assert(!stream_write(&s->stream, "x", 1));
	ck_assert(!stream_flush(&s->stream));
	ck_assert_str_eq(stream_end_name(s->stream.end), stream_end_name(end));
}

#define BYTES(text) text, sizeof(text) - 1

/* Input, and the lines in it: each is said by its length; the last may lack its end. */
static const struct {
	const char *input;
	size_t len;
	size_t lines[6];
	size_t count;
	bool last_ends;
} inputs[] = {
	{BYTES(""), {0}, 0, true},
	{BYTES("\n"), {0}, 1, true},
	{BYTES("abc\n"), {3}, 1, true},
	{BYTES("abc"), {3}, 1, false},
	{BYTES("a\nbc\n"), {1, 2}, 2, true},
	{BYTES("a\nbc"), {1, 2}, 2, false},
	{BYTES("\n\n\n"), {0, 0, 0}, 3, true},
	{BYTES("\nx\n\ny"), {0, 1, 0, 1}, 4, false},
	{BYTES("crlf\r\n"), {5}, 1, true},
	{BYTES("\r\r\n\r"), {2, 1}, 2, false},
	{BYTES("a\0b\n"), {3}, 1, true},
	{BYTES("\0\n\0\0\n"), {1, 2}, 2, true},
	{BYTES("\0"), {1}, 1, false},
	{BYTES("\xff\xfe\x80\n\xc3\n"), {3, 1}, 2, true},
};

TEST_ROWS(lines_are_what_stands_between_their_ends, SUITE_COUNT(inputs))
{
	const char *at = inputs[_i].input;

	session_open_plain(&session, STREAM_LINE);
	must_send(session.pair.far, inputs[_i].input, inputs[_i].len);
	must_half_close(session.pair.far);
	for (size_t i = 0; i < inputs[_i].count; i++) {
		bool ends = i + 1 < inputs[_i].count || inputs[_i].last_ends;
		must_read(&session, at, inputs[_i].lines[i], ends);
		at += inputs[_i].lines[i] + ends;
	}
	must_end(&session, STREAM_EOF);
	ck_assert_uint_eq(session.status.messages_in, inputs[_i].count);
	ck_assert_uint_eq(session.status.bytes_in, inputs[_i].len);
	ck_assert_uint_eq(session.status.bytes_out, 0);
	session_finish(&session);
	session_close(&session);
}

/* The same, each byte in a segment that is read before the next one is sent. */
TEST_ROWS(lines_that_come_a_byte_at_a_time_are_the_same, SUITE_COUNT(inputs))
{
	session_open_plain(&session, STREAM_LINE);
	session_start(&session, echo_lines);
	for (size_t i = 0; i < inputs[_i].len; i++) {
		must_send(session.pair.far, inputs[_i].input + i, 1);
		session_await_taken(&session);
	}
	must_half_close(session.pair.far);
	peer_expects_last(session.pair.far, inputs[_i].input, inputs[_i].len);
	session_join(&session);
	ck_assert_str_eq(stream_end_name(session.stream.end), "eof");
	ck_assert_uint_eq(session.status.messages_in, inputs[_i].count);
	ck_assert_uint_eq(session.status.messages_out, inputs[_i].count);
	ck_assert_uint_eq(session.status.bytes_in, inputs[_i].len);
	ck_assert_uint_eq(session.status.bytes_out, inputs[_i].len);
	session_close(&session);
}

/* On every side of the inline buffer, of a page, and of the bulk buffer. */
static const int64_t bounds[] = {
	1,
	2,
	100,
	2046,
	2047,
	2048,
	2049,
	4095,
	4096,
	4097,
	65534,
	65535,
	65536,
	65537,
	200000,
};

static char *must_pattern(size_t len)
{
	char *data = malloc(len + 2);

	ck_assert_ptr_nonnull(data);
	fill_pattern(data, len);
	data[len] = '\n';
	data[len + 1] = '\0';
	return data;
}

static void open_bounded(int64_t max_line)
{
	struct stream_terms terms = session_terms(STREAM_LINE);

	terms.max_line = max_line;
	session_open(&session, &terms);
}

TEST_ROWS(a_line_at_the_bound_passes_again_and_again, SUITE_COUNT(bounds))
{
	size_t len = (size_t)bounds[_i];
	char *text = must_pattern(len);
	char *got = malloc(len + 1);

	open_bounded(bounds[_i]);
	session_start(&session, echo_lines);
	for (int i = 0; i < 3; i++) {
		must_send(session.pair.far, text, len + 1);
		must_receive(session.pair.far, got, len + 1);
		ck_assert_mem_eq(got, text, len + 1);
	}
	must_half_close(session.pair.far);
	peer_expects_last(session.pair.far, "", 0);
	session_join(&session);
	ck_assert_str_eq(stream_end_name(session.stream.end), "eof");
	ck_assert_uint_eq(session.status.messages_out, 3);
	session_close(&session);
	free(got);
	free(text);
}

TEST_ROWS(a_last_line_at_the_bound_needs_no_end, SUITE_COUNT(bounds))
{
	size_t len = (size_t)bounds[_i];
	char *text = must_pattern(len);

	open_bounded(bounds[_i]);
	session_start(&session, echo_lines);
	must_send(session.pair.far, text, len);
	must_half_close(session.pair.far);
	peer_expects_last(session.pair.far, text, len);
	session_join(&session);
	ck_assert_str_eq(stream_end_name(session.stream.end), "eof");
	session_close(&session);
	free(text);
}

/* As a whole line, as one without an end, and with more behind it. */
static void is_too_long(size_t bound, const void *extra, size_t extra_len)
{
	char *text = must_pattern(bound + 1);
	char expected[100];

	open_bounded((int64_t)bound);
	session_start(&session, echo_lines);
	must_send(session.pair.far, text, bound + 1);
	must_send(session.pair.far, extra, extra_len);
	must_half_close(session.pair.far);
	snprintf(expected, sizeof expected, "error: line longer than %zu bytes\n", bound);
	peer_expects_last_text(session.pair.far, expected);
	session_join(&session);
	ck_assert_str_eq(stream_end_name(session.stream.end), "too_long");
	ck_assert_uint_eq(session.status.messages_in, 0);
	session_close(&session);
	free(text);
}

TEST_ROWS(a_line_one_byte_above_the_bound_is_refused, SUITE_COUNT(bounds))
{
	is_too_long((size_t)bounds[_i], "\n", 1);
}

TEST_ROWS(a_line_one_byte_above_the_bound_is_refused_without_its_end, SUITE_COUNT(bounds))
{
	is_too_long((size_t)bounds[_i], "", 0);
}

TEST(a_line_above_the_bound_is_refused_before_its_end_comes)
{
	open_bounded(4);
	must_send_text(session.pair.far, "12345");
	must_end(&session, STREAM_TOO_LONG);
	session_close(&session);
}

TEST(what_came_before_a_line_too_long_is_answered_first)
{
	open_bounded(4);
	must_send_text(session.pair.far, "a\n1234\n12345\nb\n");
	must_half_close(session.pair.far);
	session_start(&session, echo_lines);
	peer_expects_last_text(session.pair.far, "a\n1234\nerror: line longer than 4 bytes\n");
	session_join(&session);
	ck_assert_uint_eq(session.status.messages_in, 2);
	ck_assert_uint_eq(session.status.messages_out, 2);
	session_close(&session);
}

/* Lines of all lengths, in segments that never match them, across all sizes of the buffer. */
TEST(many_lines_in_any_segments_come_back_the_same)
{
	enum {
		SIZE = 1 << 20
	};
	char *out = malloc(SIZE);
	char *in = malloc(SIZE);
	uint64_t lines = 0;

	fill_pattern(out, SIZE);
	for (size_t at = 0, len = 0; at < SIZE; at += len + 1) {
		out[at] = '\n';
		len = len > 4000 ? 0 : len * 5 / 4 + 1;
	}
	out[SIZE - 1] = '\n';
	for (size_t i = 0; i < SIZE; i++)
		lines += out[i] == '\n';

	open_bounded(5001);
	session_start(&session, echo_lines);
	must_exchange(session.pair.far, out, in, SIZE);
	must_half_close(session.pair.far);
	peer_expects_last(session.pair.far, "", 0);
	session_join(&session);
	ck_assert(memcmp(out, in, SIZE) == 0);
	ck_assert_uint_eq(session.status.messages_in, lines);
	ck_assert_uint_eq(session.status.messages_out, lines);
	ck_assert_uint_eq(session.status.bytes_in, SIZE);
	ck_assert_uint_eq(session.status.bytes_out, SIZE);
	session_close(&session);
	free(out);
	free(in);
}
