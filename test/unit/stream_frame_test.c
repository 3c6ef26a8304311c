/* SPDX-License-Identifier: ISC */
/* Proves stream, frames: what is a frame, where the bound lies, and that nothing is allocated for
 * one above it. */
#include "common/stream.h"

#include "peer.h"
#include "session.h"
#include "test/suite.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

static struct session session;

static void must_read(struct session *s, const void *body, size_t len)
{
	struct stream_message frame = {.len = 4711, .end = 4711};

	ck_assert(stream_read_frame(&s->stream, &frame));
	ck_assert_uint_eq(frame.len, len);
	ck_assert_uint_eq(frame.end, 0);
	ck_assert_mem_eq(frame.data, body, len);
}

static void must_end(struct session *s, enum stream_end end)
{
	struct stream_message frame;

	ck_assert(!stream_read_frame(&s->stream, &frame));
	ck_assert_str_eq(stream_end_name(s->stream.end), stream_end_name(end));
	ck_assert(!stream_read_frame(&s->stream, &frame));
	ck_assert(!stream_write_frame(&s->stream, "x", 1));
	ck_assert_str_eq(stream_end_name(s->stream.end), stream_end_name(end));
}

static void open_bounded(int64_t max_frame)
{
	struct stream_terms terms = session_terms(STREAM_FRAME);

	terms.max_frame = max_frame;
	session_open(&session, &terms);
}

static char *must_pattern(size_t len)
{
	char *data = malloc(len + 1);

	ck_assert_ptr_nonnull(data);
	fill_pattern(data, len);
	return data;
}

TEST(frames_are_read_as_they_were_sent)
{
	session_open_plain(&session, STREAM_FRAME);
	must_send_frame(session.pair.far, "abc", 3);
	must_send_frame(session.pair.far, "", 0);
	must_send_frame(session.pair.far, "\0\n\r\xff", 4);
	must_send_frame(session.pair.far, "", 0);
	must_half_close(session.pair.far);
	must_read(&session, "abc", 3);
	must_read(&session, "", 0);
	must_read(&session, "\0\n\r\xff", 4);
	must_read(&session, "", 0);
	must_end(&session, STREAM_EOF);
	ck_assert_uint_eq(session.status.messages_in, 4);
	ck_assert_uint_eq(session.status.bytes_in, 4 * 4 + 7);
	session_finish(&session);
	session_close(&session);
}

TEST(a_stream_that_ends_before_its_first_byte_is_an_end_and_not_cut_off)
{
	session_open_plain(&session, STREAM_FRAME);
	must_half_close(session.pair.far);
	must_end(&session, STREAM_EOF);
	session_close(&session);
}

TEST(frames_that_come_a_byte_at_a_time_are_the_same)
{
	static const char wire[] = "\0\0\0\3abc\0\0\0\0\0\0\0\2\0\n";
	const size_t len = sizeof wire - 1;

	session_open_plain(&session, STREAM_FRAME);
	session_start(&session, echo_frames);
	for (size_t i = 0; i < len; i++) {
		must_send(session.pair.far, wire + i, 1);
		session_await_taken(&session);
	}
	must_half_close(session.pair.far);
	peer_expects_last(session.pair.far, wire, len);
	session_join(&session);
	ck_assert_str_eq(stream_end_name(session.stream.end), "eof");
	ck_assert_uint_eq(session.status.messages_in, 3);
	ck_assert_uint_eq(session.status.messages_out, 3);
	ck_assert_uint_eq(session.status.bytes_out, len);
	session_close(&session);
}

/* On every side of the buffers' sizes, with the length and without. */
static const int64_t bounds[] = {
	0,
	1,
	2043,
	2044,
	2045,
	2048,
	4092,
	4096,
	16379,
	16380,
	16384,
	65531,
	65532,
	65533,
	65536,
	1 << 20,
};

TEST_ROWS(a_frame_at_the_bound_passes_again_and_again, SUITE_COUNT(bounds))
{
	size_t len = (size_t)bounds[_i];
	char *body = must_pattern(len);
	char *got = must_pattern(len);
	uint32_t wire;

	open_bounded(bounds[_i]);
	session_start(&session, echo_frames);
	for (int i = 0; i < 3; i++) {
		must_send_frame(session.pair.far, body, len);
		must_receive(session.pair.far, &wire, sizeof wire);
		ck_assert_uint_eq(ntohl(wire), len);
		memset(got, 0, len);
		must_receive(session.pair.far, got, len);
		ck_assert(memcmp(got, body, len) == 0);
	}
	must_half_close(session.pair.far);
	peer_expects_last(session.pair.far, "", 0);
	session_join(&session);
	ck_assert_str_eq(stream_end_name(session.stream.end), "eof");
	ck_assert_uint_eq(session.status.messages_out, 3);
	ck_assert_uint_eq(session.status.bytes_in, 3 * (len + 4));
	ck_assert_uint_eq(session.status.bytes_out, 3 * (len + 4));
	session_close(&session);
	free(got);
	free(body);
}

