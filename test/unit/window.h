/* SPDX-License-Identifier: ISC */
/*
 * window - was a timeout kept?  It is never early, and late by an eighth and 8 ms at most.
 *
 * Early is a fault however little.  Late is often the machine's doing, so only BOBBIN_TIMING makes
 * that one (see mode.h).
 */
#ifndef BOBBIN_TEST_UNIT_WINDOW_H
#define BOBBIN_TEST_UNIT_WINDOW_H

#include <stdint.h>

/* Assert that a timeout of duration_ns, begun at start_ns or a little later, has just passed. */
void window_check(int64_t start_ns, int64_t duration_ns);

#endif
