/* SPDX-License-Identifier: ISC */
/* Proves stream, memory: small messages map none, large ones no more than they need, and rest gives
 * it back. */
#include "common/stream.h"

#include "common/deadline.h"
#include "peer.h"
#include "session.h"
#include "test/suite.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static struct session session;

/* The service's: the largest that the buffers were. */
static size_t largest_in;
static size_t largest_out;
static bool mapped;

static void look(const struct stream *s)
{
	largest_in = s->in.size > largest_in ? s->in.size : largest_in;
	largest_out = s->out.size > largest_out ? s->out.size : largest_out;
	mapped |= s->in.data != s->in_inline || s->out.data != s->out_inline;
}

static void echo_lines_and_look(struct stream *s)
{
	struct stream_message line;

	while (stream_read_line(s, &line)) {
		look(s);
		stream_write(s, line.data, line.len + line.end);
		look(s);
	}
	look(s);
}

static void echo_frames_and_look(struct stream *s)
{
	struct stream_message frame;

	while (stream_read_frame(s, &frame)) {
		look(s);
		stream_write_frame(s, frame.data, frame.len);
		look(s);
	}
	look(s);
}

static void echo_bytes_and_look(struct stream *s)
{
	struct stream_message bytes;

	while (stream_read_some(s, &bytes)) {
		look(s);
		stream_write(s, bytes.data, bytes.len);
		look(s);
	}
	look(s);
}

static char *must_pattern(size_t len)
{
	char *data = malloc(len + 1);

	ck_assert_ptr_nonnull(data);
	fill_pattern(data, len);
	data[len] = '\n';
	return data;
}

TEST(small_messages_map_no_memory)
{
	char *text = must_pattern(STREAM_INLINE_BYTES - 24);
	char got[STREAM_INLINE_BYTES - 23];

	session_open_plain(&session, STREAM_LINE);
	session_start(&session, echo_lines_and_look);
	for (int i = 0; i < 200; i++) {
		must_send(session.pair.far, text, sizeof got);
		must_receive(session.pair.far, got, sizeof got);
	}
	must_half_close(session.pair.far);
	session_join(&session);
	ck_assert_str_eq(stream_end_name(session.stream.end), "eof");
	ck_assert(!mapped);
	session_close(&session);
	free(text);
}

/* The most that the terms allow for, by the arithmetic of the promise: input for the longest
 * message, and a bulk each; without messages, input for a flood. */
static const struct {
	enum stream_framing framing;
	int64_t max;
	size_t most;
} bounds[] = {
	{STREAM_LINE, 100, 2 * 65536},
	{STREAM_LINE, 4096, 2 * 65536},
	{STREAM_LINE, 65535, 2 * 65536},
	{STREAM_LINE, 65536, 65536 + 4096 + 65536},
	{STREAM_LINE, 1 << 20, (1 << 20) + 4096 + 65536},
	{STREAM_FRAME, 100, 2 * 65536},
	{STREAM_FRAME, 65532, 2 * 65536},
	{STREAM_FRAME, 65533, 65536 + 4096 + 65536},
	{STREAM_FRAME, 1 << 20, (1 << 20) + 4096 + 65536},
	{STREAM_RAW, 100, 262144 + 65536},
	{STREAM_RAW, 1 << 20, 262144 + 65536},
};

TEST_ROWS(the_most_memory_is_what_the_longest_message_needs_and_a_bulk, SUITE_COUNT(bounds))
{
	struct stream_terms terms = session_terms(bounds[_i].framing);

	terms.max_line = terms.max_frame = bounds[_i].max;
	ck_assert_uint_eq(stream_memory_max(&terms), bounds[_i].most);
}

/* One small message, the longest, and many small ones at once. */
TEST_ROWS(no_stream_maps_more_than_its_most, SUITE_COUNT(bounds))
{
	struct stream_terms terms = session_terms(bounds[_i].framing);
	const size_t len = (size_t)bounds[_i].max;
	const size_t flood = 1 << 18;
	char *text = must_pattern(len);
	char *in = malloc(flood);
	char *out = malloc(flood);

	terms.max_line = terms.max_frame = bounds[_i].max;
	session_open(&session, &terms);
	if (terms.framing == STREAM_FRAME) {
		session_start(&session, echo_frames_and_look);
		must_send_frame(session.pair.far, text, len);
		must_receive(session.pair.far, text, 4);
		must_receive(session.pair.far, text, len);
		memset(out, 0, flood);
	} else {
		session_start(&session,
			terms.framing == STREAM_LINE ? echo_lines_and_look : echo_bytes_and_look);
		must_exchange(session.pair.far, text, text, len + 1);
		memset(out, '\n', flood);
	}
	must_exchange(session.pair.far, out, in, flood);
	must_half_close(session.pair.far);
	session_join(&session);
	ck_assert_str_eq(stream_end_name(session.stream.end), "eof");
	ck_assert_uint_le(largest_in + largest_out, stream_memory_max(&terms));
	session_close(&session);
	free(out);
	free(in);
	free(text);
}

