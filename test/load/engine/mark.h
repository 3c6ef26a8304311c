/* SPDX-License-Identifier: ISC */
/*
 * mark - which requests the peer's kernel had acknowledged at a moment.
 *
 * A server that stops owes an answer to every request whose last byte its kernel had acknowledged
 * before the signal.
 */
#ifndef BOBBIN_LOAD_MARK_H
#define BOBBIN_LOAD_MARK_H

#include "test/load/wire/wire.h"

/*
 * Requests below sent, and sent_offset bytes of request sent, were handed to the socket, which has
 * unacknowledged bytes of them in flight (SIOCOUTQ).  Returns the number of the first
 * request that is not wholly acknowledged.
 */
uint64_t mark_acknowledged(const struct wire *w, uint32_t connection, uint64_t sent,
	size_t sent_offset, uint64_t unacknowledged);

/* SIOCOUTQ of a socket; UINT64_MAX, nothing is acknowledged, if it fails. */
uint64_t mark_unacknowledged(int fd);

#endif
