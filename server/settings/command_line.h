/* SPDX-License-Identifier: ISC */
/*
 * command_line - what the operator typed, and with it the whole of the settings.
 *
 * Threads:  before threads start.
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
 * Read the command line and the file it names.  Returns the settings, the caller's to free; or NULL
 * when the process is to end with *status (sysexits.h) because it was asked for the version, the
 * usage, a check or the settings, or because something is wrong.  All that is wrong has then been
 * told on standard error.
 */
struct settings *command_line_load(const struct command_line *c, int *status);

/*
 * The same again, for a server that runs and had good arguments: what is wrong with the file now is
 * written to mistakes, and NULL returned.
 */
struct settings *command_line_reload(const struct command_line *c, FILE *mistakes);

#endif
