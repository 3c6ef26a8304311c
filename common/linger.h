/* SPDX-License-Identifier: ISC */
/*
 * linger - after the last reply: reading on, so that the replies arrive.
 *
 * close(2) with unread input makes the kernel send RST, and so does input that comes later; an RST
 * destroys replies on their way.  SO_LINGER does not help.  So the writing side is shut down, and
 * what still comes is read and dropped until the peer ends too, within bounds.
 *
 * Threads:  any; each socket by one.
 */
#ifndef BOBBIN_COMMON_LINGER_H
#define BOBBIN_COMMON_LINGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct linger_terms {
	int64_t time_ns; /* at most so long */
	uint64_t bytes;  /* and no more than about so many, one recv(2) over */
	/*
	 * Leave as soon as our FIN is acknowledged, if the peer is silent: a stop must not wait for
	 * peers that keep an idle connection open.
	 */
	bool until_taken;
};

/*
 * Read and drop on a socket whose writing side is shut down.  Sets its SO_RCVTIMEO.  scratch is
 * overwritten.  Returns how many bytes were dropped; afterwards the caller closes the socket.
 */
uint64_t linger_read_out(
	int fd, const struct linger_terms *terms, char *scratch, size_t scratch_size);

#endif
