/* SPDX-License-Identifier: ISC */
/*
 * option - one option: what its row says, and its value read from text and written as text.
 *
 * Threads:  before threads start, or the one that reloads.
 */
#ifndef BOBBIN_SERVER_SETTINGS_OPTION_H
#define BOBBIN_SERVER_SETTINGS_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_type {
	OPTION_COUNT,    /* a whole number */
	OPTION_DURATION, /* "30s" */
	OPTION_SIZE,     /* "64KiB" */
	OPTION_SWITCH,   /* true or false */
	OPTION_WORD,     /* one of a few */
	OPTION_TEXT,     /* this type and those that follow are kept as text */
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

/* Room for any message of option_set(). */
#define OPTION_MISTAKE_MAX 256

/*
 * Set a field from text, as on the command line.  base is the struct settings or struct endpoint
 * that holds it.  Returns true; or false, with the sentence in mistake and the field as it was.
 */
bool option_set(
	const struct option *row, void *base, const char *text, char mistake[OPTION_MISTAKE_MAX]);

/* The same from a number that the configuration file had without quotes. */
bool option_set_number(
	const struct option *row, void *base, int64_t number, char mistake[OPTION_MISTAKE_MAX]);

/* The field is a char *. */
bool option_is_text(const struct option *row);

/* That field. */
char **option_text_field(const struct option *row, void *base);

/* The value as text that option_set() takes.  The caller frees it. */
char *option_text(const struct option *row, const void *base);

/*
 * What may be written, as a phrase: "a duration from 1ms to 365d (ns, us, ...)".  The caller frees
 * it.
 */
char *option_expects(const struct option *row);

#endif
