/* SPDX-License-Identifier: ISC */
/* Proves stream, replies: they gather, leave before the read blocks, keep their order, and are
 * whole. */
#include "common/stream.h"

#include "peer.h"
#include "session.h"
#include "test/suite.h"

#include <stdlib.h>
#include <string.h>

static struct session session;

static int64_t arrived(void)
{
	return socket_unread(session.pair.far);
}

TEST(the_replies_to_what_one_recv_brought_leave_together_before_the_next)
{
	struct stream_message line;

	session_open_plain(&session, STREAM_LINE);
	must_send_text(session.pair.far, "1\n22\n333\n");
	for (int i = 0; i < 3; i++) {
		ck_assert(stream_read_line(&session.stream, &line));
		ck_assert(stream_write(&session.stream, line.data, line.len + line.end));
		ck_assert_int_eq(arrived(), 0);
		ck_assert_uint_eq(session.status.bytes_out, 0);
	}
	/* This one must receive, and so it sends first. */
	must_half_close(session.pair.far);
	ck_assert(!stream_read_line(&session.stream, &line));
	ck_assert_uint_eq(session.status.bytes_out, 9);
	ck_assert_int_eq(arrived(), 9);
	session_finish(&session);
	peer_expects_last_text(session.pair.far, "1\n22\n333\n");
	session_close(&session);
}

/* A client that pipelines and waits: it must not wait for the server's buffer to fill. */
TEST(a_reply_leaves_before_the_read_blocks)
{
	session_open_plain(&session, STREAM_LINE);
	session_start(&session, echo_lines);
	for (int i = 0; i < 100; i++) {
		must_send_text(session.pair.far, "ping\npong\n");
		peer_expects(session.pair.far, "ping\npong\n");
	}
	must_half_close(session.pair.far);
	peer_expects_last(session.pair.far, "", 0);
	session_join(&session);
	ck_assert_uint_eq(session.status.messages_out, 200);
	session_close(&session);
}

TEST(a_partial_message_behind_them_does_not_hold_replies_back)
{
	session_open_plain(&session, STREAM_LINE);
	session_start(&session, echo_lines);
	must_send_text(session.pair.far, "whole\npart");
	peer_expects(session.pair.far, "whole\n");
	must_send_text(session.pair.far, "ly\n");
	peer_expects(session.pair.far, "partly\n");
	must_half_close(session.pair.far);
	peer_expects_last(session.pair.far, "", 0);
	session_join(&session);
	session_close(&session);
}

TEST(flush_sends_at_once)
{
	session_open_plain(&session, STREAM_LINE);
	ck_assert(stream_flush(&session.stream));
	ck_assert_int_eq(arrived(), 0);
	ck_assert(stream_write(&session.stream, "abc\n", 4));
	ck_assert_int_eq(arrived(), 0);
	ck_assert(stream_flush(&session.stream));
	peer_expects(session.pair.far, "abc\n");
	ck_assert_uint_eq(session.status.bytes_out, 4);
	ck_assert_uint_eq(session.status.messages_out, 1);
	session_close(&session);
}

TEST(seven_pieces_are_one_reply_and_empty_ones_are_nothing)
{
	const struct iovec pieces[] = {
		{"", 0}, {"a", 1}, {NULL, 0}, {"bc", 2}, {"", 0}, {"def\n", 4}, {NULL, 0}};

	session_open_plain(&session, STREAM_LINE);
	ck_assert(stream_write_pieces(&session.stream, pieces, 7));
	ck_assert(stream_write_pieces(&session.stream, NULL, 0));
	ck_assert(stream_write(&session.stream, NULL, 0));
	ck_assert(stream_flush(&session.stream));
	peer_expects(session.pair.far, "abcdef\n");
	ck_assert_uint_eq(session.status.messages_out, 3);
	ck_assert_uint_eq(session.status.bytes_out, 7);
	session_close(&session);
}

/* Replies around every size at which they are kept, copied, or sent from where they lie. */
static const size_t sizes[] = {
	1,
	2047,
	2048,
	2049,
	16383,
	16384,
	16385,
	65535,
	65536,
	65537,
	300000,
};

