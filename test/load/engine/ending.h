/* SPDX-License-Identifier: ISC */
/*
 * ending - how a connection ended, and what then becomes of each message that was under way on it:
 * mismatched, lost or cut off.
 *
 * Each call closes the connection, which must be open.
 *
 * Threads:  those of its connection.
 */
#ifndef BOBBIN_LOAD_ENDING_H
#define BOBBIN_LOAD_ENDING_H

#include "connection.h"
#include "test/load/wire/finding.h"

/* Replies were wrong, as the finding says. */
void ending_mismatch(struct connection *c, struct lane *lane, const struct finding *f);

/* The server has answered with an error message, which the checker holds. */
void ending_refused(struct connection *c, struct lane *lane);

/*
 * Nothing more comes: the peer ended the stream (error 0), or the connection failed.  An end of the
 * stream with nothing owed is no failure.
 */
void ending_by_peer(struct connection *c, struct lane *lane, int error);

/* Its reply is overdue. */
void ending_timeout(struct connection *c, struct lane *lane);

/* The client ends it: what is under way is excused. */
void ending_by_us(struct connection *c, struct lane *lane);

/* The client ends it because the run is over: what is under way has had its time, and is not
 * excused. */
void ending_with_the_run(struct connection *c, struct lane *lane);

/* An example of what happens to the connection now, with an errno or 0. */
struct example ending_example(const struct connection *c, int error);

#endif
