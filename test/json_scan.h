/* SPDX-License-Identifier: ISC */
/*
 * json_scan - finds a value in a JSON text (RFC 8259) by its path.
 *
 * The whole text is checked first: a result that was cut short, or is something else, is never half
 * read.  A path names members and, in arrays, indexes from 0, with points between:
 * "failures.0.name".  Names with escapes in them are not found.
 *
 * Errors:   -EINVAL the text is not JSON, or the value not of that kind; -ENOENT no such path;
 *           -EEXIST a member of the path stands there twice.
 */
#ifndef BOBBIN_TEST_JSON_SCAN_H
#define BOBBIN_TEST_JSON_SCAN_H

#include <stddef.h>

/* A number; true is 1, false is 0, and null is NAN. */
int json_scan_number(const char *json, const char *path, double *value);

/* How many elements an array has. */
int json_scan_count(const char *json, const char *path, size_t *count);

/* A string, as it stands between its quotes, escapes and all; cut to fit. */
int json_scan_text(const char *json, const char *path, char *text, size_t size);

#endif
