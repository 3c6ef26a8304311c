/* SPDX-License-Identifier: ISC */
/*
 * scan - finds a value in a JSON text (RFC 8259) by its path.
 *
 * The whole text is checked first: a result that was cut short, or is something else, is never half
 * read.  A path names members and, in arrays, places from 0 on, with points between:
 * "failures.0.name".  Names with escapes in them are not found.
 *
 * Errors:   -EINVAL the text is not JSON, or the value not of that kind, or does not fit; -ENOENT no
 *           such path; -EEXIST a member of the path stands there twice.
 */
#ifndef BOBBIN_BENCH_SCAN_H
#define BOBBIN_BENCH_SCAN_H

#include <stdbool.h>
#include <stddef.h>

int scan_number(const char *json, const char *path, double *value);
int scan_bool(const char *json, const char *path, bool *value);

/* How many elements an array has. */
int scan_count(const char *json, const char *path, size_t *count);

/* A string, as it stands between its quotes, escapes and all; cut to fit. */
int scan_text(const char *json, const char *path, char *text, size_t size);

#endif
