/* SPDX-License-Identifier: ISC */
/*
 * Proves stream: conversations to their ends, replies that gather and keep their order, and memory
 * that is no more than a message needs and given back at rest.
 */
#include "common/stream.h"

#include "common/deadline.h"
#include "peer.h"
#include "session.h"
#include "test/suite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static struct session session;

#define CUT_OFF "~~~\5whole"

static const struct session_scene scenes[] = {
	{"an empty conversation", STREAM_LINE, "fin|over|finish|$", "eof"},
	{"what one recv brought is answered together, before the next one", STREAM_LINE,
		">1\n22\n333\n|=1|silent|=22|silent|=333|silent|fin|over|finish|<1\n22\n333\n|$",
		"eof"},
	{"half a message holds no reply back", STREAM_LINE,
		"start|>whole\npart|<whole\n|>ly\n|<partly\n|fin|$", "eof"},
	{"a last line needs no end", STREAM_LINE, "start|>a\nlast|fin|<a\nlast|$", "eof"},
	{"an end after a message of length 0", STREAM_FRAME, "start|>~~~~|<~~~~|fin|$", "eof"},
	{"a frame cut off in its body", STREAM_FRAME, "start|>" CUT_OFF "~~~\2x|fin|<" CUT_OFF "|$",
		"truncated"},
	{"a frame cut off in its length", STREAM_FRAME, "start|>" CUT_OFF "~|fin|<" CUT_OFF "|$",
		"truncated"},
	{"a frame too long is refused by its length alone", STREAM_FRAME,
		"start|>" CUT_OFF "~\x10~\1|<" CUT_OFF
		"~~~&error: frame longer than 1048576 bytes|$",
		"too_long"},
	{"bytes come as they come", STREAM_RAW, ">a~\n|=a~\n|>d|=d|fin|over|finish|<a~\nd|$",
		"eof"},
	{"with the peer's FIN read it does not linger", STREAM_LINE, "start|fin|$", "eof"},
	{"the peer resets while it is waited for", STREAM_LINE, "start|new|rst", "reset"},
};

TEST_ROWS(a_conversation_goes_to_its_end, SUITE_COUNT(scenes))
{
	session_play(&scenes[_i], NULL);
}

/* The next one, a byte in a segment that is read before the next is sent. */
TEST_ROWS(a_message_that_comes_a_byte_at_a_time_is_the_same, 2)
{
	static const char *const inputs[] = {"\nab\n\nlast", "\0\0\0\3a\0c\0\0\0\0"};
	static const size_t lens[] = {8, 11};
	struct stream_terms terms = session_terms(_i ? STREAM_FRAME : STREAM_LINE);

	session_open(&session, &terms);
	session_start(&session, session_echo);
	for (size_t i = 0; i < lens[_i]; i++) {
		must_send(session.pair.far, inputs[_i] + i, 1);
		session_await_taken(&session);
	}
	must_half_close(session.pair.far);
	peer_expects_last(session.pair.far, inputs[_i], lens[_i]);
	session_ends_as(&session, "eof");
}

TEST(a_conversation_that_is_over_stays_over_and_counts_what_was_moved)
{
	struct stream_terms terms = session_terms(STREAM_LINE);

	session_open(&session, &terms);
	must_send_text(session.pair.far, "a\nbc\nd");
	must_half_close(session.pair.far);
	session_echo(&session.stream);
	ck_assert(!stream_flush(&session.stream));
	ck_assert(!stream_refuse(&session.stream, "late"));
	ck_assert(!session.stream.unanswered);
	ck_assert(!stream_write(&session.stream, "x", 1));
	ck_assert(session.stream.unanswered);
	session_finish(&session);
	/* With the peer's FIN read there is nothing to linger for. */
	ck_assert_int_eq(atomic_load(&session.status.state), STATUS_BUSY);
	peer_expects_last_text(session.pair.far, "a\nbc\nd");
	struct stream_counts counts = stream_counts(&session.status);
	ck_assert_uint_eq(counts.bytes_in, 6);
	ck_assert_uint_eq(counts.bytes_out, 6);
	ck_assert_uint_eq(counts.messages_in, 3);
	ck_assert_uint_eq(counts.messages_out, 3);
	ck_assert_str_eq(stream_end_name(session.stream.end), "eof");
	session_close(&session);
}

