/* SPDX-License-Identifier: ISC */
/*
 * mode - what the environment asks of the tests besides that they pass.
 *
 * BOBBIN_TIMING: what happens in time must happen within its stated bound, in one of three tries of the test.  For a
 *                quiet machine.
 * BOBBIN_SOAK:   scenes are repeated as often as it takes to meet a rare race.
 *
 * With neither, no test depends on how fast the machine is.
 */
#ifndef BOBBIN_TEST_MODE_H
#define BOBBIN_TEST_MODE_H

#include <stdbool.h>
#include <stdint.h>

/* So often a test may try to keep its bounds. */
#define MODE_TRIES 3

bool mode_is_timing(void);

/* How often to repeat a scene: a few times, or many for a soak. */
int mode_times(int few, int many);

/* Assert that what took so long kept its bound.  Without BOBBIN_TIMING 10 s more are let pass. */
void mode_check_most(int64_t took_ns, int64_t bound_ns);

/* Assert that a wait that began then lasted so long, and late by an eighth and 8 ms at the most. */
void mode_check_window(int64_t start_ns, int64_t duration_ns);

#endif
