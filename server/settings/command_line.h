/* SPDX-License-Identifier: ISC */
/*
 * command_line - what the operator typed, and with it the whole of the settings.
 *
 * Threads:  before threads start, or the one that reloads.
 */
#ifndef BOBBIN_SERVER_SETTINGS_COMMAND_LINE_H
#define BOBBIN_SERVER_SETTINGS_COMMAND_LINE_H

#include "settings.h"

#include <stdio.h>

/* As main() got it. */
struct command_line {
	int argc;
	char **argv;
};

/*
 * Read the command line and the file it names.  Returns the settings, which the caller releases.
 * Returns NULL when the process is to end with *status (sysexits.h): it was asked for the version,
 * the usage, a check or the settings, or each mistake has been told on standard error.
 */
struct settings *command_line_load(const struct command_line *c, int *status);

/*
 * The same again for a running server, whose arguments were good.  Returns NULL, with what is wrong
 * with the file written to mistakes, if it is no longer good.
 */
struct settings *command_line_reload(const struct command_line *c, FILE *mistakes);

#endif
