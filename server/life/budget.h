/* SPDX-License-Identifier: ISC */
/*
 * budget - what the system allows, against what the settings ask.
 *
 * Threads:  before threads start.
 */
#ifndef BOBBIN_SERVER_LIFE_BUDGET_H
#define BOBBIN_SERVER_LIFE_BUDGET_H

#include "server/settings/settings.h"

/*
 * Raise the soft limit of descriptors to the hard one, and log how many connections each limit of
 * the system allows, which of them binds, and what a connection takes at the most.  A warning if
 * limits.max_connections asks for more; the server then starts all the same, and meets the shortage
 * as one.
 */
void budget_check(const struct settings *s);

#endif
