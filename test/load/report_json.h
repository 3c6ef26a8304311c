/* SPDX-License-Identifier: ISC */
/*
 * report_json - the result as JSON, with units in the names, the settings, the host, the seed, and
 * the histograms bucket by bucket, so that files of several runs and hosts can be added up: same
 * lower end, add the counts.
 */
#ifndef BOBBIN_LOAD_REPORT_JSON_H
#define BOBBIN_LOAD_REPORT_JSON_H

#include "result.h"
#include "settings.h"

/* Write to the file, replaced if it exists, or to standard output for "-".  Returns 0 or -errno. */
int report_json_write(const char *path, const struct result *r, const struct settings *s);

#endif
