/* SPDX-License-Identifier: ISC */
/*
 * config_scan - a configuration file and all that it includes, as one text that every libconfig
 * reads alike.
 *
 * libconfig 1.5 (Debian 12) and 1.7 (Debian 13) differ: 4294967376 is 80 or a larger number, 010 is
 * 10 or 8, a comma before a closing bracket is an error or not, \x00 is nothing or the end of a
 * text, and included files have other names.  The scan reads the files itself, so that libconfig
 * opens none, takes comments out, writes each number in decimal, and tells what libconfig would
 * misread.
 *
 * Threads:  before threads start, or the one that reloads.
 */
#ifndef BOBBIN_SERVER_SETTINGS_CONFIG_SCAN_H
#define BOBBIN_SERVER_SETTINGS_CONFIG_SCAN_H

#include "config_text.h"
#include "mistakes.h"

struct config_scan;

/*
 * Read a file and what it includes.  A relative include lies beside path.  What libconfig would
 * misread is told as a mistake; a number that does not fit is 0x0 in the text then, and no other
 * number is in hexadecimal.
 *
 * NULL, with mistakes told, if a file cannot be read or the rest of the text would make no sense.
 * The caller frees the scan with config_scan_free().
 */
struct config_scan *config_scan_open(const char *path, struct mistakes *m);

/* Takes NULL. */
void config_scan_free(struct config_scan *s);

/* The text, which lives as long as the scan. */
const char *config_scan_text(const struct config_scan *s);

/* Where a line of the text stood; lines count from 1.  The path lives as long as the scan. */
struct config_place config_scan_place(const struct config_scan *s, unsigned line);

#endif
