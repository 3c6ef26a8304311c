/* SPDX-License-Identifier: ISC */
/* Proves buffer: it keeps what it holds as it grows, and gives back what it took. */
#include "common/buffer.h"

#include "test/suite.h"

#include <stdint.h>
#include <string.h>

static char home[64];

TEST(it_begins_at_home_and_empty)
{
	struct buffer b;

	buffer_init(&b, home, sizeof home);
	ck_assert(buffer_is_home(&b));
	ck_assert_ptr_eq(b.data, home);
	ck_assert_uint_eq(b.size, sizeof home);
	ck_assert_uint_eq(b.start, 0);
	ck_assert_uint_eq(b.end, 0);
}

TEST(what_it_holds_stays_where_it_was_as_it_grows)
{
	struct buffer b;

	buffer_init(&b, home, sizeof home);
	memcpy(b.data + 10, "kept", 4);
	b.start = 10;
	b.end = 14;
	for (size_t size = 65; size < 1 << 20; size *= 4) {
		ck_assert(buffer_grow(&b, size));
		ck_assert(!buffer_is_home(&b));
		ck_assert_uint_eq(b.size, buffer_whole_pages(size));
		ck_assert_uint_eq(b.start, 10);
		ck_assert_uint_eq(b.end, 14);
		ck_assert_mem_eq(b.data + 10, "kept", 4);
		/* All of it is there. */
		memset(b.data + 14, 'x', b.size - 14);
	}
	buffer_release(&b);
}

TEST(released_it_is_at_home_and_empty_again)
{
	struct buffer b;

	buffer_init(&b, home, sizeof home);
	ck_assert(buffer_grow(&b, 5000));
	b.end = 5000;
	buffer_release(&b);
	ck_assert(buffer_is_home(&b));
	ck_assert_uint_eq(b.size, sizeof home);
	ck_assert_uint_eq(b.end, 0);
	/* Twice does no harm. */
	buffer_release(&b);
	ck_assert(buffer_is_home(&b));
}

TEST(more_than_there_is_leaves_it_as_it_was)
{
	struct buffer b;

	buffer_init(&b, home, sizeof home);
	ck_assert(!buffer_grow(&b, SIZE_MAX / 2));
	ck_assert(buffer_is_home(&b));
	ck_assert_uint_eq(b.size, sizeof home);
}

TEST(pages_are_whole)
{
	ck_assert_uint_eq(buffer_whole_pages(1), 4096);
	ck_assert_uint_eq(buffer_whole_pages(4096), 4096);
	ck_assert_uint_eq(buffer_whole_pages(4097), 8192);
}
