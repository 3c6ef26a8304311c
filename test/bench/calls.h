/* SPDX-License-Identifier: ISC */
/* calls - the system calls that a message and a connection cost bobbind, counted with strace(1). */
#ifndef BOBBIN_BENCH_CALLS_H
#define BOBBIN_BENCH_CALLS_H

#include "load.h"

#include <stdbool.h>

bool calls_can_be_counted(void);

/*
 * Fill in the sample, and the mix of calls as a text.  Returns as load_run() does.
 */
int calls_count(const struct load_order *order, struct sample *sample, char note[FAULT_MAX],
	char fault[FAULT_MAX]);

#endif
