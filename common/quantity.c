/* SPDX-License-Identifier: ISC */
/* quantity - durations and sizes as people write them. */
#include "quantity.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct unit {
	const char *name;
	int64_t scale;
};

/* Smallest first: formatting walks down from the end. */
static const struct unit duration_units[] = {
	{"ns", 1},
	{"us", 1000},
	{"ms", 1000000},
	{"s", 1000000000},
	{"min", 60 * INT64_C(1000000000)},
	{"h", 3600 * INT64_C(1000000000)},
	{"d", 86400 * INT64_C(1000000000)},
	{NULL, 0},
};

static const struct unit size_units[] = {
	{"B", 1},
	{"KiB", INT64_C(1) << 10},
	{"MiB", INT64_C(1) << 20},
	{"GiB", INT64_C(1) << 30},
	{NULL, 0},
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const struct unit *find_unit(const struct unit *units, const char *name)
{
	for (const struct unit *u = units; u->name; u++) {
		if (strcmp(u->name, name) == 0)
			return u;
	}
	return NULL;
}

/*
 * Digits, and perhaps a point and digits, as a whole number and the power of ten that divides it.
 */
static int parse_number(const char **text, int64_t *digits, int64_t *divisor)
{
	const char *p = *text;
	bool point = false;

	*digits = 0;
	*divisor = 1;
	if (!is_digit(*p))
		return -EINVAL;
	for (; is_digit(*p) || (*p == '.' && !point && is_digit(p[1])); p++) {
		if (*p == '.') {
			point = true;
			continue;
		}
		if (__builtin_mul_overflow(*digits, 10, digits) ||
			__builtin_add_overflow(*digits, *p - '0', digits))
			return -ERANGE;
		if (point && __builtin_mul_overflow(*divisor, 10, divisor))
			return -ERANGE;
	}
	*text = p;
	return 0;
}

static int64_t common_factor(int64_t a, int64_t b)
{
	while (b != 0) {
		int64_t rest = a % b;
		a = b;
		b = rest;
	}
	return a;
}

static int parse(const struct unit *units, const char *text, int64_t *value)
{
	int64_t digits;
	int64_t divisor;
	int64_t scaled;
	int rc = parse_number(&text, &digits, &divisor);

	if (rc < 0)
		return rc;
	const struct unit *unit = find_unit(units, text);
	if (!unit && *text == '\0' && digits == 0)
		unit = units;
	if (!unit)
		return -EINVAL;
	/* Reduced first, or "12.345678901s" would overflow before it becomes a value that fits. */
	int64_t factor = common_factor(unit->scale, divisor);
	divisor /= factor;
	assert(divisor > 0);
	if (digits % divisor != 0)
		return -EINVAL;
	if (__builtin_mul_overflow(digits / divisor, unit->scale / factor, &scaled))
		return -ERANGE;
	*value = scaled;
	return 0;
}

static char *format(const struct unit *units, int64_t value, char text[QUANTITY_TEXT_MAX])
{
	const struct unit *best = units;

	assert(value >= 0);
	for (const struct unit *u = units; u->name && value != 0; u++) {
		if (value % u->scale == 0)
			best = u;
	}
	if (value == 0)
		snprintf(text, QUANTITY_TEXT_MAX, "0");
	else
		snprintf(text, QUANTITY_TEXT_MAX, "%" PRId64 "%s", value / best->scale, best->name);
	return text;
}

int quantity_parse_duration(const char *text, int64_t *value_ns)
{
	return parse(duration_units, text, value_ns);
}

int quantity_parse_size(const char *text, int64_t *value_bytes)
{
	return parse(size_units, text, value_bytes);
}

char *quantity_format_duration(int64_t value_ns, char text[QUANTITY_TEXT_MAX])
{
	return format(duration_units, value_ns, text);
}

char *quantity_format_size(int64_t value_bytes, char text[QUANTITY_TEXT_MAX])
{
	return format(size_units, value_bytes, text);
}
