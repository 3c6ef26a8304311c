/* SPDX-License-Identifier: ISC */
/* resting - what connections that have talked and now rest keep in memory. */
#ifndef BOBBIN_BENCH_RESTING_H
#define BOBBIN_BENCH_RESTING_H

#include "load.h"

/* How long one such measurement of so many connections takes. */
int64_t resting_takes_ms(uint32_t connections);

/*
 * Let each connection of the order's case talk once a second, and look at the server in between.
 * Returns as load_run() does.
 */
int resting_measure(const struct load_order *order, struct sample *sample, char fault[FAULT_MAX]);

#endif
