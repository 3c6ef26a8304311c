/* SPDX-License-Identifier: ISC */
/*
 * conversation - drives a connection through its life: it is opened, talks, and ends.
 *
 * Threads:  those of its connection.
 */
#ifndef BOBBIN_LOAD_CONVERSATION_H
#define BOBBIN_LOAD_CONVERSATION_H

#include "connection.h"

#include <stdbool.h>
#include <stdint.h>

/* Begin to connect: OPENING, or CLOSED with rests set and the failure counted. */
void conversation_open(struct connection *c, struct lane *lane);

/* Do what the events of epoll_wait(2) allow; c->state says what came of it. */
void conversation_ready(struct connection *c, struct lane *lane, uint32_t events);

/* Begin what may be begun, and send. */
void conversation_pump(struct connection *c, struct lane *lane);

/*
 * End what is overdue: the connect, the banner, the oldest reply, and messages that have waited for
 * a vacancy.  The time in which the thread stood still does not count.
 */
void conversation_check_timeout(struct connection *c, struct lane *lane);

/* Note which requests are acknowledged. */
void conversation_mark(struct connection *c, struct lane *lane);

/* At the end of the run: give up what waits, end what is overdue, and, the last time, cut off what
 * is still under way. */
void conversation_finish(struct connection *c, struct lane *lane, bool last_time);

/* Close; what is under way is cut off. */
void conversation_close(struct connection *c, struct lane *lane);

#endif
