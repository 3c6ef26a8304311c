/* SPDX-License-Identifier: ISC */
/*
 * buffer - bytes that live in a small place, the owner's, until they need a larger one.
 *
 * The larger one comes from mmap(2): it is given back whole and at once, and a page that is never
 * touched costs nothing.
 *
 * Threads:  a buffer belongs to one thread.
 */
#ifndef BOBBIN_COMMON_BUFFER_H
#define BOBBIN_COMMON_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

struct buffer {
	char *data;
	size_t size;
	size_t start; /* what it holds: from here, */
	size_t end;   /* to here */
	char *home;   /* the small place; borrowed */
	size_t home_size;
};

static inline size_t buffer_held(const struct buffer *b)
{
	return b->end - b->start;
}

/* An empty buffer at home. */
void buffer_init(struct buffer *b, char *home, size_t home_size);

/* Go back home: what the buffer holds is dropped, and larger memory given back. */
void buffer_release(struct buffer *b);

bool buffer_is_home(const struct buffer *b);

/*
 * Make it at least size bytes, more than it has, in whole pages.  What it holds stays at the same
 * offsets; pointers into it become invalid.  False without memory: the buffer is then as it was.
 */
bool buffer_grow(struct buffer *b, size_t size);

/*
 * Move what it holds to the front if there is no room after it, or if need bytes from start on would
 * not fit otherwise.
 */
void buffer_compact(struct buffer *b, size_t need);

/* The size that a buffer of so many bytes takes once it has grown. */
size_t buffer_whole_pages(size_t bytes);

#endif