/* Replies. */

TEST(seven_pieces_are_one_reply_and_flush_sends_at_once)
{
	const struct iovec pieces[] = {
		{"", 0}, {"a", 1}, {NULL, 0}, {"bc", 2}, {"", 0}, {"def\n", 4}, {NULL, 0}};
	struct stream_terms terms = session_terms(STREAM_LINE);

	session_open(&session, &terms);
	ck_assert(stream_write_pieces(&session.stream, pieces, 7));
	ck_assert(stream_write_pieces(&session.stream, NULL, 0));
	ck_assert(stream_write(&session.stream, NULL, 0));
	ck_assert_int_eq(socket_unread(session.pair.far), 0);
	ck_assert(stream_flush(&session.stream));
	peer_expects(session.pair.far, "abcdef\n");
	ck_assert_uint_eq(stream_counts(&session.status).messages_out, 3);
	session_ends_as(&session, "served");
}

/* Around every size at which a reply is kept, copied, or sent from where it lies; and many. */
static const struct {
	size_t size;
	int count;
} replies[] = {
	{1, 1},
	{17, 20000},
	{1023, 3},
	{1024, 3},
	{1025, 3},
	{16383, 9},
	{16384, 2},
	{16385, 2},
	{65535, 2},
	{65536, 2},
	{65537, 2},
	{4 << 20, 1},
};

static size_t reply_size;
static int reply_count;
static char *reply;

/* Small, so many in three pieces, small. */
static void write_replies(struct stream *s)
{
	const struct iovec pieces[] = {{reply, reply_size / 3}, {NULL, 0},
		{reply + reply_size / 3, reply_size - reply_size / 3}};

	stream_write(s, "<<<", 3);
	for (int i = 0; i < reply_count; i++)
		stream_write_pieces(s, pieces, 3);
	stream_write(s, ">>>", 3);
}

TEST_ROWS(replies_of_every_size_arrive_whole_and_in_order, 3 * SUITE_COUNT(replies))
{
	const enum stream_framing framing = (enum stream_framing)(_i % 3);
	struct stream_terms terms = session_terms(framing);
	const int little = 65536;

	reply_size = replies[_i / 3].size;
	reply_count = replies[_i / 3].count;
	reply = must_pattern(reply_size);
	char *got = must_pattern(reply_size);
	session_open(&session, &terms);
	/* The large ones do not go at once: they take many blocked sends. */
	ck_assert_int_eq(
		setsockopt(session.pair.near, SOL_SOCKET, SO_SNDBUF, &little, sizeof little), 0);
	session_start(&session, write_replies);
	peer_expects(session.pair.far, "<<<");
	for (int i = 0; i < reply_count; i++) {
		must_receive(session.pair.far, got, reply_size);
		ck_assert(memcmp(got, reply, reply_size) == 0);
	}
	peer_expects_last_text(session.pair.far, ">>>");
	session_ends_as(&session, "served");
	struct stream_counts counts = stream_counts(&session.status);
	ck_assert_uint_eq(counts.bytes_out, (unsigned)reply_count * reply_size + 6);
	ck_assert_uint_eq(
		counts.messages_out, framing == STREAM_RAW ? 0 : (unsigned)reply_count + 2);
	free(got);
	free(reply);
}

/* Memory. */

/* The service's: the largest that the buffers were. */
static size_t largest;
static bool mapped;

static void look(const struct stream *s)
{
	largest = s->in.size + s->out.size > largest ? s->in.size + s->out.size : largest;
	mapped |= !buffer_is_home(&s->in) || !buffer_is_home(&s->out);
}

static void echo_and_look(struct stream *s)
{
	struct stream_message m;

	while (session_read(s, &m)) {
		look(s);
		session_answer(s, &m);
		look(s);
	}
	look(s);
}

/*
 * The bound of a message, around the sizes of the buffers and a page, and the most memory by the
 * arithmetic of the promise: input for the longest message, at least a bulk, and a bulk for output;
 * without messages, input for a flood.
 */
#define BULK ((size_t)65536)

