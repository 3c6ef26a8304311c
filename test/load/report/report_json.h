/* SPDX-License-Identifier: ISC */
/*
 * report_json - the result as JSON, with units in the names, the settings, the host, the seed, and
 * the histograms bucket by bucket, so that files of several runs and hosts can be added up: same
 * lower end, add the counts.  What never came, and what was not measured at
 * all, is null among the durations.
 */
#ifndef BOBBIN_LOAD_REPORT_JSON_H
#define BOBBIN_LOAD_REPORT_JSON_H

#include "test/load/figures/result.h"
#include "test/load/settings/settings.h"

#include <stdio.h>

/* Errors are the stream's: ferror(3). */
void report_json_write(FILE *to, const struct result *r, const struct settings *s);

/* What there is to say of a run that could not be. */
void report_json_write_failure(FILE *to, const char *why, int status);

#endif
