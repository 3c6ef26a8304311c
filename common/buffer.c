/* SPDX-License-Identifier: ISC */
/* buffer - bytes that live in a small place until they need a larger one. */
#include "buffer.h"

#include <string.h>
#include <sys/mman.h>

#define PAGE ((size_t)4096)

size_t buffer_whole_pages(size_t bytes)
{
	return (bytes + PAGE - 1) / PAGE * PAGE;
}

void buffer_init(struct buffer *b, char *home, size_t home_size)
{
	*b = (struct buffer){.data = home, .size = home_size, .home = home, .home_size = home_size};
}

bool buffer_is_home(const struct buffer *b)
{
	return b->data == b->home;
}

void buffer_release(struct buffer *b)
{
	if (!buffer_is_home(b))
		munmap(b->data, b->size);
	buffer_init(b, b->home, b->home_size);
}

void buffer_compact(struct buffer *b, size_t need)
{
	if (buffer_held(b) == 0)
		b->start = b->end = 0;
	if (b->start > 0 && (b->end == b->size || b->size - b->start < need)) {
		memmove(b->data, b->data + b->start, buffer_held(b));
		b->end -= b->start;
		b->start = 0;
	}
}

bool buffer_grow(struct buffer *b, size_t size)
{
	size = buffer_whole_pages(size);
	/* Not mremap(2): ThreadSanitizer does not see what it moves, and reports a race. */
	void *data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (data == MAP_FAILED)
		return false;
	memcpy(data, b->data, b->end);
	if (!buffer_is_home(b))
		munmap(b->data, b->size);
	b->data = data;
	b->size = size;
	return true;
}
