/* SPDX-License-Identifier: ISC */
/*
 * identity - the names of this run of the server and of its connections.
 *
 * A connection's id is the run's, drawn at random at the start, and the connection's number:
 * "9c51f02e4ab7-17".  So it is unique over restarts, and over all servers of one address.
 *
 * Threads:  identity_init() first, by one thread; the rest by any.
 */
#ifndef BOBBIN_SERVER_WORK_IDENTITY_H
#define BOBBIN_SERVER_WORK_IDENTITY_H

#include <limits.h>
#include <stdint.h>

/* Room for the id of a connection, its end included. */
#define IDENTITY_ID_MAX 40

struct identity {                     /* [const] */
	char run[13];                 /* 48 bits in hexadecimal */
	char host[HOST_NAME_MAX + 1]; /* gethostname(2) */
};

void identity_init(struct identity *i);

/* Write the id of the connection with that number.  Returns text. */
char *identity_format(const struct identity *i, uint64_t number, char text[IDENTITY_ID_MAX]);

#endif