static const enum stream_framing framings[] = {STREAM_LINE, STREAM_FRAME, STREAM_RAW};

struct replies {
	size_t size;
	char *data;
};

static struct replies replies;

/* Small, large in pieces, small: 3 + size + 3 bytes. */
static void write_three(struct stream *s)
{
	const size_t size = replies.size;
	const struct iovec pieces[] = {{replies.data, size / 3}, {replies.data + size / 3, 0},
		{replies.data + size / 3, size - size / 3}};

	if (stream_write(s, "<<<", 3) && stream_write_pieces(s, pieces, 3))
		stream_write(s, ">>>", 3);
}

TEST_ROWS(replies_of_every_size_keep_their_order, SUITE_COUNT(sizes) * SUITE_COUNT(framings))
{
	const size_t size = sizes[(size_t)_i % SUITE_COUNT(sizes)];
	const enum stream_framing framing = framings[(size_t)_i / SUITE_COUNT(sizes)];
	char *expected = malloc(size + 6);

	replies.size = size;
	replies.data = expected + 3;
	memcpy(expected, "<<<", 3);
	fill_pattern(expected + 3, size);
	memcpy(expected + 3 + size, ">>>", 3);

	session_open_plain(&session, framing);
	session_start(&session, write_three);
	must_half_close(session.pair.far);
	peer_expects_last(session.pair.far, expected, size + 6);
	session_join(&session);
	ck_assert_str_eq(stream_end_name(session.stream.end), "served");
	ck_assert_uint_eq(session.status.bytes_out, size + 6);
	ck_assert_uint_eq(session.status.messages_out, framing == STREAM_RAW ? 0 : 3);
	session_close(&session);
	free(expected);
}

static void write_many(struct stream *s)
{
	for (int i = 0; i < 20000; i++) {
		if (!stream_write(s, "0123456789abcdef\n", 17))
			return;
	}
}

/* More than any buffer holds: what does not fit leaves, and nothing is lost or doubled. */
TEST(a_full_buffer_leaves_and_goes_on)
{
	char got[17];

	session_open_plain(&session, STREAM_LINE);
	session_start(&session, write_many);
	must_half_close(session.pair.far);
	for (int i = 0; i < 20000; i++) {
		must_receive(session.pair.far, got, sizeof got);
		ck_assert_mem_eq(got, "0123456789abcdef\n", sizeof got);
	}
	peer_expects_last(session.pair.far, "", 0);
	session_join(&session);
	ck_assert_uint_eq(session.status.messages_out, 20000);
	ck_assert_uint_eq(session.status.bytes_out, 20000 * 17);
	session_close(&session);
}

/* A peer that takes its time, but takes it all: the reply goes in many blocked sends. */
TEST(a_reply_that_does_not_go_at_once_still_goes_whole)
{
	enum {
		SIZE = 4 << 20
	};
	const int little = 65536;
	char *out = malloc(SIZE);

	fill_pattern(out, SIZE);
	session_open_plain(&session, STREAM_FRAME);
	ck_assert_int_eq(
		setsockopt(session.pair.near, SOL_SOCKET, SO_SNDBUF, &little, sizeof little), 0);
	replies.size = SIZE;
	replies.data = out;
	session_start(&session, write_three);
	must_half_close(session.pair.far);
	peer_expects(session.pair.far, "<<<");
	char *in = malloc(SIZE);
	must_receive(session.pair.far, in, SIZE);
	ck_assert(memcmp(out, in, SIZE) == 0);
	peer_expects_last_text(session.pair.far, ">>>");
	session_join(&session);
	ck_assert_str_eq(stream_end_name(session.stream.end), "served");
	session_close(&session);
	free(in);
	free(out);
}

TEST(a_frame_is_written_with_its_length)
{
	session_open_plain(&session, STREAM_FRAME);
	ck_assert(stream_write_frame(&session.stream, "abc", 3));
	ck_assert(stream_write_frame(&session.stream, NULL, 0));
	session_start(&session, echo_frames);
	must_half_close(session.pair.far);
	peer_expects_last(session.pair.far, "\0\0\0\3abc\0\0\0\0", 11);
	session_join(&session);
	session_close(&session);
}
