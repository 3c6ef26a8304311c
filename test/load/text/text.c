/* SPDX-License-Identifier: ISC */
/* text - numbers as a person reads them at a glance. */
#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct unit {
	const char *name;
	double scale;
};

/* Largest first. */
static const struct unit duration_units[] = {
	{"s", 1e9},
	{"ms", 1e6},
	{"us", 1e3},
	{"ns", 1},
	{NULL, 0},
};

static const struct unit byte_rate_units[] = {
	{"GB/s", 1e9},
	{"MB/s", 1e6},
	{"kB/s", 1e3},
	{"B/s", 1},
	{NULL, 0},
};

static char *scaled(const struct unit *units, double value, char *text, size_t size)
{
	const struct unit *u = units;

	/* What would be rounded to 1000 of a unit is written as 1.00 of the next. */
	while (u[1].name && value < u->scale * 0.9995)
		u++;
	double n = value / u->scale;
	int decimals = u[1].name == NULL || n >= 99.95 ? 0 : n >= 9.995 ? 1 : 2;
	snprintf(text, size, "%.*f %s", decimals, n, u->name);
	return text;
}

char *text_duration(int64_t ns, char *text, size_t size)
{
	return scaled(duration_units, (double)ns, text, size);
}

char *text_byte_rate(double bytes_per_s, char *text, size_t size)
{
	return scaled(byte_rate_units, bytes_per_s, text, size);
}

char *text_count(uint64_t count, char *text, size_t size)
{
	char plain[24];
	int len = snprintf(plain, sizeof plain, "%" PRIu64, count);
	size_t used = 0;

	for (int i = 0; i < len && used + 2 < size; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			text[used++] = ',';
		text[used++] = plain[i];
	}
	text[used] = '\0';
	return text;
}

char *text_number_of(uint64_t count, const char *thing, char *text, size_t size)
{
	char number[TEXT_NUMBER_MAX];

	snprintf(text, size, "%s %s%s", text_count(count, number, sizeof number), thing,
		count == 1 ? "" : "s");
	return text;
}

char *text_rate(double per_s, char *text, size_t size)
{
	if (per_s >= 99.5)
		return text_count((uint64_t)(per_s + 0.5), text, size);
	if (per_s < 0.01)
		snprintf(text, size, "%.2g", per_s);
	else
		snprintf(text, size, "%.*f", per_s >= 9.995 ? 1 : 2, per_s);
	return text;
}
