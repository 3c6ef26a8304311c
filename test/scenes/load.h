/* SPDX-License-Identifier: ISC */
/*
 * load - a bobbin-load against the server of a scene, one at a time.
 *
 * What returns text returns NULL, or what came instead.
 */
#ifndef BOBBIN_TEST_SCENES_LOAD_H
#define BOBBIN_TEST_SCENES_LOAD_H

#include <stdbool.h>

/* Start it with these words, and wait until it can be told something. */
const char *load_start(const char *words);

/*
 * Have it note which of its requests the server's kernel has acknowledged: those are owed.  At rest:
 * once nothing is under way any more, for a server that stands still.
 */
const char *load_mark(bool at_rest);

/*
 * End it, and judge: no request may be lost or wrongly answered, and nothing may have failed but
 * what is allowed ("refused eof cut_off ...").  Prints what it has counted.
 */
const char *load_end(const char *allowed);

#endif
