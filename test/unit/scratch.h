/* SPDX-License-Identifier: ISC */
/*
 * scratch - a folder of a test's own.  It is the working directory too, so that names in messages are
 * short and known.  It is removed when the test ends.
 */
#ifndef BOBBIN_TEST_UNIT_SCRATCH_H
#define BOBBIN_TEST_UNIT_SCRATCH_H

#include <stddef.h>

/* Make the folder and enter it.  scratch_write() does so too. */
void scratch_enter(void);

/* Write a file there, and make the folders of its name.  Returns the name. */
const char *scratch_write(const char *name, const char *text);

#endif
