/* SPDX-License-Identifier: ISC */
/*
 * pattern - text with placeholders, as bobbind's banner and prefix are written: "{instance} {id}".
 *
 * A placeholder, a name in braces, stands for 1 to 255 bytes, up to where the text that follows it
 * first begins, or to the end; "{{" is a brace.
 *
 * Threads:  any.
 */
#ifndef BOBBIN_LOAD_PATTERN_H
#define BOBBIN_LOAD_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

/* The most bytes of a pattern, its end included. */
#define PATTERN_MAX 2048

/* NULL, or a constant sentence on what is wrong with the pattern. */
const char *pattern_check(const char *pattern);

/* True if the len bytes of text fit the pattern, which is right. */
bool pattern_matches(const char *pattern, const char *text, size_t len);

#endif
