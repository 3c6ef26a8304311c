/* SPDX-License-Identifier: ISC */
/*
 * options - every option as a row: key, type, range, default, meaning.
 *
 * The configuration file, -o, -T, the manual page and config/bobbind.conf all follow these rows.
 *
 * Threads:  any; nothing here changes.
 */
#ifndef BOBBIN_SERVER_SETTINGS_OPTIONS_H
#define BOBBIN_SERVER_SETTINGS_OPTIONS_H

#include "option.h"

struct settings;

/* Ended by a row whose key is NULL.  Rows of one group stand together. */
extern const struct option option_rows[];

/* The row of that key, or NULL. */
const struct option *option_find(const char *key);

/* The key that a mistyped one may have meant, or NULL when none is near. */
const char *option_near(const char *key);

/*
 * The struct that holds the row's field in these settings: the set itself, or its defaults for
 * listeners.
 */
void *option_base(const struct option *row, struct settings *s);

#endif
