/* SPDX-License-Identifier: ISC */
/*
 * connection - one connection of the load, its successors, and what is under way on it.
 *
 *   CLOSED --conversation_open--> OPENING --connected--> OPEN --failure, or all answered--> CLOSED
 *
 * Its slot knows which messages it sends.  No request is kept: it is made again from its number to
 * send the rest of it and to check its reply.  A socket is registered once, edge-triggered for both
 * directions: an exchange costs a wait, a recv and a send.
 *
 * Threads:  a connection belongs to one thread, whose lane it is given.
 */
#ifndef BOBBIN_LOAD_CONNECTION_H
#define BOBBIN_LOAD_CONNECTION_H

#include "lane.h"
#include "slot.h"
#include "test/load/wire/checker.h"

#include <stdbool.h>
#include <stdint.h>

enum connection_state {
	CONNECTION_CLOSED,
	CONNECTION_OPENING,
	CONNECTION_OPEN,
};

struct stamp {
	int64_t intended_ns; /* when the message was due; in a closed loop the same as */
	int64_t sent_ns;     /* when its first byte was given to the kernel */
	int64_t own_ns;      /* by how much it was late then by this client's fault */
};

struct connection {
	/* It and its successors. */
	struct slot slot;
	uint32_t generation;     /* how many connections there have been */
	bool started;            /* closed loop: it may send */
	bool rests;              /* the next one is opened after a rest */
	int64_t progress_ns;     /* when a message was last begun, or ended in any way */
	struct stamp *stamps;    /* of the messages under way, by number & stamp_mask */
	uint64_t stamp_mask;     /* [const] */
	struct connection *next; /* its thread's: queue */
	int64_t rest_until_ns;

	/* The connection of the moment. */
	enum connection_state state;
	int fd;
	int send_error;      /* errno of a send; the reason may still be there to read */
	int address;         /* index of the address in use, */
	int addresses_tried; /* how many were tried for this connection, */
	int64_t connect_ns;  /* when the connect to the first began, */
	int64_t attempt_ns;  /* and the one to this */
	int64_t opened_ns;
	bool banner_due; /* the server speaks first, and has not */
	bool first_byte_seen;
	uint64_t begun;     /* requests below are sent or being sent */
	uint64_t stamped;   /* requests below have their first byte sent, */
	uint64_t sent;      /* requests below were wholly handed to the kernel, */
	size_t sent_offset; /* and so many bytes of this one */
	uint64_t answered;  /* how many were, rightly */
	uint64_t marked;    /* requests below are marked */
	struct checker checker;
};

/* Make *c closed.  stamps has stamp_mask + 1 elements, a power of two and at least the in-flight
 * bound. */
void connection_init(struct connection *c, uint32_t slot, const struct schedule *schedule,
	struct stamp *stamps, uint64_t stamp_mask);

/* True until it is established, and has its banner if one is due. */
bool connection_is_opening(const struct connection *c);

/* True if it has messages to send, now or later, or the load has not begun. */
bool connection_is_wanted(const struct connection *c, const struct lane *lane);

/* The oldest request that has no right reply. */
uint64_t connection_oldest(const struct connection *c);

/* Requests below this one may have been answered by now. */
uint64_t connection_answerable(const struct connection *c, const struct lane *lane);

#endif
