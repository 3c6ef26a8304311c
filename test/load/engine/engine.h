/* SPDX-License-Identifier: ISC */
/*
 * engine - a whole run: threads, the common start, signals, the mark, the end.
 *
 * SIGINT and SIGTERM end it early: the first lets what is under way be answered, the second does
 * not wait; nor does the first while connections are opened, or when only replies are waited for.
 * SIGUSR1 takes the mark, and "marked" on standard error says that it is taken.
 */
#ifndef BOBBIN_LOAD_ENGINE_H
#define BOBBIN_LOAD_ENGINE_H

#include "test/load/figures/result.h"
#include "test/load/settings/settings.h"

/*
 * Run the load; the endpoint has been resolved.  Returns 0 with *result filled, or -errno if it
 * could not be set up. Main thread, with no other running; blocks the signals above for as long
 * as it runs.
 */
int engine_run(const struct settings *settings, struct result *result);

#endif
