/* SPDX-License-Identifier: ISC */
/* Proves block and sources: where memory is not to be had, nothing has changed, and it is said. */
#include "common/block.h"
#include "server/sources.h"
#include "suite.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

/* So many more calls succeed; negative: all. */
static atomic_int granted = -1;

static bool grant(void)
{
	int left = atomic_load(&granted);

	if (left > 0)
		atomic_fetch_sub(&granted, 1);
	return left != 0;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_malloc(size_t size)
{
	return grant() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
	return grant() ? __real_calloc(count, size) : NULL;
}

START_TEST(a_list_for_which_there_is_no_memory_says_so)
{
	char fault[64] = "";

	atomic_store(&granted, 0);
	struct block_list *list = block_list_parse("10.0.0.0/8", fault, sizeof fault);
	atomic_store(&granted, -1);
	ck_assert_ptr_null(list);
	ck_assert_str_eq(fault, "out of memory");
}
END_TEST

/* With so many of the two pieces to be had. */
START_TEST(a_table_for_which_there_is_no_memory_stays_as_it_is)
{
	static struct sources s;
	const struct sources_terms terms = {.per_address = 1};
	const struct address a = {.in4 = {.sin_family = AF_INET}};

	sources_init(&s, 2);
	ck_assert_int_eq(sources_enter(&s, &a, &terms, 0), SOURCES_ADMITTED);
	atomic_store(&granted, _i);
	int rc = sources_resize(&s, 2000);
	atomic_store(&granted, -1);
	ck_assert_int_eq(rc, -ENOMEM);
	ck_assert_uint_eq(s.size, 2);
	ck_assert_int_eq(sources_enter(&s, &a, &terms, 0), SOURCES_TOO_MANY);
	sources_leave(&s, &a);
	ck_assert_int_eq(sources_resize(&s, 2000), 0);
	ck_assert_int_eq(sources_enter(&s, &a, &terms, 0), SOURCES_ADMITTED);
}
END_TEST

int main(void)
{
	const struct suite_test tests[] = {
		{a_list_for_which_there_is_no_memory_says_so, 0},
		{a_table_for_which_there_is_no_memory_stays_as_it_is, 2},
	};

	return suite_run("parts_fault", tests, SUITE_COUNT(tests));
}
