/* SPDX-License-Identifier: ISC */
/*
 * receiving - reads what has come on a connection, has it checked, and counts the answers.
 *
 * Threads:  those of its connection.
 */
#ifndef BOBBIN_LOAD_RECEIVING_H
#define BOBBIN_LOAD_RECEIVING_H

#include "connection.h"

#include <stdbool.h>

/*
 * Read until the socket is empty, or the connection has ended; ended says that the kernel has told
 * of its end.
 */
void receiving_go_on(struct connection *c, struct lane *lane, bool ended);

#endif