TEST(a_connection_that_rests_gives_its_memory_back_and_goes_on)
{
	enum {
		LEN = 300000
	};
	struct stream_terms terms = session_terms(STREAM_FRAME);
	char *body = must_pattern(LEN);

	terms.idle_ns = 700 * NS_PER_MS;
	session_open(&session, &terms);
	session_start(&session, echo_frames_and_look);
	for (int i = 0; i < 2; i++) {
		must_send_frame(session.pair.far, body, LEN);
		must_receive(session.pair.far, body, 4);
		must_receive(session.pair.far, body, LEN);
		/* Longer than it takes to rest, and the connection is none the worse for it. */
		if (i == 0)
			ck_assert(!peer_hears_within(session.pair.far, 200 * NS_PER_MS));
	}
	ck_assert_int_eq(peer_reads_to_end(session.pair.far, NULL), 0);
	must_half_close(session.pair.far);
	session_join(&session);
	ck_assert_str_eq(stream_end_name(session.stream.end), "idle");
	ck_assert_uint_eq(session.status.messages_out, 2);
	ck_assert_uint_ge(largest_in, LEN);
	/* Seen by the service's thread before its last words. */
	ck_assert(session.rested);
	session_close(&session);
	free(body);
}

/* A message begun is not rest: what has come of it stays. */
TEST(a_message_begun_is_kept_while_its_sender_pauses)
{
	enum {
		LEN = 100000
	};
	struct stream_terms terms = session_terms(STREAM_FRAME);
	char *body = must_pattern(LEN);
	char *got = must_pattern(LEN);
	const char wire[] = {0, 1, (char)0x86, (char)0xa0};

	terms.idle_ns = 50 * NS_PER_MS;
	session_open(&session, &terms);
	session_start(&session, echo_frames);
	must_send(session.pair.far, wire, 4);
	must_send(session.pair.far, body, LEN / 2);
	ck_assert(!peer_hears_within(session.pair.far, 200 * NS_PER_MS));
	must_send(session.pair.far, body + LEN / 2, LEN / 2);
	must_receive(session.pair.far, got, 4);
	ck_assert_mem_eq(got, wire, 4);
	must_receive(session.pair.far, got, LEN);
	ck_assert(memcmp(got, body, LEN) == 0);
	must_half_close(session.pair.far);
	session_join(&session);
	session_close(&session);
	free(got);
	free(body);
}

/* The sanitizers' own memory would not survive the limit. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

#ifndef SANITIZED
/* From now on mmap(2) fails. */
static void must_forbid_memory(void)
{
	const struct rlimit none = {.rlim_cur = 0, .rlim_max = RLIM_INFINITY};

	ck_assert_int_eq(setrlimit(RLIMIT_AS, &none), 0);
}

TEST(a_large_message_without_memory_for_it_is_answered_with_an_error)
{
	struct stream_message frame;
	char *body = must_pattern(5000);

	session_open_plain(&session, STREAM_FRAME);
	must_send_frame(session.pair.far, "small", 5);
	must_send_frame(session.pair.far, body, 5000);
	must_half_close(session.pair.far);
	must_forbid_memory();
	ck_assert(stream_read_frame(&session.stream, &frame));
	ck_assert(stream_write_frame(&session.stream, frame.data, frame.len));
	ck_assert(!stream_read_frame(&session.stream, &frame));
	ck_assert_str_eq(stream_end_name(session.stream.end), "no_memory");
	session_finish(&session);
	peer_expects_last(session.pair.far,
		"\0\0\0\5small\0\0\0\x14"
		"error: out of memory",
		33);
	session_close(&session);
	free(body);
}

TEST(small_messages_go_on_without_memory_however_many)
{
	enum {
		SIZE = 40000
	};
	struct stream_message line;
	char *text = must_pattern(SIZE);
	size_t at = 0;

	for (size_t i = 9; i < SIZE; i += 10)
		text[i] = '\n';
	session_open_plain(&session, STREAM_LINE);
	must_send(session.pair.far, text, SIZE);
	must_half_close(session.pair.far);
	must_forbid_memory();
	while (stream_read_line(&session.stream, &line)) {
		ck_assert_uint_eq(line.len, 9);
		ck_assert(stream_write(&session.stream, line.data, line.len + line.end));
		at += 10;
	}
	ck_assert_uint_eq(at, SIZE);
	ck_assert_str_eq(stream_end_name(session.stream.end), "eof");
	ck_assert_uint_eq(session.status.bytes_out + session.stream.out.end, SIZE);
	ck_assert_ptr_eq(session.stream.in.data, session.stream.in_inline);
	session_finish(&session);
	peer_expects_last(session.pair.far, text, SIZE);
	session_close(&session);
	free(text);
}
#endif
