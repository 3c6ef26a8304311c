/* SPDX-License-Identifier: ISC */
/*
 * accept_errno - what an errno of accept(2) means: a row for each.
 *
 * Threads:  any.
 */
#ifndef BOBBIN_SERVER_DOOR_ACCEPT_ERRNO_H
#define BOBBIN_SERVER_DOOR_ACCEPT_ERRNO_H

#include <stdbool.h>

enum accept_errno_kind {
	ACCEPT_AGAIN,    /* look at the stop, and accept again */
	ACCEPT_TIMEOUT,  /* the listener's own SO_RCVTIMEO, or a listener that does not block */
	ACCEPT_THEIRS,   /* the connection's trouble: count it, and take the next */
	ACCEPT_SHORTAGE, /* ours: rest, or the loop burns a core */
	ACCEPT_LOST,     /* the listener is gone */
};

enum accept_errno_kind accept_errno_kind(int error);

/* It concerns that one connection, or none. */
bool accept_errno_is_theirs(int error);

#endif
