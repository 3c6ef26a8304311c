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

#include "server/work/registry.h"

/* A configuration file, files that it includes, and a socket by which an option is tried. */
#define RESERVE_SIZE 8

struct reserve { /* fields belong to reserve.c; zeroed to begin with */
	int fds[RESERVE_SIZE];
	int count;
};

/* Take as many as are missing, or as there are. */
void reserve_fill(struct reserve *r);

/*
 * For a change that needs descriptors: where they are short, give it those that are kept.  Until
 * reserve_renew(), for 1 s at most, acceptors take none of them; one that was about to accept may
 * still take one.
 */
void reserve_lend(struct reserve *r, struct registry *registry);

/* The change is made: take them again, and let the acceptors go on. */
void reserve_renew(struct reserve *r, struct registry *registry);

#endif
