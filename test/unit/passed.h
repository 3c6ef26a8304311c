/* SPDX-License-Identifier: ISC */
/*
 * passed - descriptors at 3 and on, with the environment that tells of them, as a supervisor has
 * it.
 *
 * Check's own descriptors lie there, so they are lifted out of the way for as long as it takes:
 * between passed_begin() and passed_end() nothing of Check's may be called, no assertion either.
 */
#ifndef BOBBIN_TEST_UNIT_PASSED_H
#define BOBBIN_TEST_UNIT_PASSED_H

#include <stdbool.h>

#define PASSED_MAX 1100

/* Copies of the descriptors to 3 and on; LISTEN_PID is pid, LISTEN_FDNAMES names unless NULL. */
void passed_begin(const int *fds, int count, int pid, const char *names);

/* Is the one that was passed in this place still open?  Is it close-on-exec? */
bool passed_is_open(int place);
bool passed_closes_on_exec(int place);

/* The one in this place lifted to where it can stay; the old one is closed. */
int passed_lift(int fd);

/*
 * After passed_begin(): as a predecessor passes them.  origins has a character for each (enum
 * handover_origin); passed_hear() reads the other end of the pipe.
 */
void passed_as_handover(const char *origins);

/*
 * After passed_end(): the next message on the pipe, 0 at its end.  *value comes with it.
 */
char passed_hear(unsigned *value);

/* Put back what was there before. */
void passed_end(void);

#endif
