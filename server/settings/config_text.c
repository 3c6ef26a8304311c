/* SPDX-License-Identifier: ISC */
/* config_text - a text put together from several files. */
#include "config_text.h"

#include <stdlib.h>
#include <string.h>

/* From this line of the text on, lines come from this place. */
struct config_segment {
	unsigned first;
	struct config_place place;
};

static void *must_grow(void *array, size_t size)
{
	void *grown = realloc(array, size);

	if (!grown)
		abort();
	return grown;
}

void config_text_fini(struct config_text *t)
{
	for (size_t i = 0; i < t->path_count; i++)
		free(t->paths[i]);
	free(t->paths);
	free(t->segments);
	free(t->bytes);
}

void config_text_put(struct config_text *t, const char *bytes, size_t len)
{
	if (t->size + len >= t->capacity) {
		t->capacity = 2 * (t->size + len) + 1;
		t->bytes = must_grow(t->bytes, t->capacity);
	}
	for (size_t i = 0; i < len; i++)
		t->lines += bytes[i] == '\n';
	memcpy(t->bytes + t->size, bytes, len);
	t->size += len;
	t->bytes[t->size] = '\0';
}

const char *config_text_keep_path(struct config_text *t, char *path)
{
	if (!path)
		abort();
	t->paths = must_grow(t->paths, (t->path_count + 1) * sizeof *t->paths);
	return t->paths[t->path_count++] = path;
}

void config_text_begin(struct config_text *t, const char *path, unsigned line)
{
	t->segments = must_grow(t->segments, (t->segment_count + 1) * sizeof *t->segments);
	t->segments[t->segment_count++] = (struct config_segment){
		.first = t->lines + 1,
		.place = {.path = path, .line = line},
	};
}

struct config_place config_text_place(const struct config_text *t, unsigned line)
{
	size_t from = 0;
	size_t below = t->segment_count;

	/* The last one that begins at or before the line; the first one begins at 1. */
	while (below - from > 1) {
		size_t middle = from + (below - from) / 2;
		if (t->segments[middle].first <= line)
			from = middle;
		else
			below = middle;
	}
	const struct config_segment *segment = &t->segments[from];
	return (struct config_place){
		.path = segment->place.path,
		.line = segment->place.line + (line - segment->first),
	};
}
