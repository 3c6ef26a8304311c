/* SPDX-License-Identifier: ISC */
/*
 * layout - rows of a report: a label, and text that is broken at spaces so that no line is wider
 * than 80 columns.
 *
 * Threads:  those of the stream.
 */
#ifndef BOBBIN_LOAD_LAYOUT_H
#define BOBBIN_LOAD_LAYOUT_H

#include <stdio.h>

#define LAYOUT_COLUMNS 80

/* Where the text of a row begins. */
#define LAYOUT_LABEL 13

/* One row; further lines of its text begin below it. */
__attribute__((format(printf, 3, 4))) void layout_row(
	FILE *to, const char *label, const char *format, ...);

/* The same with a text that begins at another column; a label that is too wide has its own line. */
__attribute__((format(printf, 4, 5))) void layout_pair(
	FILE *to, const char *label, int column, const char *format, ...);

/* A row without a label, whose first line begins at column indent, and the further ones 4 later. */
__attribute__((format(printf, 3, 4))) void layout_text(
	FILE *to, int indent, const char *format, ...);

#endif
