/* SPDX-License-Identifier: ISC */
/*
 * connecting - from the dial to an established connection: it tries one address of the endpoint
 * after the other.  The time to connect counts from the first.
 *
 * Threads:  those of its connection.
 */
#ifndef BOBBIN_LOAD_CONNECTING_H
#define BOBBIN_LOAD_CONNECTING_H

#include "connection.h"

/* Begin, in state OPENING; it is CLOSED afterwards if no address lets a connect begin. */
void connecting_begin(struct connection *c, struct lane *lane);

/* Handle these events of epoll_wait(2): the connection is OPEN, CLOSED, or dials another
 * address. */
void connecting_end(struct connection *c, struct lane *lane, uint32_t events);

/* The connect to this address has failed with an errno: try the next. */
void connecting_failed(struct connection *c, struct lane *lane, int error);

#endif
