/* SPDX-License-Identifier: ISC */
/*
 * pair - the two ends of a TCP connection over loopback, on a port of the kernel's choosing.
 *
 * The near end is accepted from a listener that has the options that a stream wants, as the
 * server's is; the far end is a plain client's, with a receive and send timeout so that a test
 * fails and does not hang.
 */
#ifndef BOBBIN_TEST_UNIT_PAIR_H
#define BOBBIN_TEST_UNIT_PAIR_H

#include "common/address.h"
#include "common/socket.h"

struct pair {
	int near;
	int far;
};

/* 127.0.0.1:0. */
struct address pair_loopback(void);

/* A listener at 127.0.0.1, and where it listens. */
int must_listen(int backlog, const struct socket_options *options, struct address *at);

/* Connect, with Nagle's algorithm off. */
int must_dial(const struct address *to);

int must_accept(int listener);

/* A connected pair; the listener is gone when this returns. */
struct pair must_pair(const struct socket_options *options);

/*
 * Send until neither end has room for another byte, and nothing is under way: what is sent from now
 * on waits until the other end reads.
 */
void must_fill(int fd);

/* Close what is open, -1 being what is not. */
void pair_close(struct pair *p);

#endif
