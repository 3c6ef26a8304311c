/* SPDX-License-Identifier: ISC */
/*
 * config_file - a libconfig file to settings.  The only code that knows libconfig.
 *
 * Threads:  before threads start, or the one that reloads.
 */
#ifndef BOBBIN_SERVER_SETTINGS_CONFIG_FILE_H
#define BOBBIN_SERVER_SETTINGS_CONFIG_FILE_H

#include "mistakes.h"
#include "settings.h"

struct config_file;

/*
 * Read and parse a file.  NULL, with mistakes told, if it cannot be read or its syntax is wrong.
 * The caller ends it with config_file_free().
 */
struct config_file *config_file_open(const char *path, struct mistakes *m);

/* Takes NULL. */
void config_file_free(struct config_file *c);

/* Set the rows that the file has outside its listeners, and tell every mistake there. */
void config_file_apply(struct config_file *c, struct settings *s, struct mistakes *m);

/*
 * Add the file's listeners, each a copy of the defaults with its own keys set, and tell every
 * mistake there.
 */
void config_file_apply_listeners(struct config_file *c, struct settings *s, struct mistakes *m);

#endif
