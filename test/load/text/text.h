/* SPDX-License-Identifier: ISC */
/*
 * text - numbers as a person reads them at a glance: three significant digits and a unit, or
 * thousands apart.
 *
 * Threads:  any.  Each returns the text it was given.
 */
#ifndef BOBBIN_LOAD_TEXT_H
#define BOBBIN_LOAD_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* Room for each of them. */
#define TEXT_NUMBER_MAX 32

/* "512 us", "1.31 ms", "12.0 s". */
char *text_duration(int64_t ns, char *text, size_t size);

/* "1,183,220". */
char *text_count(uint64_t count, char *text, size_t size);

/* "1 connection", "64 connections". */
char *text_number_of(uint64_t count, const char *thing, char *text, size_t size);

/* "19,999", "8.80", "0.50": so many a second, rounded. */
char *text_rate(double per_s, char *text, size_t size);

/* Bytes a second: "7.57 MB/s", decimal as networks count. */
char *text_byte_rate(double bytes_per_s, char *text, size_t size);

#endif
