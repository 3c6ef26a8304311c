/* SPDX-License-Identifier: ISC */
/*
 * transport - receiving and sending on a connected, blocking TCP socket until a deadline.
 *
 * The only caller of recv(2) and sendmsg(2) in the server.  It arms SO_RCVTIMEO and
 * SO_SNDTIMEO (the kernel bounds one call by them), and bounds the whole by the clock: a peer that
 * moves a byte a period cannot stretch a deadline.  It knows nothing of messages.
 *
 * Threads:  a transport belongs to one thread.
 * Errors:   -errno.  -EAGAIN means that the deadline has passed.
 */
#ifndef BOBBIN_COMMON_TRANSPORT_H
#define BOBBIN_COMMON_TRANSPORT_H

#include "spin.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct transport { /* the first four are set by the owner, the rest belong to transport.c */
	int fd;    /* borrowed */
	_Atomic uint64_t *sent;       /* bytes that the kernel takes are added here (tally.h) */
	struct spin_permits *permits; /* NULL: do not spin */
	int64_t spin_ns;              /* ask so long before sleeping; 0: do not spin */
	struct spin spin;
	int64_t receive_ms; /* SO_RCVTIMEO as it stands */
	int64_t send_ms;    /* SO_SNDTIMEO as it stands */
};

/*
 * Begin on a socket whose SO_RCVTIMEO and SO_SNDTIMEO are these, as socket_set_options() sets them.
 * A transport shortens them where a deadline needs it, and leaves them short.
 */
void transport_init(
	struct transport *t, int fd, int64_t receive_timeout_ns, int64_t send_timeout_ns);

/*
 * Receive at least one byte and at most len.  now_ns is the time now, which the caller has just
 * looked at.  Returns the count; 0 at the end of the stream; -EAGAIN when until_ns has passed; -EINTR
 * after a signal, which may have been meant for the caller.
 */
ssize_t transport_receive(
	struct transport *t, void *data, size_t len, int64_t now_ns, int64_t until_ns);

/*
 * The same without going to sleep, where that pays (spin.h).  -EAGAIN: nothing came, or it does not
 * pay; the caller goes on with transport_receive().
 */
ssize_t transport_spin(struct transport *t, void *data, size_t len);

/*
 * Send all of the pieces, which are overwritten.  The peer has time_ns to make room, from the moment
 * that they do not go at once.  Returns 0 or -errno; after an error some may have been sent.
 */
int transport_send(struct transport *t, struct iovec *pieces, size_t count, int64_t time_ns);

/* Of any socket: read and drop what is there, in so many calls at most, and never wait. */
void transport_drop(int fd, int calls);

#endif
