/* SPDX-License-Identifier: ISC */
/* config_number - a number of a configuration file. */
#include "config_number.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

static size_t count(const char *at, int (*is)(int))
{
	size_t n = 0;

	while (is((unsigned char)at[n]))
		n++;
	return n;
}

/* ".5e7", which makes the digits before it a number with a decimal point; 0 if it is none. */
static size_t fraction_len(const char *at)
{
	size_t len = at[0] == '.' ? 1 + count(at + 1, isdigit) : 0;

	if (at[len] == 'e' || at[len] == 'E') {
		size_t sign = at[len + 1] == '-' || at[len + 1] == '+';
		size_t exponent = count(at + len + 1 + sign, isdigit);
		len += exponent > 0 ? 1 + sign + exponent : 0;
	}
	return len;
}

struct config_number config_number_measure(const char *at)
{
	struct config_number n = {0};
	size_t sign = *at == '-' || *at == '+';
	size_t fraction;

	n.hex = at[0] == '0' && (at[1] == 'x' || at[1] == 'X') && isxdigit((unsigned char)at[2]);
	n.digits = n.hex ? 2 + count(at + 2, isxdigit) : sign + count(at + sign, isdigit);
	fraction = n.hex ? 0 : fraction_len(at + n.digits);
	n.floating = fraction > 0;
	n.wide = !n.floating && at[n.digits] == 'L';
	n.len = n.digits + fraction + (n.wide ? 1 + (at[n.digits + 1] == 'L') : 0);
	return n;
}

bool config_number_begins(const char *at)
{
	size_t sign = *at == '-' || *at == '+';

	return isdigit((unsigned char)at[sign + (at[sign] == '.')]);
}

bool config_number_fits(const char *at, const struct config_number *n, intmax_t *value)
{
	char digits[32];

	/* Zeros in front are no digits. */
	size_t sign = *at == '-' || *at == '+';
	size_t skip = n->hex ? 2 : sign;
	while (skip + 1 < n->digits && at[skip] == '0')
		skip++;
	if (n->digits - skip > 20)
		return false;
	snprintf(digits, sizeof digits, "%s%.*s", *at == '-' ? "-" : "", (int)(n->digits - skip),
		at + skip);
	errno = 0;
	*value = strtoimax(digits, NULL, n->hex ? 16 : 10);
	return errno == 0 && (n->wide || (*value >= INT32_MIN && *value <= INT32_MAX));
}
