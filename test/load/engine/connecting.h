/* SPDX-License-Identifier: ISC */
/*
 * connecting - from the dial to an established connection: one address of the endpoint after the
 * other, from the first of which the time to connect counts.
 *
 * Threads:  those of its connection.
 */
#ifndef BOBBIN_LOAD_CONNECTING_H
#define BOBBIN_LOAD_CONNECTING_H

#include "connection.h"

/* Begin, in state OPENING; it is CLOSED afterwards if no address lets a connect begin. */
void connecting_begin(struct connection *c, struct lane *lane);

/* epoll_wait(2) has these events of the connect: OPEN, CLOSED, or on its way to another address. */
void connecting_end(struct connection *c, struct lane *lane, uint32_t events);

/* The connect to this address has failed with an errno: on to the next. */
void connecting_failed(struct connection *c, struct lane *lane, int error);

#endif