/* Only the length has come, and no memory is spent on what it claims. */
TEST_ROWS(a_frame_above_the_bound_is_refused_by_its_length_alone, SUITE_COUNT(bounds))
{
	const uint32_t lengths[] = {(uint32_t)bounds[_i] + 1, (uint32_t)bounds[_i] * 2 + 7,
		0x7fffffff, 0x80000000, 0xffffffff};

	for (size_t i = 0; i < SUITE_COUNT(lengths); i++) {
		uint32_t wire = htonl(lengths[i]);
		open_bounded(bounds[_i]);
		must_send(session.pair.far, &wire, sizeof wire);
		must_end(&session, STREAM_TOO_LONG);
		ck_assert_ptr_eq(session.stream.in.data, session.stream.in_inline);
		ck_assert_uint_eq(session.status.messages_in, 0);
		session_close(&session);
	}
}

TEST(a_frame_too_long_is_answered_by_a_frame_that_says_so)
{
	static const char reply[] = "\0\0\0\x24"
				    "error: frame longer than 65536 bytes";
	uint32_t wire = htonl(65537);

	open_bounded(65536);
	session_start(&session, echo_frames);
	must_send(session.pair.far, &wire, sizeof wire);
	must_half_close(session.pair.far);
	peer_expects_last(session.pair.far, reply, sizeof reply - 1);
	session_join(&session);
	ck_assert_str_eq(stream_end_name(session.stream.end), "too_long");
	session_close(&session);
}

/* Cut off in the length, behind it, in the body. */
static const struct {
	const char *wire;
	size_t len;
} cut_off[] = {
	{"\0", 1},
	{"\0\0\0", 3},
	{"\0\0\0\2", 4},
	{"\0\0\0\2x", 5},
	{"\0\0\x10\0abc", 7},
};

TEST_ROWS(a_frame_cut_off_by_the_end_is_truncated_and_has_no_reply, SUITE_COUNT(cut_off))
{
	session_open_plain(&session, STREAM_FRAME);
	session_start(&session, echo_frames);
	must_send_frame(session.pair.far, "whole", 5);
	must_send(session.pair.far, cut_off[_i].wire, cut_off[_i].len);
	must_half_close(session.pair.far);
	peer_expects_last(session.pair.far, "\0\0\0\5whole", 9);
	session_join(&session);
	ck_assert_str_eq(stream_end_name(session.stream.end), "truncated");
	ck_assert_uint_eq(session.status.messages_in, 1);
	ck_assert_uint_eq(session.status.messages_out, 1);
	ck_assert_uint_eq(session.status.bytes_in, 9 + cut_off[_i].len);
	session_close(&session);
}

/* Frames of many sizes, streamed: sent and received at once, so that segments match nothing. */
TEST(many_frames_in_any_segments_come_back_the_same)
{
	enum {
		SIZE = 1 << 22
	};
	char *out = malloc(SIZE);
	char *in = malloc(SIZE);
	size_t at = 0;
	uint64_t frames = 0;

	fill_pattern(out, SIZE);
	for (size_t len = 0; at + 4 + len <= SIZE; len = len > 300000 ? 0 : len * 5 / 4 + 1) {
		uint32_t wire = htonl((uint32_t)len);
		memcpy(out + at, &wire, sizeof wire);
		at += sizeof wire + len;
		frames++;
	}
	session_open_plain(&session, STREAM_FRAME);
	session_start(&session, echo_frames);
	must_exchange(session.pair.far, out, in, at);
	must_half_close(session.pair.far);
	peer_expects_last(session.pair.far, "", 0);
	session_join(&session);
	ck_assert(memcmp(out, in, at) == 0);
	ck_assert_uint_eq(session.status.messages_in, frames);
	ck_assert_uint_eq(session.status.messages_out, frames);
	ck_assert_uint_eq(session.status.bytes_in, at);
	ck_assert_uint_eq(session.status.bytes_out, at);
	session_close(&session);
	free(out);
	free(in);
}
