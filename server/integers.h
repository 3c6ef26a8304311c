/* SPDX-License-Identifier: ISC */
/*
 * integers - finds what libconfig would misread in a configuration file: numbers, and folders taken
 * for files.
 *
 * libconfig 1.5 keeps an integer without the suffix L in 32 bits and wraps what is larger,
 * silently: 4294967376 becomes 80.  This looks over the text after libconfig has accepted its
 * syntax, files that it includes as well.
 *
 * text is the file's, already read, path its name for messages, dir the folder of included files.
 *
 * Threads:  before threads start.
 */
#ifndef BOBBIN_SERVER_INTEGERS_H
#define BOBBIN_SERVER_INTEGERS_H

#include "faults.h"

#include <stdbool.h>

/*
 * Report each folder that is included as if it were a file, before libconfig reads anything: its
 * scanner would end the process.  Returns true if there is none.
 */
bool integers_may_include(struct faults *f, const char *path, const char *dir, const char *text);

/*
 * Report each integer, outside strings and comments, that does not fit.  dir is where included
 * files lie.
 */
void integers_check(struct faults *f, const char *path, const char *dir, const char *text);

#endif
