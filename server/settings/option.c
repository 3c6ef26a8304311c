/* SPDX-License-Identifier: ISC */
/* option - one option's value, read from text and written as text. */
#include "option.h"

#include "common/block.h"
#include "common/quantity.h"
#include "template.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t *number_field(const struct option *row, void *base)
{
	return (int64_t *)((char *)base + row->offset);
}

char **option_text_field(const struct option *row, void *base)
{
	return (char **)((char *)base + row->offset);
}

static char *must_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

static char *must_print(const char *format, ...)
{
	char *text;
	va_list args;

	va_start(args, format);
	int len = vasprintf(&text, format, args);
	va_end(args);
	if (len < 0)
		abort();
	return text;
}

static char *expects_words(const struct option *row)
{
	char *text = must_print("one of");

	for (const char *const *w = row->words; *w; w++) {
		char *longer = must_print("%s%s \"%s\"", text, w == row->words ? "" : ",", *w);
		free(text);
		text = longer;
	}
	return text;
}

char *option_expects(const struct option *row)
{
	char from[QUANTITY_TEXT_MAX];
	char to[QUANTITY_TEXT_MAX];

	switch (row->type) {
	case OPTION_COUNT:
		return must_print(
			"a whole number from %" PRId64 " to %" PRId64, row->min, row->max);
	case OPTION_DURATION:
		return must_print("a duration from %s to %s (" QUANTITY_DURATION_UNITS ")",
			quantity_format_duration(row->min, from),
			quantity_format_duration(row->max, to));
	case OPTION_SIZE:
		return must_print("a size from %s to %s (" QUANTITY_SIZE_UNITS ")",
			quantity_format_size(row->min, from), quantity_format_size(row->max, to));
	case OPTION_SWITCH:
		return must_print("true or false");
	case OPTION_WORD:
		return expects_words(row);
	case OPTION_BLOCKS:
		return must_print("a list of blocks (as in \"192.0.2.0/24\", \"2001:db8::/32\")");
	case OPTION_TEXT:
	case OPTION_TEMPLATE:
		break;
	}
	return must_print("text of %" PRId64 " to %" PRId64 " bytes", row->min, row->max);
}

static bool refuse(const struct option *row, const char *got, char mistake[OPTION_MISTAKE_MAX])
{
	char *expects = option_expects(row);

	snprintf(mistake, OPTION_MISTAKE_MAX, "%s is %.40s; it must be %s", row->key, got, expects);
	free(expects);
	return false;
}

static int parse_count(const char *text, int64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoll(text, &end, 10);
	if (end == text || *end != '\0' || isspace((unsigned char)*text))
		return -EINVAL;
	return -errno;
}

static int parse_word(const char *const *words, const char *text, int64_t *value)
{
	for (*value = 0; words[*value]; ++*value) {
		if (strcmp(words[*value], text) == 0)
			return 0;
	}
	return -EINVAL;
}

static const char *const switch_words[] = {"false", "true", NULL};

static int parse_number(const struct option *row, const char *text, int64_t *value)
{
	switch (row->type) {
	case OPTION_COUNT:
		return parse_count(text, value);
	case OPTION_DURATION:
		return quantity_parse_duration(text, value);
	case OPTION_SIZE:
		return quantity_parse_size(text, value);
	case OPTION_SWITCH:
		return parse_word(switch_words, text, value);
	case OPTION_WORD:
		return parse_word(row->words, text, value);
	case OPTION_TEXT:
	case OPTION_TEMPLATE:
	case OPTION_BLOCKS:
		break;
	}
	return -EINVAL;
}

static bool in_range(const struct option *row, int64_t value)
{
	return row->type == OPTION_WORD || (value >= row->min && value <= row->max);
}

static bool check_blocks(const char *text, char *mistake, size_t size)
{
	struct block_list *list = block_list_parse(text, mistake, size);

	block_list_free(list);
	return list;
}

/* Check a text of fitting length.  False, with a sentence in mistake, if it is wrong. */
static bool check_text(const struct option *row, const char *text, char *mistake, size_t size)
{
	switch (row->type) {
	case OPTION_TEMPLATE:
		return template_check(text, TEMPLATE_TEXT_MAX, mistake, size);
	case OPTION_BLOCKS:
		return check_blocks(text, mistake, size);
	default:
		return true;
	}
}

static bool set_text(
	const struct option *row, void *base, const char *text, char mistake[OPTION_MISTAKE_MAX])
{
	char **field = option_text_field(row, base);
	int64_t len = (int64_t)strlen(text);

	if (len < row->min || len > row->max)
		return refuse(row, len == 0 ? "empty" : "too long", mistake);
	char wrong[OPTION_MISTAKE_MAX];
	if (!check_text(row, text, wrong, sizeof wrong)) {
		snprintf(mistake, OPTION_MISTAKE_MAX, "%s: %.200s", row->key, wrong);
		return false;
	}
	char *copy = must_print("%s", text);
	free(*field);
	*field = copy;
	return true;
}

bool option_set(
	const struct option *row, void *base, const char *text, char mistake[OPTION_MISTAKE_MAX])
{
	char quoted[48];
	int64_t value;

	if (option_is_text(row))
		return set_text(row, base, text, mistake);
	if (parse_number(row, text, &value) < 0 || !in_range(row, value)) {
		snprintf(quoted, sizeof quoted, "\"%.36s\"", text);
		return refuse(row, quoted, mistake);
	}
	*number_field(row, base) = value;
	return true;
}

bool option_set_number(
	const struct option *row, void *base, int64_t number, char mistake[OPTION_MISTAKE_MAX])
{
	char got[32];
	bool quantity = row->type == OPTION_DURATION || row->type == OPTION_SIZE;

	snprintf(got, sizeof got, "%" PRId64, number);
	/* A bare number is a count; of durations and sizes only 0 needs no unit. */
	if ((row->type != OPTION_COUNT && !(quantity && number == 0)) || !in_range(row, number))
		return refuse(row, got, mistake);
	*number_field(row, base) = number;
	return true;
}

bool option_is_text(const struct option *row)
{
	return row->type >= OPTION_TEXT;
}

char *option_text(const struct option *row, const void *base)
{
	char text[QUANTITY_TEXT_MAX];

	if (option_is_text(row))
		return must_print("%s", *option_text_field(row, (void *)base));
	int64_t value = *number_field(row, (void *)base);
	switch (row->type) {
	case OPTION_DURATION:
		return must_print("%s", quantity_format_duration(value, text));
	case OPTION_SIZE:
		return must_print("%s", quantity_format_size(value, text));
	case OPTION_SWITCH:
		return must_print("%s", switch_words[value]);
	case OPTION_WORD:
		return must_print("%s", row->words[value]);
	default:
		return must_print("%" PRId64, value);
	}
}
