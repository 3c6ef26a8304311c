/* SPDX-License-Identifier: ISC */
/* Proves stream, raw: bytes come as they come, go as they are, and are no messages. */
#include "common/stream.h"

#include "peer.h"
#include "session.h"
#include "test/suite.h"

#include <stdlib.h>
#include <string.h>

static struct session session;

TEST(bytes_are_handed_out_as_soon_as_there_are_any)
{
	struct stream_message bytes;

	session_open_plain(&session, STREAM_RAW);
	must_send(session.pair.far, "a\0\n", 3);
	ck_assert(stream_read_some(&session.stream, &bytes));
	ck_assert_uint_eq(bytes.len, 3);
	ck_assert_uint_eq(bytes.end, 0);
	ck_assert_mem_eq(bytes.data, "a\0\n", 3);
	must_send(session.pair.far, "d", 1);
	ck_assert(stream_read_some(&session.stream, &bytes));
	ck_assert_uint_eq(bytes.len, 1);
	must_half_close(session.pair.far);
	ck_assert(!stream_read_some(&session.stream, &bytes));
	ck_assert_str_eq(stream_end_name(session.stream.end), "eof");
	ck_assert(!stream_read_some(&session.stream, &bytes));
	ck_assert(!stream_write(&session.stream, "x", 1));
	ck_assert_uint_eq(session.status.bytes_in, 4);
	ck_assert_uint_eq(session.status.messages_in, 0);
	session_finish(&session);
	session_close(&session);
}

TEST(a_stream_of_bytes_comes_back_the_same)
{
	enum {
		SIZE = 4 << 20
	};
	char *out = malloc(SIZE);
	char *in = malloc(SIZE);

	fill_pattern(out, SIZE);
	session_open_plain(&session, STREAM_RAW);
	session_start(&session, echo_bytes);
	must_exchange(session.pair.far, out, in, SIZE);
	must_half_close(session.pair.far);
	peer_expects_last(session.pair.far, "", 0);
	session_join(&session);
	ck_assert(memcmp(out, in, SIZE) == 0);
	ck_assert_str_eq(stream_end_name(session.stream.end), "eof");
	ck_assert_uint_eq(session.status.bytes_in, SIZE);
	ck_assert_uint_eq(session.status.bytes_out, SIZE);
	ck_assert_uint_eq(session.status.messages_in, 0);
	ck_assert_uint_eq(session.status.messages_out, 0);
	session_close(&session);
	free(out);
	free(in);
}

static void refuse_at_once(struct stream *s)
{
	stream_write(s, "before", 6);
	stream_refuse(s, "no");
}

TEST(a_refusal_has_no_error_reply_but_sends_what_was_written)
{
	session_open_plain(&session, STREAM_RAW);
	session_start(&session, refuse_at_once);
	must_half_close(session.pair.far);
	peer_expects_last_text(session.pair.far, "before");
	session_join(&session);
	ck_assert_str_eq(stream_end_name(session.stream.end), "refused");
	session_close(&session);
}
