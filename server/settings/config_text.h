/* SPDX-License-Identifier: ISC */
/*
 * config_text - a text put together from several files, which knows where each of its lines stood.
 *
 * Threads:  before threads start, or the one that reloads.
 */
#ifndef BOBBIN_SERVER_SETTINGS_CONFIG_TEXT_H
#define BOBBIN_SERVER_SETTINGS_CONFIG_TEXT_H

#include <stddef.h>

/* Where a line stands.  path lives as long as the text. */
struct config_place {
	const char *path;
	unsigned line;
};

struct config_segment;

struct config_text { /* fields belong to config_text.c, and are read by its users */
	char *bytes; /* NUL after them; NULL at first */
	size_t size;
	size_t capacity;
	unsigned lines; /* ends of line in the text */
	struct config_segment *segments;
	size_t segment_count;
	char **paths; /* of the files that were read */
	size_t path_count;
};

/* Takes a zeroed text. */
void config_text_fini(struct config_text *t);

/* Append bytes. */
void config_text_put(struct config_text *t, const char *bytes, size_t len);

/* Take over a path on the heap, and keep it as long as the text.  Returns it. */
const char *config_text_keep_path(struct config_text *t, char *path);

/* From the text's next line on, lines stand in this file, from this line on. */
void config_text_begin(struct config_text *t, const char *path, unsigned line);

/* Where a line of the text stood; lines count from 1. */
struct config_place config_text_place(const struct config_text *t, unsigned line);

#endif
