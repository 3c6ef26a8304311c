/* SPDX-License-Identifier: ISC */
/*
 * reload - the settings anew while the server runs, all of them or nothing.
 *
 * Threads:  the coordinator's.
 */
#ifndef BOBBIN_SERVER_LIFE_RELOAD_H
#define BOBBIN_SERVER_LIFE_RELOAD_H

#include "server/door/acceptor.h"
#include "server/settings/command_line.h"

#include <stdbool.h>

/*
 * Read the command line's settings again and put them in force: for each connection that comes from
 * now on, and for the limits, the log and the stop at once.  With any mistake in them, or with other
 * listeners than there are, everything stays as it was.  Either way it is told on the log and
 * counted.  Returns true if they are in force; the acceptors are then to be knocked at.
 */
bool reload(const struct server *server, const struct command_line *command);

/*
 * The words for what an operator asks when he compares two sets: the keys whose values differ, with
 * spaces between them, cut off at size.  Returns text.
 */
char *reload_changes(
	const struct settings *before, const struct settings *after, char *text, size_t size);

#endif
