/* SPDX-License-Identifier: ISC */
/*
 * listen_failure - what the log and the exit status say about a listener that cannot be opened.
 *
 * Each function writes one line with event=cannot_listen.
 *
 * Threads:  any.
 */
#ifndef BOBBIN_SERVER_DOOR_LISTEN_FAILURE_H
#define BOBBIN_SERVER_DOOR_LISTEN_FAILURE_H

#include "common/address.h"
#include "server/settings/settings.h"

/*
 * The endpoint's socket cannot listen at the address; error is the errno.  EADDRINUSE is told with
 * the process that listens there, EADDRNOTAVAIL with the addresses of this host.
 *
 * Returns the exit status: EX_UNAVAILABLE, EX_NOPERM or EX_OSERR.
 */
int listen_failure_at(const struct endpoint *e, const struct address *at, int error);

/* The endpoint's host has no address; mistake says why.  Returns EX_NOHOST. */
int listen_failure_of_lookup(const struct endpoint *e, const char *mistake);

#endif
