/* SPDX-License-Identifier: ISC */
/*
 * port - a port that is the test's for as long as it wants, also while no server listens there.
 *
 * Other processes open and close sockets all the time, and the kernel gives them any port that is free.
 */
#ifndef BOBBIN_TEST_UNIT_PORT_H
#define BOBBIN_TEST_UNIT_PORT_H

#include "common/address.h"

/*
 * Bind a socket to *at, whose port is 0, and learn the port.  It does not listen, and has
 * SO_REUSEADDR: a socket that has it too can listen there, and no other is given the port.  At [::] it
 * is reserved for IPv4 as well.  Returns the socket, the caller's to close.
 */
int must_reserve(struct address *at);

#endif
