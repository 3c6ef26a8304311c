/* SPDX-License-Identifier: ISC */
/* skip - which test does not run here, and why. */
#ifndef BOBBIN_TEST_UNIT_SKIP_H
#define BOBBIN_TEST_UNIT_SKIP_H

#include <stdbool.h>

/*
 * Say it, in the one form that is looked for in meson's log: "skipped: NAME: REASON".  The name may
 * be the __func__ of a test.  The reason ends with what to install, if that helps.
 */
void skip_tell(const char *name, const char *reason);

/* Whether the name localhost has an address.  In a root without /etc/hosts it has none: that is told. */
bool skip_knows_localhost(const char *name);

#endif
