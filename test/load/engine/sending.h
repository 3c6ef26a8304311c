/* SPDX-License-Identifier: ISC */
/*
 * sending - begins the messages that may be begun on a connection, and gives them to the kernel.
 *
 * Threads:  those of its connection.
 */
#ifndef BOBBIN_LOAD_SENDING_H
#define BOBBIN_LOAD_SENDING_H

#include "connection.h"

/* Begin as many messages as are due and may be in flight. */
void sending_begin(struct connection *c, struct lane *lane);

/* Send what is begun, until the socket is full.  The connection may have ended afterwards. */
void sending_go_on(struct connection *c, struct lane *lane);

#endif
