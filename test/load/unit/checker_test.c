/* SPDX-License-Identifier: ISC */
/* checker_test - each verdict, with the replies cut into pieces of every size. */
#include "test/load/wire/checking.h"
#include "test/suite.h"

#include <stdio.h>
#include <string.h>

#define SIZE 50

static struct payload payload;
static struct wire wire;
static struct checker checker;
static struct finding finding;

/* What the server is made to send. */
static char script[4096];
static size_t script_len;

static void set_up(void)
{
	ck_assert_int_eq(payload_init(&payload, 1, SIZE, SIZE, true), 0);
}

static void tear_down(void)
{
	checker_fini(&checker);
	payload_fini(&payload);
}

static void begin(enum service service)
{
	checker_fini(&checker);
	checker_init(&checker, 3);
	wire = (struct wire){service, "echo: ", service == SERVICE_LINE ? 6 : 0, false, &payload};
	script_len = 0;
}

/* Add the reply to a request; returns where it begins. */
static char *reply(uint32_t connection, uint64_t sequence)
{
	struct form f;
	char *at = script + script_len;

	wire_reply(&wire, connection, sequence, &f);
	script_len += form_copy(&f, 0, at, sizeof script - script_len);
	return at;
}

/* Put bytes at a place of the script, which ends behind them. */
static void put(size_t at, const char *bytes, size_t len)
{
	memcpy(script + at, bytes, len);
	script_len = at + len;
}

/* Feed the script in pieces; requests below sent have been sent.  Returns how many replies were
 * right. */
static unsigned feed(uint64_t sent, size_t piece, enum check *end)
{
	unsigned right = 0;

	*end = CHECK_MORE;
	for (size_t at = 0; at < script_len && *end == CHECK_MORE; at += piece) {
		const char *data = script + at;
		size_t len = script_len - at < piece ? script_len - at : piece;
		while ((*end = checking_next(&checker, &wire, sent, &data, &len, &finding)) ==
			CHECK_RIGHT)
			right++;
	}
	return right;
}

static const enum service services[] = {SERVICE_LINE, SERVICE_FRAME, SERVICE_ECHO};
static const size_t pieces[] = {1, 2, 7, 49, 50, 57, 4096};

/* Script a conversation with each service, and look what the checker makes of each way to cut it.
 */
static void must_find(void (*write_script)(void), enum verdict verdict, uint64_t sequence)
{
	for (size_t i = 0; i < 3; i++) {
		for (size_t k = 0; k < sizeof pieces / sizeof *pieces; k++) {
			enum check end;
			begin(services[i]);
			write_script();
			feed(4, pieces[k], &end);
			if (end == CHECK_MORE)
				end = checking_end(&checker, &wire, 4, &finding);
			ck_assert_int_eq(end, CHECK_WRONG);
			ck_assert_int_eq(finding.verdict, verdict);
			ck_assert_uint_eq(finding.sequence, sequence);
		}
	}
}

TEST(right_replies_are_right_however_they_are_cut)
{
	for (size_t i = 0; i < 3; i++) {
		for (size_t piece = 1; piece < 130; piece++) {
			enum check end;
			begin(services[i]);
			for (uint64_t s = 0; s < 4; s++)
				reply(3, s);
			ck_assert_uint_eq(feed(4, piece, &end), 4);
			ck_assert_int_eq(end, CHECK_MORE);
			ck_assert(!checker_inside_reply(&checker));
		}
	}
}

static void write_dropped(void)
{
	reply(3, 0);
	reply(3, 2);
	reply(3, 3);
}

static void write_dropped_last(void)
{
	reply(3, 0);
	reply(3, 2);
}

static void write_swapped(void)
{
	reply(3, 0);
	reply(3, 2);
	reply(3, 1);
}

static void write_repeated(void)
{
	reply(3, 0);
	reply(3, 0);
}

static void write_foreign(void)
{
	reply(3, 0);
	reply(4, 1);
}

static void write_changed(void)
{
	reply(3, 0);
	char *at = reply(3, 1);
	at[script + script_len - at - 10] ^= 4;
	reply(3, 2);
}

static void write_changed_header(void)
{
	reply(3, 0);
	/* The connection's last digit: not someone else's reply, for all that follows is ours. */
	char *at = reply(3, 1);
	strchr(at + (wire.service == SERVICE_FRAME ? 4 : 0), '.')[-1] = '5';
	reply(3, 2);
}

static void write_early(void)
{
	for (uint64_t s = 0; s < 5; s++)
		reply(3, s);
}

