/* SPDX-License-Identifier: ISC */
/*
 * connection - one connection of the load, its successors, and what is under way on it.
 *
 *   CLOSED --connection_open--> OPENING --connected--> OPEN --failure, or its share of messages
 * sent--> CLOSED
 *
 * Which messages it sends is its slot's business; how it begins is in connecting, and how it ends
 * in ending.  Requests are not kept: they are made again from their numbers, to send the rest of
 * them and to check their replies.  Sockets are watched edge-triggered for both directions,
 * registered once: an exchange costs a wait, a recv, a send.
 *
 * Threads:  a connection belongs to one thread, whose bench it is given.
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
	bool rests;              /* the next one is not to be opened at once */
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

/* Make *c a closed slot.  stamps has room for stamp_mask + 1, a power of two no smaller than the
 * in-flight bound. */
void connection_init(struct connection *c, uint32_t slot, const struct schedule *schedule,
	struct stamp *stamps, uint64_t stamp_mask);

/* Begin to connect: OPENING, or CLOSED with rests set and the failure counted. */
void connection_open(struct connection *c, struct bench *b);

/* Do what the events of epoll_wait(2) allow; the new state says what came of it. */
void connection_ready(struct connection *c, struct bench *b, uint32_t events);

/* Begin what may be begun, and send. */
void connection_pump(struct connection *c, struct bench *b);

/*
 * End what is overdue: the connect, the banner, the oldest reply, and messages that have waited for
 * room.  For as long as the thread stood still no time has passed.
 */
void connection_check_timeout(struct connection *c, struct bench *b);

/* Note which requests are acknowledged. */
void connection_mark(struct connection *c, struct bench *b);

/* The end of the run: what waits for room is given up, what is overdue is that, and the last time
 * what is still under way is cut off. */
void connection_finish(struct connection *c, struct bench *b, bool last_time);

/* Close, whatever is under way: that is then cut off. */
void connection_close(struct connection *c, struct bench *b);

/* True until it is established, and has its banner if one is due. */
bool connection_is_opening(const struct connection *c);

/* True if it has messages to send, now or later, or the load has not begun yet. */
bool connection_is_wanted(const struct connection *c, const struct bench *b);

/* The oldest request that has no right reply yet. */
uint64_t connection_oldest(const struct connection *c);

/* Requests below this one may have been answered by now. */
uint64_t connection_answerable(const struct connection *c, const struct bench *b);

#endif
