/* SPDX-License-Identifier: ISC */
/*
 * value - what the options are given, each kind read by a function.
 *
 * Threads:  main.
 */
#ifndef BOBBIN_LOAD_VALUE_H
#define BOBBIN_LOAD_VALUE_H

#include <stdint.h>

struct value_range { /* of a number; other kinds have their own */
	uint64_t min;
	uint64_t max;
};

/*
 * Read text into the field, whose type is named below.  Returns NULL, or a constant sentence on
 * what would be right, and the field is as it was.
 */
typedef const char *value_reader(const struct value_range *range, const char *text, void *field);

value_reader value_number;   /* uint64_t */
value_reader value_rate;     /* struct rate */
value_reader value_duration; /* int64_t, ns */
value_reader value_sizes;    /* struct size_range */
value_reader value_text;     /* const char *, which borrows the text; so do these: */
value_reader value_prefix;
value_reader value_banner;
value_reader value_flag;    /* bool; the text is not looked at */
value_reader value_close;   /* bool: by reset */
value_reader value_sources; /* struct sources */
value_reader value_bound;   /* struct bounds, to which it is added */
value_reader value_seed;    /* struct settings */

#endif
