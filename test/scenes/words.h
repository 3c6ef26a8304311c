/* SPDX-License-Identifier: ISC */
/* words - what scenes of bobbind say besides what clients do.  The README here says what each means. */
#ifndef BOBBIN_TEST_SCENES_WORDS_H
#define BOBBIN_TEST_SCENES_WORDS_H

#include "test/scene.h"

/* For the scenes of one process: one of them is played. */
const struct scene_host *words_host(void);

/* A server that the scene has left must stop, with exit status 0.  NULL, or what it did instead. */
const char *words_end(void);

#endif