TEST(a_dropped_reply_is_known_by_the_one_behind)
{
	must_find(write_dropped, VERDICT_DROPPED, 1);
	must_find(write_dropped_last, VERDICT_DROPPED, 1);
}

TEST(a_swapped_reply_is_known_when_it_comes)
{
	must_find(write_swapped, VERDICT_SWAPPED, 1);
}

TEST(a_repeated_reply_is_known_by_its_number)
{
	must_find(write_repeated, VERDICT_REPEATED, 1);
	ck_assert_uint_eq(finding.other_sequence, 0);
}

TEST(a_foreign_reply_is_known_by_its_connection)
{
	must_find(write_foreign, VERDICT_FOREIGN, 1);
	ck_assert_uint_eq(finding.other_connection, 4);
	ck_assert_uint_eq(finding.other_sequence, 1);
}

TEST(a_changed_byte_is_known_by_its_offset)
{
	must_find(write_changed, VERDICT_CHANGED, 1);
	ck_assert_uint_eq(finding.offset, SIZE - 10);
	must_find(write_changed_header, VERDICT_CHANGED, 1);
	ck_assert_uint_eq(finding.offset, 7);
	ck_assert_int_eq(finding.expected, '3');
	ck_assert_int_eq(finding.received, '5');
}

TEST(a_reply_before_its_request_is_early)
{
	must_find(write_early, VERDICT_EARLY, 4);
}

TEST(a_line_that_ends_soon_is_short_and_one_that_goes_on_is_long)
{
	enum check end;

	begin(SERVICE_LINE);
	reply(3, 0);
	script[script_len - 2] = '\n';
	script_len--;
	feed(1, 4096, &end);
	ck_assert_int_eq(end, CHECK_WRONG);
	ck_assert_int_eq(finding.verdict, VERDICT_SHORT);
	ck_assert_uint_eq(finding.offset, 6 + SIZE - 1);

	begin(SERVICE_LINE);
	reply(3, 0);
	put(script_len - 1, "xyz\n", 4);
	feed(1, 3, &end);
	ck_assert_int_eq(end, CHECK_WRONG);
	ck_assert_int_eq(finding.verdict, VERDICT_LONG);
	ck_assert_uint_eq(finding.offset, 6 + SIZE);
}

TEST(a_line_without_end_is_bounded)
{
	enum check end = CHECK_MORE;
	unsigned pieces_read = 0;

	begin(SERVICE_LINE);
	memset(script, 'x', sizeof script);
	script_len = sizeof script;
	while (end == CHECK_MORE && pieces_read++ < 10)
		feed(1, 4096, &end);
	ck_assert_int_eq(end, CHECK_WRONG);
	ck_assert_int_eq(finding.verdict, VERDICT_LONG);
}

TEST(an_error_reply_is_told_from_a_wrong_one)
{
	const char *text;
	enum check end;

	begin(SERVICE_LINE);
	script_len = (size_t)sprintf(script, "error: too many\n");
	feed(1, 5, &end);
	ck_assert_int_eq(end, CHECK_REFUSED);
	ck_assert_uint_eq(checker_error_text(&checker, &wire, &text), 15);
	ck_assert_mem_eq(text, "error: too many", 15);

	begin(SERVICE_FRAME);
	put(0, "\0\0\0\17error: too many", 19);
	feed(1, 5, &end);
	ck_assert_int_eq(end, CHECK_REFUSED);
}

TEST(with_any_prefix_only_the_end_of_the_line_counts)
{
	enum check end;

	for (size_t piece = 1; piece < 130; piece++) {
		begin(SERVICE_LINE);
		reply(3, 0);
		script[0] = '?';
		reply(3, 1);
		wire.prefix_any = true;
		wire.prefix_len = 0;
		ck_assert_uint_eq(feed(2, piece, &end), 2);
		ck_assert_int_eq(end, CHECK_MORE);
	}
}

TEST(payloads_too_short_for_a_header_still_tell_neighbours_apart)
{
	enum check end;

	payload_fini(&payload);
	ck_assert_int_eq(payload_init(&payload, 1, 3, 3, true), 0);
	begin(SERVICE_LINE);
	reply(3, 1);
	reply(3, 0);
	feed(4, 4096, &end);
	ck_assert_int_eq(end, CHECK_WRONG);
	ck_assert_int_eq(finding.verdict, VERDICT_SWAPPED);
}

SUITE_FIXTURE(set_up, tear_down)