static const struct {
	enum stream_framing framing;
	int64_t max;
	size_t most;
} bounds[] = {
	{STREAM_LINE, 1, 2 * BULK},
	{STREAM_LINE, 1023, 2 * BULK},
	{STREAM_LINE, 1024, 2 * BULK},
	{STREAM_LINE, 2047, 2 * BULK},
	{STREAM_LINE, 2048, 2 * BULK},
	{STREAM_LINE, 4095, 2 * BULK},
	{STREAM_LINE, 4096, 2 * BULK},
	{STREAM_LINE, 65535, 2 * BULK},
	{STREAM_LINE, 65536, 2 * BULK + 4096},
	{STREAM_LINE, 200000, 200704 + BULK},
	{STREAM_FRAME, 0, 2 * BULK},
	{STREAM_FRAME, 1020, 2 * BULK},
	{STREAM_FRAME, 1021, 2 * BULK},
	{STREAM_FRAME, 16384, 2 * BULK},
	{STREAM_FRAME, 65532, 2 * BULK},
	{STREAM_FRAME, 65533, 2 * BULK + 4096},
	{STREAM_FRAME, 1 << 20, (1 << 20) + 4096 + BULK},
	{STREAM_RAW, 1 << 20, 5 * BULK},
};

/* A message of the framing, its length or end included, as it goes over the wire. */
static char *must_message(enum stream_framing framing, size_t len, size_t *size)
{
	char *pattern = must_pattern(len + 4);

	*size = len + (framing == STREAM_LINE) + (framing == STREAM_FRAME ? 4 : 0);
	if (framing == STREAM_FRAME)
		framing_put_length(len, pattern);
	else if (framing == STREAM_LINE)
		pattern[len] = '\n';
	return pattern;
}

/* The longest message again and again, then many short ones in segments that match nothing. */
TEST_ROWS(messages_up_to_the_bound_pass_within_the_memory_that_is_promised, SUITE_COUNT(bounds))
{
	enum {
		MANY = 1 << 18
	};
	struct stream_terms terms = session_terms(bounds[_i].framing);
	static char many[MANY];
	static char got[MANY];
	size_t size;
	char *message = must_message(terms.framing, (size_t)bounds[_i].max, &size);
	char *back = malloc(size);

	terms.max_line = terms.max_frame = bounds[_i].max;
	ck_assert_uint_eq(stream_memory_max(&terms), bounds[_i].most);
	/* Frames of length 0; lines of 0 and 1 bytes. */
	for (size_t i = 0; i < MANY && terms.framing != STREAM_FRAME; i++)
		many[i] = i % 3 == 1 ? 'x' : '\n';
	session_open(&session, &terms);
	session_start(&session, echo_and_look);
	for (int i = 0; i < 3; i++) {
		must_exchange(session.pair.far, message, back, size);
		ck_assert(memcmp(back, message, size) == 0);
	}
	must_exchange(session.pair.far, many, got, MANY);
	ck_assert(memcmp(got, many, MANY) == 0);
	session_ends_as(&session, "eof");
	ck_assert_uint_le(largest, bounds[_i].most);
	free(back);
	free(message);
}

/* A line or frame of one byte more than the bound, the line before its end comes. */
TEST_ROWS(one_byte_above_the_bound_is_refused, SUITE_COUNT(bounds) - 1)
{
	struct stream_terms terms = session_terms(bounds[_i].framing);
	size_t size;
	char *message = must_message(terms.framing, (size_t)bounds[_i].max + 1, &size);
	struct stream_message none;

	terms.max_line = terms.max_frame = bounds[_i].max;
	session_open(&session, &terms);
	must_send(session.pair.far, message, terms.framing == STREAM_FRAME ? 4 : size - 1);
	ck_assert(!session_read(&session.stream, &none));
	/* No memory is spent on what a frame's length claims. */
	if (terms.framing == STREAM_FRAME)
		ck_assert(buffer_is_home(&session.stream.in));
	session_ends_as(&session, "too_long");
	free(message);
}

