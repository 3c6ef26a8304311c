/* SPDX-License-Identifier: ISC */
/*
 * predecessor - the bobbind that started this one as its successor.  If none did, every call does
 * nothing.
 *
 * Threads:  predecessor_take() first, by one thread; the rest by one at a time.
 */
#ifndef BOBBIN_SERVER_SUCCESSION_PREDECESSOR_H
#define BOBBIN_SERVER_SUCCESSION_PREDECESSOR_H

/*
 * Remove BOBBIN_HANDOVER from the environment.  It is believed if it names a pipe and fits count,
 * the number of sockets that were passed to this process.
 *
 * Returns the origins of the sockets, a character for each (enum origin), the caller's to free; or
 * NULL if no predecessor started us.  Without memory the process ends.
 */
char *predecessor_take(int count);

/* Tell that we do not use a socket, by its place among those passed. */
void predecessor_tell_unused(unsigned place);

/* Tell that we are ready, upon which the predecessor stops accepting; then close the pipe. */
void predecessor_tell_ready(void);

#endif
