/* SPDX-License-Identifier: ISC */
/* report - the result in a form that a person reads at a glance. */
#ifndef BOBBIN_LOAD_REPORT_H
#define BOBBIN_LOAD_REPORT_H

#include "test/load/figures/result.h"
#include "test/load/settings/settings.h"

#include <stdio.h>

void report_print(FILE *to, const struct result *r, const struct settings *s);

/* One line for each --fail-if: kept, or broken and by how much. */
void report_print_bounds(FILE *to, const struct result *r, const struct settings *s);

#endif
