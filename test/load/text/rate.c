/* SPDX-License-Identifier: ISC */
/* rate - how many in what time, exactly. */
#include "rate.h"

#include "common/deadline.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

/* So that no product below leaves 64 bits: 1e10 times a prefix of 1e9 is 1e19. */
#define DIGITS_MAX   10
#define DECIMALS_MAX 3

__extension__ typedef unsigned __int128 wide;

static const struct {
	const char *name;
	int64_t ns;
} units[] = {
	{"", NS_PER_S},
	{"/s", NS_PER_S},
	{"/min", 60 * NS_PER_S},
	{"/h", 3600 * NS_PER_S},
};

static const struct {
	char sign;
	uint64_t times;
} multiples[] = {
	{'k', 1000},
	{'M', 1000000},
	{'G', 1000000000},
};

/* Digits and at most one point, off the front.  False if there are none, or too many. */
static bool take_number(const char **text, struct rate *r)
{
	unsigned digits = 0;
	unsigned decimals = 0;
	bool point = false;

	for (; (**text >= '0' && **text <= '9') || (**text == '.' && !point); (*text)++) {
		if (**text == '.') {
			point = true;
			continue;
		}
		r->count = r->count * 10 + (uint64_t)(**text - '0');
		digits++;
		decimals += point;
		if (point)
			r->per_ns *= 10;
		if (digits > DIGITS_MAX || decimals > DECIMALS_MAX)
			return false;
	}
	return digits > 0;
}

static void take_multiple(const char **text, struct rate *r)
{
	for (size_t i = 0; i < sizeof multiples / sizeof *multiples; i++) {
		if (**text == multiples[i].sign) {
			r->count *= multiples[i].times;
			(*text)++;
			return;
		}
	}
}

static bool take_unit(const char *text, struct rate *r)
{
	text += strspn(text, " ");
	for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
		if (strcmp(text, units[i].name) == 0) {
			r->per_ns *= units[i].ns;
			return true;
		}
	}
	return false;
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
	while (b > 0) {
		uint64_t rest = a % b;
		a = b;
		b = rest;
	}
	return a;
}

const char *rate_parse(const char *text, struct rate *out)
{
	struct rate r = {.count = 0, .per_ns = 1};

	if (!take_number(&text, &r))
		return "it is " RATE_SYNTAX ", as in 20k/s, with at most three decimals";
	take_multiple(&text, &r);
	if (!take_unit(text, &r))
		return "it is " RATE_SYNTAX ", as in 20k/s";
	if (rate_per_s(&r) > RATE_MAX_PER_S)
		return "it is at most 1G/s";
	/* Of 0 and anything that is the other, so that each rate of 0 is 0 in 1 ns. */
	uint64_t divisor = common_divisor(r.count, (uint64_t)r.per_ns);
	assert(divisor > 0);
	*out = (struct rate){r.count / divisor, r.per_ns / (int64_t)divisor};
	return NULL;
}

double rate_per_s(const struct rate *r)
{
	return r->count > 0 ? (double)r->count * (double)NS_PER_S / (double)r->per_ns : 0;
}

int64_t rate_moment(const struct rate *r, uint64_t k)
{
	wide ns = (wide)k * (wide)r->per_ns / r->count;

	return ns < (wide)INT64_MAX ? (int64_t)ns : INT64_MAX;
}
