/* SPDX-License-Identifier: ISC */
/*
 * json - writes JSON (RFC 8259) to a stdio stream: objects, arrays, commas and quotes are its
 * business.
 *
 * A name is given to what stands in an object, NULL to what stands in an array.  Errors are the
 * stream's: ferror(3).
 */
#ifndef BOBBIN_LOAD_JSON_H
#define BOBBIN_LOAD_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json {
	FILE *to;
	unsigned depth;
	bool first; /* nothing stands yet in the innermost object or array */
	bool flat;  /* the innermost is written on one line */
};

void json_init(struct json *j, FILE *to);

void json_open_object(struct json *j, const char *name);
void json_close_object(struct json *j);

/* An array of numbers goes on one line. */
void json_open_array(struct json *j, const char *name, bool flat);
void json_close_array(struct json *j);

void json_string(struct json *j, const char *name, const char *value);
void json_integer(struct json *j, const char *name, int64_t value);
void json_count(struct json *j, const char *name, uint64_t value);
/* Infinity is null: JSON has no word for it. */
void json_real(struct json *j, const char *name, double value);
void json_bool(struct json *j, const char *name, bool value);

#endif
