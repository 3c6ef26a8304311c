/* SPDX-License-Identifier: ISC */
/*
 * linger - after the last reply: reading on, so that the replies arrive.
 *
 * close(2) with unread input makes the kernel send RST, and so does input that comes later.  An RST
 * destroys replies on their way.  SO_LINGER does not help.  So the stream shuts down its writing
 * side, and then reads and drops what still comes until the peer ends too, within bounds.
 *
 * Threads:  any; each socket by one.
 */
#ifndef BOBBIN_COMMON_LINGER_H
#define BOBBIN_COMMON_LINGER_H

#include "transport.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct linger_terms {
	int64_t time_ns; /* at most so long */
	uint64_t bytes;  /* and no more than about so many: at most one recv(2) more */
	/*
	 * Leave as soon as our FIN is acknowledged, if the peer is silent: a stop must not wait for
	 * peers that keep an idle connection open.
	 */
	bool until_taken;
};

/*
 * Read and drop on a socket whose writing side is shut down.  scratch is overwritten.  Returns how
 * many bytes were dropped; afterwards the caller closes the socket.
 */
uint64_t linger_read_out(
	struct transport *t, const struct linger_terms *terms, char *scratch, size_t scratch_size);

#endif
