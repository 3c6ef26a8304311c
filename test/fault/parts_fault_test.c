/* SPDX-License-Identifier: ISC */
/* Proves block and sources: where memory is not to be had, nothing has changed, and it is said. */
#include "common/block.h"
#include "server/admission/sources.h"
#include "test/suite.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

static atomic_bool out_of_memory;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

/* mmap() by the name that it has where off_t was asked to have 64 bits. */
void *__real_mmap64(void *address, size_t len, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap64(void *address, size_t len, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *address, size_t len, int protection, int flags, int fd, off_t offset);

void *__wrap_malloc(size_t size)
{
	return atomic_load(&out_of_memory) ? NULL : __real_malloc(size);
}

void *__wrap_mmap64(void *address, size_t len, int protection, int flags, int fd, off_t offset)
{
	if (!atomic_load(&out_of_memory))
		return __real_mmap64(address, len, protection, flags, fd, offset);
	errno = ENOMEM;
	return MAP_FAILED;
}

void *__wrap_mmap(void *address, size_t len, int protection, int flags, int fd, off_t offset)
{
	return __wrap_mmap64(address, len, protection, flags, fd, offset);
}

TEST(a_list_for_which_there_is_no_memory_says_so)
{
	char fault[64] = "";

	atomic_store(&out_of_memory, true);
	struct block_list *list = block_list_parse("10.0.0.0/8", fault, sizeof fault);
	atomic_store(&out_of_memory, false);
	ck_assert_ptr_null(list);
	ck_assert_str_eq(fault, "out of memory");
}

TEST(a_table_for_which_there_is_no_memory_stays_as_it_is)
{
	static struct sources s;
	const struct sources_terms terms = {.per_address = 1};
	const struct address a = {.in4 = {.sin_family = AF_INET}};

	sources_init(&s, 2);
	ck_assert_int_eq(sources_enter(&s, &a, &terms, 0), SOURCES_ADMITTED);
	atomic_store(&out_of_memory, true);
	int rc = sources_resize(&s, 2000);
	atomic_store(&out_of_memory, false);
	ck_assert_int_eq(rc, -ENOMEM);
	ck_assert_uint_eq(s.size, 2);
	ck_assert_int_eq(sources_enter(&s, &a, &terms, 0), SOURCES_TOO_MANY);
	sources_leave(&s, &a);
	ck_assert_int_eq(sources_resize(&s, 2000), 0);
	ck_assert_int_eq(sources_enter(&s, &a, &terms, 0), SOURCES_ADMITTED);
}
