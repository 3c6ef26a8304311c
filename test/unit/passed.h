/* SPDX-License-Identifier: ISC */
/*
 * passed - descriptors at 3 and on, and the environment that tells of them, as a supervisor or a
 * predecessor leaves both to the process that it starts.
 *
 * Check has descriptors of its own.  A program with these tests therefore fills the places before
 * main() with descriptors of /dev/null, so that Check's lie beyond them.
 */
#ifndef BOBBIN_TEST_UNIT_PASSED_H
#define BOBBIN_TEST_UNIT_PASSED_H

#include "common/address.h"

#include <stdbool.h>

#define PASSED_MAX 1100

/* Put the descriptor in this place, from 0, without close-on-exec.  It is the callee's. */
void passed_put(int place, int fd);

/* Put a listening socket of 127.0.0.1 there, and return its address. */
struct address passed_listen(int place);

/* Leave the place empty. */
void passed_leave_empty(int place);

/* Set the variables for so many descriptors of this process.  names: NULL for no variable. */
void passed_tell(int count, const char *names);

/*
 * The same as a predecessor does: origins has a character for each descriptor (enum origin), and
 * the place after the last gets a pipe, which passed_hear() reads.
 */
void passed_tell_handover(const char *origins, const char *names);

/* The kind of the next message on that pipe, with its value in *value; 0 at the end. */
char passed_hear(unsigned *value);

bool passed_is_open(int place);
bool passed_closes_on_exec(int place);

#endif
