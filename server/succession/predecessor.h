/* SPDX-License-Identifier: ISC */
/*
 * predecessor - the bobbind that started this one to succeed it, if one did; without one every call
 * does nothing.
 *
 * Threads:  predecessor_take() first, by one thread; the rest by one at a time.
 */
#ifndef BOBBIN_SERVER_SUCCESSION_PREDECESSOR_H
#define BOBBIN_SERVER_SUCCESSION_PREDECESSOR_H

/*
 * Take BOBBIN_HANDOVER out of the environment.  It is believed if it fits the count of sockets that
 * were passed to this very process.  Returns where they come from, a character for each (enum
 * handover_origin), the caller's to free; or NULL if no predecessor started us.
 */
char *predecessor_take(int count);

/* Tell that a socket, by its place among those passed, is not used. */
void predecessor_tell_unused(unsigned place);

/* Tell that we are ready: from now on the predecessor accepts no more.  The last word. */
void predecessor_tell_ready(void);

#endif
