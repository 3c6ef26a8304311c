/* SPDX-License-Identifier: ISC */
/*
 * config_number - a number of a configuration file, split from the text as libconfig splits it.
 *
 * Threads:  any.
 */
#ifndef BOBBIN_SERVER_SETTINGS_CONFIG_NUMBER_H
#define BOBBIN_SERVER_SETTINGS_CONFIG_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config_number {
	bool floating;
	bool hex;
	bool wide;     /* ends in L: 64 bits, where others have 32 */
	size_t digits; /* bytes, with sign and 0x, without L */
	size_t len;
};

/* Does a number begin here? */
bool config_number_begins(const char *at);

/* The number that begins here. */
struct config_number config_number_measure(const char *at);

/* True, with the value, if the integer fits in its bits. */
bool config_number_fits(const char *at, const struct config_number *n, intmax_t *value);

#endif
