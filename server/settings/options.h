/* SPDX-License-Identifier: ISC */
/*
 * options - every option as a row: key, type, range, default, meaning.
 *
 * The configuration file, -o, -T, the manual page and config/bobbind.conf all follow these rows.
 *
 * Threads:  before threads start.
 */
#ifndef BOBBIN_SERVER_SETTINGS_OPTIONS_H
#define BOBBIN_SERVER_SETTINGS_OPTIONS_H

#include "settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_type {
	OPTION_COUNT,    /* a whole number */
	OPTION_DURATION, /* "30s" */
	OPTION_SIZE,     /* "64KiB" */
	OPTION_SWITCH,   /* true or false */
	OPTION_WORD,     /* one of a few */
	OPTION_TEXT,     /* this one and those that follow are kept as text */
	OPTION_TEMPLATE, /* text with placeholders (template.h) */
	OPTION_BLOCKS,   /* text too: "a, b", and ( "a", "b" ) in the file (common/block.h) */
};

enum option_scope {
	OPTION_SERVER,   /* a field of struct settings */
	OPTION_ENDPOINT, /* a field of struct endpoint: a listener may override it */
	OPTION_LISTENER, /* a field of struct endpoint that only a listener has */
};

struct option {
	const char *key; /* "group.name"; just "name" for OPTION_LISTENER */
	enum option_type type;
	enum option_scope scope;
	size_t offset; /* of the field: an int64_t, or a char * for the types of text */
	int64_t min;   /* smallest and largest value; of a text the shortest and longest */
	int64_t max;
	const char *const *words; /* OPTION_WORD: the value is the index; NULL ends them */
	const char *fallback;     /* the default, as text */
	const char *help;         /* sentences, for -T and the manual page */
};

/* Ended by a row whose key is NULL.  Rows of one group stand together. */
extern const struct option option_rows[];

/* Room for any message of option_set(). */
#define OPTION_MISTAKE_MAX 256

/* The row of that key, or NULL. */
const struct option *option_find(const char *key);

/* The key that somebody may have meant, or NULL when none is near. */
const char *option_near(const char *key);

/*
 * Set a field from text, as on the command line.  base is the struct settings or struct endpoint
 * that holds it. Returns true; or false, with the sentence in mistake and the field as it was.
 */
bool option_set(
	const struct option *row, void *base, const char *text, char mistake[OPTION_MISTAKE_MAX]);

/* The same from a number that the configuration file had without quotes. */
bool option_set_number(
	const struct option *row, void *base, int64_t number, char mistake[OPTION_MISTAKE_MAX]);

/*
 * The struct that holds the row's field in these settings: the set itself, or its defaults for
 * listeners.
 */
void *option_base(const struct option *row, struct settings *s);

/* The field is a char *. */
bool option_is_text(const struct option *row);

/* The value as text that option_set() takes.  The caller frees it. */
char *option_text(const struct option *row, const void *base);

/*
 * What may be written, as a phrase: "a duration from 1ms to 365d (ns, us, ...)".  The caller frees
 * it.
 */
char *option_expects(const struct option *row);

#endif
