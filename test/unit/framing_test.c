/* SPDX-License-Identifier: ISC */
/*
 * Proves framing: what is a message, wherever the bytes are cut; where its bound lies; error
 * replies.
 */
#include "common/framing.h"

#include "session.h"
#include "test/suite.h"

#include <stdio.h>
#include <string.h>

#define MAX 8

/*
 * Bytes ('~' is a zero byte), and what is found in them: each message in brackets, '$' after a
 * line's end, and at the end of the input the reason.
 */
static const struct {
	enum stream_framing framing;
	const char *bytes;
	const char *found;
} conversations[] = {
	{STREAM_LINE, "", "end"},
	{STREAM_LINE, "\n", "[]$ end"},
	{STREAM_LINE, "abc\n", "[abc]$ end"},
	{STREAM_LINE, "abc", "[abc] end"},
	{STREAM_LINE, "a\nbc\n", "[a]$ [bc]$ end"},
	{STREAM_LINE, "a\nbc", "[a]$ [bc] end"},
	{STREAM_LINE, "\n\n\nx\n\ny", "[]$ []$ []$ [x]$ []$ [y] end"},
	{STREAM_LINE, "crlf\r\n\r\r\n\r", "[crlf\r]$ [\r\r]$ [\r] end"},
	{STREAM_LINE, "a~b\n~\n~~\n~", "[a~b]$ [~]$ [~~]$ [~] end"},
	{STREAM_LINE, "\xff\xfe\x80\n\xc3\n", "[\xff\xfe\x80]$ [\xc3]$ end"},
	{STREAM_LINE, "12345678\n", "[12345678]$ end"},
	{STREAM_LINE, "12345678", "[12345678] end"},
	{STREAM_LINE, "12345678\n12345678", "[12345678]$ [12345678] end"},
	{STREAM_LINE, "123456789\n", "too long"},
	{STREAM_LINE, "a\n123456789", "[a]$ too long"},
	{STREAM_FRAME, "", "end"},
	{STREAM_FRAME, "~~~\3abc~~~~~~~\2~\n", "[abc] [] [~\n] end"},
	{STREAM_FRAME,
		"~~~\10"
		"12345678~~~\1x",
		"[12345678] [x] end"},
	{STREAM_FRAME, "~~~\11", "too long"},
	{STREAM_FRAME, "~~~\1x~~\1~", "[x] too long"},
	{STREAM_FRAME, "~~~\1x\x80~~~", "[x] too long"},
	{STREAM_FRAME, "\xff\xff\xff\xff", "too long"},
	{STREAM_FRAME, "~", "cut off"},
	{STREAM_FRAME, "~~~\1x~~~", "[x] cut off"},
	{STREAM_FRAME, "~~~\2", "cut off"},
	{STREAM_FRAME, "~~~\2x", "cut off"},
};

static const char *const ends[] = {
	[FRAMING_TOO_LONG] = "too long", [FRAMING_END] = "end", [FRAMING_CUT_OFF] = "cut off"};

/* NUL as it stands in the table. */
static char visible(char byte)
{
	if (byte == '\0')
		return '~';
	return byte;
}

/* What a stream does, with bytes that come in two parts and the end: looks again after each. */
static void find_all(
	enum stream_framing framing, const char *data, size_t len, size_t cut, char *out)
{
	struct framing_bytes bytes = {.data = data, .len = cut};
	struct framing_message message;
	size_t need;

	for (;;) {
		enum framing_found found = framing_find(framing, MAX, &bytes, &message, &need);
		if (found == FRAMING_PART) {
			ck_assert_uint_gt(need, bytes.len);
			bytes.ended = bytes.data + bytes.len == data + len;
			bytes.len = (size_t)(data + len - bytes.data);
		} else if (found != FRAMING_WHOLE) {
			strcpy(out, ends[found]);
			return;
		} else {
			ck_assert(!message.after || bytes.data[message.len] == '\n');
			*out++ = '[';
			for (size_t i = 0; i < message.len; i++, out++)
				*out = visible(bytes.data[message.before + i]);
			out += sprintf(out, "]%s ", message.after ? "$" : "");
			bytes.len -= message.before + message.len + message.after;
			bytes.data += message.before + message.len + message.after;
			bytes.scanned = 0;
		}
	}
}

TEST_ROWS(messages_are_the_same_wherever_the_bytes_are_cut, SUITE_COUNT(conversations))
{
	const char *text = conversations[_i].bytes;
	char data[64];
	char found[128];
	size_t len = session_bytes(text, strlen(text), data);

	for (size_t cut = 0; cut <= len; cut++) {
		find_all(conversations[_i].framing, data, len, cut, found);
		ck_assert_msg(
			strcmp(found, conversations[_i].found) == 0, "cut at %zu: %s", cut, found);
	}
}

TEST(raw_bytes_are_all_that_there_are)
{
	struct framing_bytes bytes = {.data = "a\n", .len = 2};
	struct framing_message all;
	size_t need;

	ck_assert_int_eq(framing_find(STREAM_RAW, 0, &bytes, &all, &need), FRAMING_WHOLE);
	ck_assert_uint_eq(all.before + all.after, 0);
	ck_assert_uint_eq(all.len, 2);
	bytes.len = 0;
	ck_assert_int_eq(framing_find(STREAM_RAW, 0, &bytes, &all, &need), FRAMING_PART);
	ck_assert_uint_eq(need, 1);
	bytes.ended = true;
	ck_assert_int_eq(framing_find(STREAM_RAW, 0, &bytes, &all, &need), FRAMING_END);
}

/* A frame says at once how much room it needs; a line only what it has got and one byte more. */
TEST(a_part_says_how_many_bytes_the_message_takes_at_least)
{
	struct framing_bytes frame = {.data = "\0\0\0\5ab", .len = 6};
	struct framing_bytes line = {.data = "ab", .len = 2};
	struct framing_message message;
	size_t need;

	ck_assert_int_eq(framing_find(STREAM_FRAME, MAX, &frame, &message, &need), FRAMING_PART);
	ck_assert_uint_eq(need, 9);
	ck_assert_int_eq(framing_find(STREAM_LINE, MAX, &line, &message, &need), FRAMING_PART);
	ck_assert_uint_eq(need, 3);
	ck_assert_uint_eq(line.scanned, 2);
}

TEST(an_error_reply_is_a_message_of_the_framing_with_up_to_120_bytes_of_text)
{
	char text[400];
	char reply[FRAMING_ERROR_MAX];

	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	ck_assert_uint_eq(framing_compose_error(STREAM_RAW, "no", reply), 0);
	ck_assert_uint_eq(framing_compose_error(STREAM_LINE, "no", reply), 10);
	ck_assert_mem_eq(reply, "error: no\n", 10);
	ck_assert_uint_eq(framing_compose_error(STREAM_FRAME, "no", reply), 13);
	ck_assert_mem_eq(reply,
		"\0\0\0\x09"
		"error: no",
		13);
	ck_assert_uint_eq(framing_compose_error(STREAM_LINE, text, reply), 7 + 120 + 1);
	ck_assert_int_eq(reply[127], '\n');
}
