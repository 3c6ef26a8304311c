/* SPDX-License-Identifier: ISC */
/* Proves buffer: it keeps what it holds as it grows and moves, and gives back what it took. */
#include "common/buffer.h"

#include "test/suite.h"

#include <stdint.h>
#include <string.h>

static char home[64];

static void is_home_and_empty(const struct buffer *b)
{
	ck_assert(buffer_is_home(b));
	ck_assert_ptr_eq(b->data, home);
	ck_assert_uint_eq(b->size, sizeof home);
	ck_assert_uint_eq(b->start, 0);
	ck_assert_uint_eq(b->end, 0);
}

TEST(what_it_holds_stays_where_it_was_as_it_grows_and_released_it_is_home_again)
{
	struct buffer b;

	buffer_init(&b, home, sizeof home);
	is_home_and_empty(&b);
	memcpy(b.data + 10, "kept", 4);
	b.start = 10;
	b.end = 14;
	for (size_t size = 65; size < 1 << 20; size *= 4) {
		ck_assert(buffer_grow(&b, size));
		ck_assert(!buffer_is_home(&b));
		ck_assert_uint_eq(b.size, buffer_whole_pages(size));
		ck_assert_uint_eq(buffer_held(&b), 4);
		ck_assert_mem_eq(b.data + 10, "kept", 4);
		/* All of it is there. */
		memset(b.data + 14, 'x', b.size - 14);
	}
	buffer_release(&b);
	is_home_and_empty(&b);
	/* Twice does no harm. */
	buffer_release(&b);
	is_home_and_empty(&b);
	ck_assert(!buffer_grow(&b, SIZE_MAX / 2));
	is_home_and_empty(&b);
}

/* Held from start to end, so much needed from start on: moved to the front, or not. */
static const struct {
	size_t start, end, need;
	bool moves;
} compactions[] = {
	{0, 0, 64, false},
	{0, 64, 64, false},
	{10, 20, 54, false},
	{10, 20, 55, true},
	{10, 64, 1, true},
	{63, 64, 1, true},
};

TEST_ROWS(it_moves_what_it_holds_to_the_front_when_there_is_no_room, SUITE_COUNT(compactions))
{
	size_t start = compactions[_i].start;
	size_t held = compactions[_i].end - start;
	struct buffer b;

	buffer_init(&b, home, sizeof home);
	for (size_t i = 0; i < sizeof home; i++)
		home[i] = (char)i;
	b.start = start;
	b.end = compactions[_i].end;
	buffer_compact(&b, compactions[_i].need);
	ck_assert_uint_eq(b.start, compactions[_i].moves ? 0 : start);
	ck_assert_uint_eq(buffer_held(&b), held);
	for (size_t i = 0; i < held; i++)
		ck_assert_int_eq(b.data[b.start + i], (char)(start + i));
}

TEST(empty_it_begins_at_the_front_and_pages_are_whole)
{
	struct buffer b;

	buffer_init(&b, home, sizeof home);
	b.start = b.end = 7;
	buffer_compact(&b, 1);
	is_home_and_empty(&b);
	ck_assert_uint_eq(buffer_whole_pages(1), 4096);
	ck_assert_uint_eq(buffer_whole_pages(4096), 4096);
	ck_assert_uint_eq(buffer_whole_pages(4097), 8192);
}
