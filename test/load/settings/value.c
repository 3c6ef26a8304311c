/* SPDX-License-Identifier: ISC */
/* value - what the options are given, each kind read by a function. */
#include "value.h"

#include "common/deadline.h"
#include "common/quantity.h"
#include "settings.h"
#include "test/load/wire/pattern.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char *parse_digits(const char *text, uint64_t *value)
{
	char *end;

	errno = 0;
	unsigned long long v = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0')
		return "it is not a whole number";
	if (errno == ERANGE)
		return "it is too large";
	*value = v;
	return NULL;
}

const char *value_number(const struct value_range *range, const char *text, void *field)
{
	uint64_t value = 0;
	const char *wrong = parse_digits(text, &value);

	if (wrong)
		return wrong;
	if (value < range->min)
		return "it is too small";
	if (value > range->max)
		return "it is too large";
	*(uint64_t *)field = value;
	return NULL;
}

const char *value_rate(const struct value_range *range, const char *text, void *field)
{
	struct rate rate;
	const char *wrong = rate_parse(text, &rate);

	(void)range;
	if (!wrong && rate.count == 0)
		wrong = "it is above 0";
	if (!wrong)
		*(struct rate *)field = rate;
	return wrong;
}

const char *value_duration(const struct value_range *range, const char *text, void *field)
{
	int64_t ns;

	(void)range;
	if (quantity_parse_duration(text, &ns) < 0)
		return "it is a number and a unit (" QUANTITY_DURATION_UNITS "), as in 30s";
	if (ns < NS_PER_MS || ns > 24 * INT64_C(3600) * NS_PER_S)
		return "it is from 1ms to 24h";
	*(int64_t *)field = ns;
	return NULL;
}

const char *value_sizes(const struct value_range *range, const char *text, void *field)
{
	struct size_range sizes;
	char first[QUANTITY_TEXT_MAX];
	size_t len = strcspn(text, "-");

	(void)range;
	if (len >= sizeof first)
		return "it is too long";
	memcpy(first, text, len);
	first[len] = '\0';
	const char *last = text[len] ? text + len + 1 : first;
	if (quantity_parse_size(first, &sizes.min_bytes) < 0 ||
		quantity_parse_size(last, &sizes.max_bytes) < 0)
		return "it is a number and a unit (" QUANTITY_SIZE_UNITS
		       "), or two and a dash between, as in 64B or 64B-1KiB";
	if (sizes.max_bytes < sizes.min_bytes)
		return "the smaller size comes first";
	if (sizes.max_bytes > (int64_t)PAYLOAD_MAX_BYTES)
		return "it is at most 64MiB";
	*(struct size_range *)field = sizes;
	return NULL;
}

const char *value_text(const struct value_range *range, const char *text, void *field)
{
	(void)range;
	*(const char **)field = text;
	return NULL;
}

const char *value_prefix(const struct value_range *range, const char *text, void *field)
{
	if (strchr(text, '\n') || strlen(text) > 1024)
		return "it is at most 1,024 bytes of one line";
	return value_text(range, text, field);
}

const char *value_banner(const struct value_range *range, const char *text, void *field)
{
	const char *wrong = pattern_check(text);

	return wrong ? wrong : value_text(range, text, field);
}

const char *value_flag(const struct value_range *range, const char *text, void *field)
{
	(void)range;
	(void)text;
	*(bool *)field = true;
	return NULL;
}

const char *value_close(const struct value_range *range, const char *text, void *field)
{
	(void)range;
	bool reset = strcmp(text, "reset") == 0;
	if (!reset && strcmp(text, "fin") != 0)
		return "it is fin or reset";
	*(bool *)field = reset;
	return NULL;
}

const char *value_sources(const struct value_range *range, const char *text, void *field)
{
	const char *mistake;

	(void)range;
	return endpoint_parse_sources(text, field, &mistake) < 0 ? mistake : NULL;
}

/* Adds one to those there are. */
const char *value_bound(const struct value_range *range, const char *text, void *field)
{
	struct bounds *bounds = field;
	const char *mistake;

	(void)range;
	if (bounds->count == EXPRESSION_BOUNDS_MAX)
		return "there are 32 already";
	if (expression_parse(text, &bounds->of[bounds->count], &mistake) < 0)
		return mistake;
	bounds->count++;
	return NULL;
}

const char *value_seed(const struct value_range *range, const char *text, void *field)
{
	struct settings *s = field;

	(void)range;
	s->seed_given = true;
	return parse_digits(text, &s->seed);
}
