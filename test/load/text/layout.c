/* SPDX-License-Identifier: ISC */
/* layout - rows of a report that fit 80 columns. */
#include "layout.h"

#include <stdarg.h>
#include <string.h>

#define TEXT_MAX 1024

/* How much of text goes on a line of so many columns: up to its last space, if it has one. */
static size_t line_len(const char *text, size_t columns)
{
	size_t len = strlen(text);

	if (len <= columns)
		return len;
	for (len = columns; len > 0 && text[len] != ' '; len--)
		;
	return len > 0 ? len : columns;
}

/* The first line begins where we are. */
static void print_lines(FILE *to, const char *text, int at, int indent)
{
	for (;;) {
		size_t len = line_len(text, (size_t)(LAYOUT_COLUMNS - at));
		fprintf(to, "%.*s\n", (int)len, text);
		text += len + strspn(text + len, " ");
		if (!*text)
			return;
		fprintf(to, "%*s", indent, "");
		at = indent;
	}
}

static void print_pair(FILE *to, const char *label, int column, const char *format, va_list args)
{
	char text[TEXT_MAX];

	vsnprintf(text, sizeof text, format, args);
	if (strlen(label) < (size_t)column)
		fprintf(to, "%-*s", column, label);
	else
		fprintf(to, "%s\n%*s", label, column, "");
	print_lines(to, text, column, column);
}

void layout_row(FILE *to, const char *label, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_pair(to, label, LAYOUT_LABEL, format, args);
	va_end(args);
}

void layout_pair(FILE *to, const char *label, int column, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_pair(to, label, column, format, args);
	va_end(args);
}

void layout_text(FILE *to, int indent, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	fprintf(to, "%*s", indent, "");
	print_lines(to, text, indent, indent + 4);
}
