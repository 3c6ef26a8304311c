/* SPDX-License-Identifier: ISC */
/* payload_test - what is sent, made again from its numbers; what fits a banner; and what a request
 * was when the mark was taken. */
#include "test/load/engine/mark.h"
#include "test/load/wire/pattern.h"
#include "test/load/wire/payload.h"
#include "test/load/wire/wire.h"
#include "test/suite.h"

#include <string.h>

static struct payload payload;

static void must_make(uint64_t seed, size_t min_bytes, size_t max_bytes, bool lines)
{
	payload_fini(&payload);
	ck_assert_int_eq(payload_init(&payload, seed, min_bytes, max_bytes, lines), 0);
}

static void tear_down(void)
{
	payload_fini(&payload);
}

static size_t bytes_of(uint32_t connection, uint64_t sequence, char *out)
{
	struct message m;

	payload_compose(&payload, connection, sequence, &m);
	message_copy(&m, 0, out, m.size);
	return m.size;
}

TEST(a_header_is_told_from_what_is_like_one)
{
	uint32_t connection = 0;
	uint64_t sequence = 0;

	ck_assert(payload_parse_header("0000002a.57f3a9c6b7", &connection, &sequence));
	ck_assert(connection == 42 && sequence == 0x57f3a9c6b7);
	ck_assert(!payload_parse_header("0000002a,00000007f3", &connection, &sequence));
	ck_assert(!payload_parse_header("0000002a.00000007g3", &connection, &sequence));
}

TEST(the_same_seed_makes_the_same_bytes_and_another_does_not)
{
	char a[300];
	char b[300];
	char c[300];

	must_make(7, 20, 300, false);
	size_t size = bytes_of(3, 4, a);
	must_make(7, 20, 300, false);
	ck_assert_uint_eq(bytes_of(3, 4, b), size);
	ck_assert_mem_eq(a, b, size);
	must_make(8, 300, 300, false);
	bytes_of(3, 4, c);
	ck_assert_mem_ne(a + PAYLOAD_HEADER_BYTES, c + PAYLOAD_HEADER_BYTES, 16);
}

TEST(neighbours_differ_at_every_size)
{
	for (size_t size = 1; size <= 40; size++) {
		char a[40];
		char b[40];
		must_make(5, size, size, false);
		bytes_of(1, 15, a);
		bytes_of(1, 16, b);
		ck_assert_mem_ne(a, b, size);
	}
}

TEST(sizes_stay_within_the_range_and_reach_its_ends)
{
	unsigned seen[13] = {0};

	must_make(9, 10, 12, false);
	for (uint64_t s = 0; s < 100; s++) {
		struct message m;
		payload_compose(&payload, 0, s, &m);
		ck_assert_uint_lt(m.size, SUITE_COUNT(seen));
		seen[m.size]++;
	}
	ck_assert_uint_eq(seen[10] + seen[11] + seen[12], 100);
	ck_assert(seen[10] && seen[11] && seen[12]);
}

TEST(a_line_contains_no_newline_and_a_frame_contains_all_bytes)
{
	static char bytes[65536];

	must_make(3, sizeof bytes, sizeof bytes, true);
	bytes_of(0, 0, bytes);
	ck_assert_ptr_null(memchr(bytes, '\n', sizeof bytes));
	must_make(3, sizeof bytes, sizeof bytes, false);
	bytes_of(0, 0, bytes);
	for (int byte = 0; byte < 256; byte++)
		ck_assert_ptr_nonnull(memchr(bytes, byte, sizeof bytes));
}

TEST(any_piece_can_be_copied_and_matched)
{
	struct wire w = {SERVICE_LINE, "pre: ", 5, false, &payload};
	struct form f;
	char whole[80];
	char piece[80];

	must_make(11, 40, 40, true);
	wire_reply(&w, 6, 7, &f);
	ck_assert_uint_eq(f.len, 46);
	ck_assert_uint_eq(form_copy(&f, 0, whole, sizeof whole), 46);
	ck_assert_mem_eq(whole, "pre: 00000006.", 14);
	ck_assert_int_eq(whole[45], '\n');
	ck_assert_int_eq(form_byte(&f, 1), 'r');
	ck_assert_int_eq(form_byte(&f, 46), -1);
	for (size_t from = 0; from < f.len; from++) {
		for (size_t len = 1; from + len <= f.len; len++) {
			ck_assert_uint_eq(form_copy(&f, from, piece, len), len);
			ck_assert_mem_eq(piece, whole + from, len);
			ck_assert_uint_eq(form_match(&f, from, piece, len), len);
			piece[len - 1] ^= 1;
			ck_assert_uint_eq(form_match(&f, from, piece, len), len - 1);
		}
	}
}

/* Requests of 100 bytes: 10 whole ones are sent, and some of the next. */
static const struct {
	size_t sent_of_next;
	uint64_t unacknowledged;
	uint64_t acknowledged;
} marks[] = {{30, 0, 10}, {30, 30, 10}, {30, 31, 9}, {0, 1, 9}, {0, 100, 9}, {0, 101, 8},
	{0, 1000, 0}, {0, UINT64_MAX, 0}};

TEST_ROWS(the_mark_counts_back_from_what_is_not_acknowledged, SUITE_COUNT(marks))
{
	struct wire w = {SERVICE_LINE, "", 0, false, &payload};

	must_make(1, 99, 99, true);
	ck_assert_uint_eq(
		mark_acknowledged(&w, 0, 10, marks[_i].sent_of_next, marks[_i].unacknowledged),
		marks[_i].acknowledged);
}

/* Patterns. */

static bool fits(const char *pattern, const char *text)
{
	ck_assert_ptr_null(pattern_check(pattern));
	return pattern_matches(pattern, text, strlen(text));
}

static const struct {
	const char *pattern;
	const char *text;
	bool fits;
} patterns[] = {
	{"", "", true},
	{"", "x", false},
	{"220 ready", "220 ready", true},
	{"220 ready", "220 read", false},
	{"220 ready", "220 ready ", false},
	{"{{x}", "{x}", true},
	{"{instance} {id}", "blue-1 17", true},
	{"{instance} {id}", "blue-1 ", false},
	{"{instance} {id}", " 17", false},
	{"<{id}>", "<a>b>", true},
	{"<{id}>", "<>", false},
	{"{a}, {b}, {c}!", "one, two, three!", true},
	{"{a}, {b}, {c}!", "one, two three!", false},
};

TEST_ROWS(a_placeholder_is_any_text_but_none, SUITE_COUNT(patterns))
{
	ck_assert(fits(patterns[_i].pattern, patterns[_i].text) == patterns[_i].fits);
}

/* One that tried every place would not end within the test's time. */
TEST(a_placeholder_is_bounded_and_a_pattern_costs_no_more_than_its_text)
{
	char text[1901];

	memset(text, 'a', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	ck_assert(!fits("{a}a{b}a{c}a{d}a{e}a{f}z", text));
	text[256] = '\0';
	ck_assert(!fits("{id}", text));
	text[255] = '\0';
	ck_assert(fits("{id}", text));
}

static const char *const wrong[] = {"{", "{}", "{id", "{Id}", "{a}{b}", "a\nb", "{ id}"};

TEST_ROWS(what_is_no_pattern_is_refused, SUITE_COUNT(wrong))
{
	ck_assert_msg(pattern_check(wrong[_i]) != NULL, "\"%s\"", wrong[_i]);
	ck_assert_ptr_null(pattern_check("{a}, {b} and {{c}"));
}

SUITE_FIXTURE(NULL, tear_down)
