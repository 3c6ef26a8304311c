/* SPDX-License-Identifier: ISC */
/*
 * reserve - descriptors that are kept for what an operator asks for when there are none left.
 *
 * A reload opens files, and a handover a pipe; with every descriptor in a client's hands neither
 * would work, just when a new limit or a new process is wanted.
 *
 * Threads:  one.
 */
#ifndef BOBBIN_SERVER_RESERVE_H
#define BOBBIN_SERVER_RESERVE_H

/* A configuration file, files that it includes, and a socket by which an option is tried. */
#define RESERVE_SIZE 8

struct reserve {               /* fields belong to reserve.c; zeroed to begin with */
	int fds[RESERVE_SIZE]; /* 0: none */
};

/* Take as many as are missing, or as there are. */
void reserve_fill(struct reserve *r);

/* Give all of them back to the system. */
void reserve_spend(struct reserve *r);

#endif
