/* SPDX-License-Identifier: ISC */
/*
 * integers - finds the numbers in a configuration file that libconfig would read as others.
 *
 * libconfig 1.5 keeps an integer without the suffix L in 32 bits and wraps what is larger,
 * silently: 4294967376 becomes 80.  This looks over the text after libconfig has accepted its
 * syntax, files that it includes as well.
 *
 * Threads:  before threads start.
 */
#ifndef BOBBIN_SERVER_INTEGERS_H
#define BOBBIN_SERVER_INTEGERS_H

#include "faults.h"

/*
 * Report each integer, outside strings and comments, that does not fit.  dir is where included
 * files lie.
 */
void integers_check(struct faults *f, const char *path, const char *dir);

#endif
