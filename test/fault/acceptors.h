/* SPDX-License-Identifier: ISC */
/*
 * acceptors - acceptors on loopback, each with its thread, over the parts of a rig.
 */
#ifndef BOBBIN_TEST_FAULT_ACCEPTORS_H
#define BOBBIN_TEST_FAULT_ACCEPTORS_H

#include "server/door/acceptor.h"

#include <stdbool.h>

#define ACCEPTORS_MAX 2

extern struct acceptor acceptors[ACCEPTORS_MAX];

/* A rig with so many listeners for lines, its log captured.  Options can still be set. */
void acceptors_begin(int count);

/* Build the rig and open the listeners; no thread runs yet. */
void acceptors_open(void);

/* Start their threads. */
void acceptors_start(void);

/* Stop those that still run, unless the test did, as the coordinator does, and join them all. */
void acceptors_stop(void);

/* Wait until this one has ended of its own accord; acceptors_stop() is still due. */
void acceptors_await_end(int which);

/* Whether its listener failed. */
bool acceptors_is_lost(int which);

/* A client of this one. */
int acceptors_dial(int which);

/* One line there and back. */
void acceptors_exchange(int fd);

/* A client from its connect to its end, with one line. */
void acceptors_check_serves(int which);

#endif
