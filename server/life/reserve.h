/* SPDX-License-Identifier: ISC */
/*
 * reserve - descriptors that are kept for what an operator asks for when there are none left.
 *
 * A reload opens files, and a handover a pipe; with every descriptor in a client's hands neither
 * would work, just when a new limit or a new process is wanted.
 *
 * Threads:  one.
 */
#ifndef BOBBIN_SERVER_LIFE_RESERVE_H
#define BOBBIN_SERVER_LIFE_RESERVE_H

#include <stdbool.h>

/* A configuration file, files that it includes, and a socket by which an option is tried. */
#define RESERVE_SIZE 8

struct reserve { /* fields belong to reserve.c; zeroed to begin with */
	int fds[RESERVE_SIZE];
	int count;
};

/* Take as many as are missing, or as there are. */
void reserve_fill(struct reserve *r);

/* Give all of them back to the system. */
void reserve_spend(struct reserve *r);

/* Are there so few others that clients could take them in a moment? */
bool reserve_is_needed(void);

#endif
