/* SPDX-License-Identifier: ISC */
/*
 * scratch - a folder of a test's own, which is also its working directory, so that the names in
 * messages are short and known.  It goes when the test ends.
 */
#ifndef BOBBIN_TEST_UNIT_SCRATCH_H
#define BOBBIN_TEST_UNIT_SCRATCH_H

#include <stddef.h>

/* Make the folder and enter it.  Called by the others when need be. */
void scratch_enter(void);

/* Write a file there; the folders of its name are made.  Returns the name. */
const char *scratch_write(const char *name, const char *text);

#endif
