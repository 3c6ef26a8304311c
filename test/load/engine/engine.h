/* SPDX-License-Identifier: ISC */
/*
 * engine - a whole run: threads, the common start, signals, the mark, the end.
 *
 * SIGINT and SIGTERM end it early.  The first signal lets what is under way be answered, unless
 * connections are being opened or only replies are waited for; the second does not wait.  SIGUSR1
 * takes the mark, and "marked" on standard error reports it.
 */
#ifndef BOBBIN_LOAD_ENGINE_H
#define BOBBIN_LOAD_ENGINE_H

#include "test/load/figures/result.h"
#include "test/load/settings/settings.h"

/*
 * Run the load; the endpoint has been resolved.  Returns 0 with *result filled, or -errno if the
 * run could not be set up.  Main thread, with no other running; blocks these signals while it runs.
 */
int engine_run(const struct settings *settings, struct result *result);

#endif
