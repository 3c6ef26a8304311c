/* SPDX-License-Identifier: ISC */
/*
 * quantity - durations and sizes as people write them: "30s", "250ms", "64KiB".
 *
 * A quantity is a number, which may have a decimal point, and directly after it a unit.  A bare "0"
 * needs no unit.  Durations are kept in nanoseconds, sizes in bytes, both in an int64_t.
 *
 * Threads:  any.
 */
#ifndef BOBBIN_COMMON_QUANTITY_H
#define BOBBIN_COMMON_QUANTITY_H

#include <stddef.h>
#include <stdint.h>

/* Room for any quantity as text, its end included. */
#define QUANTITY_TEXT_MAX 32

/* The units that each kind knows, for messages: "ns, us, ms, s, min, h, d". */
#define QUANTITY_DURATION_UNITS "ns, us, ms, s, min, h, d"
#define QUANTITY_SIZE_UNITS     "B, KiB, MiB, GiB"

/*
 * Read text into *value.  Returns 0; -EINVAL if it is no number with a known unit, or falls between
 * two whole nanoseconds or bytes; -ERANGE if it does not fit.  A failed call leaves *value as it
 * was.
 */
int quantity_parse_duration(const char *text, int64_t *value_ns);
int quantity_parse_size(const char *text, int64_t *value_bytes);

/*
 * Write a value (0 or more) with the largest unit that needs no decimal point, into a buffer of
 * QUANTITY_TEXT_MAX.  Returns the buffer.  What is written parses back to the same value.
 */
char *quantity_format_duration(int64_t value_ns, char text[QUANTITY_TEXT_MAX]);
char *quantity_format_size(int64_t value_bytes, char text[QUANTITY_TEXT_MAX]);

#endif
