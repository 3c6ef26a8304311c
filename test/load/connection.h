/* SPDX-License-Identifier: ISC */
/*
 * connection - one slot of the load: a connection, its successors, and what is under way on it.
 *
 *   CLOSED --connection_open--> OPENING --connected--> OPEN --failure, or its share of messages
 * sent--> CLOSED
 *
 * Requests are not kept: they are made again from their numbers, to send the rest of them and to
 * check their replies. Sockets are watched edge-triggered for both directions, registered once: an
 * exchange costs a wait, a recv, a send.
 *
 * Threads:  a connection belongs to one thread, whose bench it is given.
 */
#ifndef BOBBIN_LOAD_CONNECTION_H
#define BOBBIN_LOAD_CONNECTION_H

#include "bench.h"
#include "checker.h"

#include <stdbool.h>
#include <stdint.h>

enum connection_state {
	CONNECTION_CLOSED,
	CONNECTION_OPENING,
	CONNECTION_OPEN,
};

struct stamp {
	int64_t intended_ns; /* when the message was due; in a closed loop the same as */
	int64_t sent_ns;     /* when its sending began */
};

struct connection {
	/* The slot. */
	uint32_t slot;           /* [const] among all connections of the run */
	uint32_t generation;     /* how many connections the slot has had */
	bool started;            /* closed loop: it may send */
	bool failed;             /* the last one ended in failure */
	uint64_t noticed;        /* open loop: messages of its schedule that came due, */
	uint64_t taken;          /* and those of them that were begun or given up */
	struct stamp *stamps;    /* of the messages under way, by number & stamp_mask */
	uint64_t stamp_mask;     /* [const] */
	struct connection *next; /* its thread's: queue */
	int64_t rest_until_ns;

	/* The connection of the moment. */
	enum connection_state state;
	int fd;
	int send_error;      /* errno of a send; the reason may still be there to read */
	int address;         /* index of the address in use, */
	int addresses_tried; /* how many were tried for this connection */
	int64_t connect_ns;  /* when the connect began */
	bool first_byte_seen;
	uint64_t begun;     /* requests below are sent or being sent */
	uint64_t sent;      /* requests below were wholly handed to the kernel, */
	size_t sent_offset; /* and so many bytes of this one */
	uint64_t answered;  /* how many were, rightly */
	uint64_t marked;    /* requests below are marked */
	struct checker checker;
};

/* Make *c a closed slot.  stamps has room for stamp_mask + 1, a power of two no smaller than the
 * in-flight bound. */
void connection_init(
	struct connection *c, uint32_t slot, struct stamp *stamps, uint64_t stamp_mask);

/* Begin to connect: OPENING, or CLOSED with failed set and the failure counted. */
void connection_open(struct connection *c, struct bench *b);

/* Do what the events of epoll_wait(2) allow; the new state says what came of it. */
void connection_ready(struct connection *c, struct bench *b, uint32_t events);

/* Begin what may be begun, and send. */
void connection_pump(struct connection *c, struct bench *b);

/* Fail the connection if its connect or its oldest reply is overdue. */
void connection_check_timeout(struct connection *c, struct bench *b);

/* Note which requests are acknowledged. */
void connection_mark(struct connection *c, struct bench *b);

/* Open loop: give up what is due and not begun, as not sent. */
void connection_give_up(struct connection *c, struct bench *b);

/* Close, whatever is under way: that is then cut off. */
void connection_close(struct connection *c, struct bench *b);

#endif