/* Messages of many lengths, sent and received at once, across all sizes of the buffers. */
TEST_ROWS(many_messages_in_any_segments_come_back_the_same, 2)
{
	enum {
		SIZE = 1 << 22
	};
	struct stream_terms terms = session_terms(_i ? STREAM_FRAME : STREAM_LINE);
	char *out = must_pattern(SIZE);
	char *in = malloc(SIZE);
	size_t at = 0;
	uint64_t count = 0;

	for (size_t len = 0; at + len + 4 <= SIZE; len = len > 300000 ? 0 : len * 5 / 4 + 1) {
		if (_i)
			framing_put_length(len, out + at);
		else
			out[at + len] = '\n';
		at += len + (_i ? 4 : 1);
		count++;
	}
	terms.max_line = 400000;
	session_open(&session, &terms);
	session_start(&session, session_echo);
	must_exchange(session.pair.far, out, in, at);
	ck_assert(memcmp(out, in, at) == 0);
	session_ends_as(&session, "eof");
	struct stream_counts counts = stream_counts(&session.status);
	ck_assert_uint_eq(counts.messages_in, count);
	ck_assert_uint_eq(counts.messages_out, count);
	ck_assert_uint_eq(counts.bytes_in, at);
	free(out);
	free(in);
}

TEST(small_messages_map_no_memory)
{
	struct stream_terms terms = session_terms(STREAM_LINE);
	char text[STREAM_INLINE_BYTES - 23];

	fill_pattern(text, sizeof text);
	text[sizeof text - 1] = '\n';
	session_open(&session, &terms);
	session_start(&session, echo_and_look);
	for (int i = 0; i < 200; i++) {
		must_send(session.pair.far, text, sizeof text);
		must_receive(session.pair.far, text, sizeof text);
	}
	session_ends_as(&session, "eof");
	ck_assert(!mapped);
}

/* Rest gives memory back, and the connection goes on; half a message is not rest, and is kept. */
TEST_ROWS(memory_is_given_back_at_rest_and_not_in_a_message, 2)
{
	enum {
		LEN = 300000
	};
	struct stream_terms terms = session_terms(STREAM_FRAME);
	size_t size;
	char *frame = must_message(STREAM_FRAME, LEN, &size);
	char *back = malloc(size);

	terms.idle_ns = 700 * NS_PER_MS;
	session_open(&session, &terms);
	session_start(&session, echo_and_look);
	for (int i = 0; i < 2; i++) {
		size_t before = _i ? size / 2 : 0;
		must_send(session.pair.far, frame, before);
		if (i == 0)
			ck_assert(!peer_hears_within(session.pair.far, 200 * NS_PER_MS));
		must_send(session.pair.far, frame + before, size - before);
		must_receive(session.pair.far, back, size);
		ck_assert(memcmp(back, frame, size) == 0);
	}
	ck_assert_int_eq(peer_reads_to_end(session.pair.far, NULL), 0);
	session_ends_as(&session, "idle");
	ck_assert_uint_ge(largest, LEN);
	/* Seen by the service's thread before its last words. */
	ck_assert(session.rested);
	free(back);
	free(frame);
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
/* Many small messages, more than the buffer holds, and then a large one, while mmap(2) fails. */
TEST(without_memory_small_messages_go_on_and_a_large_one_is_answered_with_an_error)
{
	enum {
		SMALL = 40000
	};
	const struct rlimit none = {.rlim_cur = 0, .rlim_max = RLIM_INFINITY};
	struct stream_terms terms = session_terms(STREAM_LINE);
	char *text = must_pattern(SMALL + 4000);

	for (size_t i = 9; i < SMALL; i += 10)
		text[i] = '\n';
	session_open(&session, &terms);
	must_send(session.pair.far, text, SMALL + 4000);
	must_half_close(session.pair.far);
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &none), 0);
	session_echo(&session.stream);
	ck_assert(buffer_is_home(&session.stream.in) && buffer_is_home(&session.stream.out));
	ck_assert_uint_eq(stream_counts(&session.status).messages_out, SMALL / 10);
	session_finish(&session);
	ck_assert_str_eq(stream_end_name(session.stream.end), "no_memory");
	char *got = text + SMALL;
	for (size_t at = 0; at < SMALL; at += 1000) {
		must_receive(session.pair.far, got, 1000);
		ck_assert_mem_eq(got, text + at, 1000);
	}
	peer_expects_last_text(session.pair.far, "error: out of memory\n");
	session_close(&session);
}
#endif
