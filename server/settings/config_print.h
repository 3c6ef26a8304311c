/* SPDX-License-Identifier: ISC */
/*
 * config_print - settings as a configuration file, every key explained.
 *
 * It needs no libconfig: the rows of options.h say what there is.
 *
 * Threads:  before threads start.
 */
#ifndef BOBBIN_SERVER_SETTINGS_CONFIG_PRINT_H
#define BOBBIN_SERVER_SETTINGS_CONFIG_PRINT_H

#include "settings.h"

#include <stdio.h>

/* Print the settings as a file that loads to the same settings. */
void config_print(FILE *to, const struct settings *s);

#endif
