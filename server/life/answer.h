/* SPDX-License-Identifier: ISC */
/*
 * answer - what is done about a request at once, whatever the server is at: while the coordinator waits
 * for a signal, for workers, or for a successor.
 *
 * A report is given.  A stop is told; the third one ends the process on the spot.  A change that
 * cannot be made now is refused, and told.
 *
 * Threads:  the coordinator's.
 */
#ifndef BOBBIN_SERVER_LIFE_ANSWER_H
#define BOBBIN_SERVER_LIFE_ANSWER_H

#include "requests.h"
#include "server/door/acceptor.h"

/* The exit status of a stop that had to cut a connection: EX_TEMPFAIL. */
#define ANSWER_STATUS_CUT 75

/*
 * Take one request as requests_take() does, and answer it.  obstacle says why no change can be made
 * now; NULL: the caller makes it.  Returns the request.
 */
enum request answer_next(
	struct requests *r, const struct server *server, const char *obstacle, int64_t deadline_ns);

/* The same for every request that is there. */
void answer_all(struct requests *r, const struct server *server, const char *obstacle);

#endif
