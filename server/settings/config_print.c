/* SPDX-License-Identifier: ISC */
/* config_print - settings as a configuration file, every key explained. */
#include "config_print.h"

#include "options.h"

#include <stdlib.h>
#include <string.h>

#define COMMENT_COLUMNS 96

/* Sentences as lines of a comment, broken at spaces. */
static void print_comment(FILE *to, const char *indent, const char *text)
{
	while (*text) {
		size_t room = COMMENT_COLUMNS - 8 * strlen(indent);
		size_t len = strlen(text);
		if (len > room) {
			len = room;
			while (len > 0 && text[len] != ' ')
				len--;
		}
		fprintf(to, "%s# %.*s\n", indent, (int)len, text);
		text += len;
		text += strspn(text, " ");
	}
}

static void print_string(FILE *to, const char *text)
{
	fputc('"', to);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if (c == '"' || c == '\\')
			fprintf(to, "\\%c", c);
		else if (c < 0x20 || c == 0x7f)
			fprintf(to, "\\x%02x", c);
		else
			fputc(c, to);
	}
	fputc('"', to);
}

/* ( "a", "b" ) */
static void print_list(FILE *to, const char *text)
{
	const char separators[] = ", ";
	const char *gap = " ";

	fputc('(', to);
	for (text += strspn(text, separators); *text; text += strspn(text, separators)) {
		size_t len = strcspn(text, separators);
		fprintf(to, "%s\"%.*s\"", gap, (int)len, text);
		text += len;
		gap = ", ";
	}
	fputs(" )", to);
}

static void print_value(FILE *to, const char *indent, const struct option *row, const void *base)
{
	const char *dot = strrchr(row->key, '.');
	char *text = option_text(row, base);
	bool bare = row->type == OPTION_COUNT || row->type == OPTION_SWITCH;

	fprintf(to, "%s%s = ", indent, dot ? dot + 1 : row->key);
	if (bare)
		fputs(text, to);
	else if (row->type == OPTION_BLOCKS)
		print_list(to, text);
	else
		print_string(to, text);
	fputs(";\n", to);
	free(text);
}

static void print_help(FILE *to, const char *indent, const struct option *row)
{
	char line[512];
	char *expects = option_expects(row);

	print_comment(to, indent, row->help);
	snprintf(line, sizeof line, "It is %s.%s", expects,
		row->scope == OPTION_ENDPOINT ? " A listener may override it." : "");
	print_comment(to, indent, line);
	free(expects);
}

/* The length of the group's name in a key, or 0. */
static size_t group_length(const char *key)
{
	const char *dot = strchr(key, '.');

	return dot ? (size_t)(dot - key) : 0;
}

static bool same_group(const struct option *a, const struct option *b)
{
	size_t len = group_length(a->key);

	return b->key && group_length(b->key) == len && strncmp(a->key, b->key, len) == 0;
}

static void print_groups(FILE *to, const struct settings *s)
{
	for (const struct option *row = option_rows; row->key; row++) {
		if (row->scope == OPTION_LISTENER)
			continue;
		bool grouped = group_length(row->key) > 0;
		const char *indent = grouped ? "\t" : "";
		if (grouped && !same_group(row, row - 1))
			fprintf(to, "\n%.*s:\n{\n", (int)group_length(row->key), row->key);
		else
			fputc('\n', to);
		print_help(to, indent, row);
		print_value(to, indent, row, option_base(row, (struct settings *)s));
		if (grouped && !same_group(row, row + 1))
			fputs("};\n", to);
	}
}

static bool overrides(const struct option *row, const struct settings *s, const struct endpoint *e)
{
	if (row->scope != OPTION_ENDPOINT)
		return false;
	char *own = option_text(row, e);
	char *common = option_text(row, &s->defaults);
	bool differs = strcmp(own, common) != 0;
	free(own);
	free(common);
	return differs;
}

/* The first override from row on, or the row that ends them. */
static const struct option *next_override(
	const struct option *row, const struct settings *s, const struct endpoint *e)
{
	while (row->key && !overrides(row, s, e))
		row++;
	return row;
}

static void print_overrides(FILE *to, const struct settings *s, const struct endpoint *e)
{
	const struct option *before = NULL;
	const struct option *row = next_override(option_rows, s, e);

	while (row->key) {
		const struct option *next = next_override(row + 1, s, e);
		if (!before || !same_group(row, before))
			fprintf(to, "\t\t%.*s:\n\t\t{\n", (int)group_length(row->key), row->key);
		print_value(to, "\t\t\t", row, e);
		if (!same_group(row, next))
			fputs("\t\t};\n", to);
		before = row;
		row = next;
	}
}

static void print_listener(FILE *to, const struct settings *s, const struct endpoint *e, bool first)
{
	fputs(first ? "\t{\n" : ",\n\t{\n", to);
	for (const struct option *row = option_rows; row->key; row++) {
		if (row->scope != OPTION_LISTENER)
			continue;
		if (first)
			print_help(to, "\t\t", row);
		print_value(to, "\t\t", row, e);
	}
	print_overrides(to, s, e);
	fputs("\t}", to);
}

void config_print(FILE *to, const struct settings *s)
{
	print_comment(to, "",
		"The configuration of bobbind, every option with its value. See bobbind.conf(5). "
		"Sizes and durations are text with a unit.");
	fputs("\nlisteners = (\n", to);
	for (size_t i = 0; i < s->endpoint_count; i++)
		print_listener(to, s, &s->endpoints[i], i == 0);
	fputs("\n);\n", to);
	print_groups(to, s);
}
