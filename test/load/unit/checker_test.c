/* SPDX-License-Identifier: ISC */
/* checker_test - each verdict, with the replies cut into pieces of every size. */
#include "test/load/wire/checking.h"
#include "test/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE 50

/* Requests below this one have been sent. */
#define SENT 4

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

/*
 * Words: the number of a request of connection 3, or of 4 if 'f' (foreign) stands before it; before
 * 'c' a byte near its end is changed, before 'h' the last digit of its connection.
 */
static void write_script(const char *words)
{
	for (const char *p = words; *p; p++) {
		char *at = reply(words != p && p[-1] == 'f' ? 4 : 3, (uint64_t)(*p - '0'));
		if (p[1] == 'c')
			script[script_len - 10] ^= 4;
		if (p[1] == 'h')
			strchr(at + (wire.service == SERVICE_FRAME ? 4 : 0), '.')[-1] = '5';
		p += p[1] != '\0';
	}
}

/* Feed the script in pieces, and say that nothing more comes if asked to.  Returns how many replies
 * were right. */
static unsigned feed(size_t piece, enum check *end, bool whole)
{
	unsigned right = 0;

	*end = CHECK_MORE;
	for (size_t at = 0; at < script_len && *end == CHECK_MORE; at += piece) {
		const char *data = script + at;
		size_t len = script_len - at < piece ? script_len - at : piece;
		while ((*end = checking_next(&checker, &wire, SENT, &data, &len, &finding)) ==
			CHECK_RIGHT)
			right++;
	}
	if (*end == CHECK_MORE && whole)
		*end = checking_end(&checker, &wire, SENT, &finding);
	return right;
}

static const enum service services[] = {SERVICE_LINE, SERVICE_FRAME, SERVICE_ECHO};

static void must_find(enum verdict verdict, uint64_t sequence)
{
	ck_assert_int_eq(finding.verdict, verdict);
	ck_assert_uint_eq(finding.sequence, sequence);
}

TEST_ROWS(right_replies_are_right_however_they_are_cut, SUITE_COUNT(services))
{
	for (size_t piece = 1; piece < 130; piece++) {
		enum check end;
		begin(services[_i]);
		write_script("0 1 2 3");
		ck_assert_uint_eq(feed(piece, &end, true), SENT);
		ck_assert_int_eq(end, CHECK_MORE);
		ck_assert(!checker_inside_reply(&checker));
	}
}

static const struct {
	const char *script;
	enum verdict verdict;
	uint64_t sequence;
	size_t offset;             /* CHANGED: with echo, which has no head */
	uint64_t other_sequence;   /* DROPPED, SWAPPED, REPEATED, FOREIGN */
	uint32_t other_connection; /* the same */
} rows[] = {
	{"0 2 3", VERDICT_DROPPED, 1, 0, 2, 3},
	{"0 2", VERDICT_DROPPED, 1, 0, 2, 3},
	{"0 2 1", VERDICT_SWAPPED, 1, 0, 2, 3},
	{"0 0", VERDICT_REPEATED, 1, 0, 0, 3},
	{"0f1", VERDICT_FOREIGN, 1, 0, 1, 4},
	{"0 1c2", VERDICT_CHANGED, 1, SIZE - 10, 0, 0},
	/* Not another connection's reply: all that follows is ours. */
	{"0 1h2", VERDICT_CHANGED, 1, 7, 0, 0},
	{"0 1 2 3 4", VERDICT_EARLY, 4, 0, 0, 0},
};

TEST_ROWS(a_wrong_reply_is_named_however_it_is_cut, SUITE_COUNT(rows) * SUITE_COUNT(services))
{
	static const size_t pieces[] = {1, 2, 7, 49, 50, 57, 4096};
	size_t row = (size_t)_i % SUITE_COUNT(rows);
	enum service service = services[(size_t)_i / SUITE_COUNT(rows)];

	for (size_t k = 0; k < SUITE_COUNT(pieces); k++) {
		enum check end;
		begin(service);
		write_script(rows[row].script);
		feed(pieces[k], &end, true);
		ck_assert_int_eq(end, CHECK_WRONG);
		must_find(rows[row].verdict, rows[row].sequence);
		if (rows[row].verdict == VERDICT_CHANGED && service == SERVICE_ECHO)
			ck_assert_uint_eq(finding.offset, rows[row].offset);
		if (rows[row].verdict == VERDICT_CHANGED || rows[row].verdict == VERDICT_EARLY)
			continue;
		ck_assert_uint_eq(finding.other_sequence, rows[row].other_sequence);
		ck_assert_uint_eq(finding.other_connection, rows[row].other_connection);
	}
}

TEST(a_line_without_end_is_bounded)
{
	enum check end = CHECK_MORE;

	begin(SERVICE_LINE);
	memset(script, 'x', sizeof script);
	script_len = sizeof script;
	for (int pieces = 0; end == CHECK_MORE && pieces < 10; pieces++)
		feed(4096, &end, false);
	ck_assert_int_eq(end, CHECK_WRONG);
	must_find(VERDICT_LONG, 0);
}

TEST(an_error_reply_is_told_from_a_wrong_one)
{
	enum check end;

	begin(SERVICE_LINE);
	script_len = (size_t)sprintf(script, "error: too many\n");
	feed(5, &end, false);
	ck_assert_int_eq(end, CHECK_REFUSED);

	begin(SERVICE_FRAME);
	memcpy(script, "\0\0\0\17error: too many", 19);
	script_len = 19;
	feed(5, &end, false);
	ck_assert_int_eq(end, CHECK_REFUSED);
}

TEST(with_any_prefix_only_the_end_of_the_line_counts)
{
	enum check end;

	for (size_t piece = 1; piece < 130; piece++) {
		begin(SERVICE_LINE);
		write_script("0 1");
		script[0] = '?';
		wire.prefix_any = true;
		wire.prefix_len = 0;
		ck_assert_uint_eq(feed(piece, &end, false), 2);
		ck_assert_int_eq(end, CHECK_MORE);
	}
}

TEST(payloads_too_short_for_a_header_still_tell_neighbours_apart)
{
	enum check end;

	payload_fini(&payload);
	ck_assert_int_eq(payload_init(&payload, 1, 3, 3, true), 0);
	begin(SERVICE_LINE);
	write_script("1 0");
	feed(4096, &end, false);
	ck_assert_int_eq(end, CHECK_WRONG);
	must_find(VERDICT_SWAPPED, 0);
}

SUITE_FIXTURE(set_up, tear_down)
