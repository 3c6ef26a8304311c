/* SPDX-License-Identifier: ISC */
/*
 * capture - what this process writes to a standard descriptor, kept in memory for the test to read.
 *
 * Each test is a process of its own, so the descriptor is never put back.
 */
#ifndef BOBBIN_TEST_UNIT_CAPTURE_H
#define BOBBIN_TEST_UNIT_CAPTURE_H

#include <stddef.h>

/* From now on what is written to the descriptor (1 or 2) is kept. */
void capture_begin(int fd);

/* All that has been kept so far, as a string.  Valid until the next call for this descriptor. */
const char *capture_text(int fd);

/* How often the words occur in what has been kept. */
size_t capture_count(int fd, const char *words);

/* The number after the first "key=", or -1. */
long long capture_number(int fd, const char *key);

/* How many descriptors this process has open. */
size_t open_descriptors(void);

#endif
