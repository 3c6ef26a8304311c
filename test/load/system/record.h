/* SPDX-License-Identifier: ISC */
/*
 * record - what a server saw, connection by connection and message by message, in a file that the
 * ledger and the test both map: the client under test has no part in it.
 *
 * Moments are of CLOCK_MONOTONIC, which all processes of a machine share.
 */
#ifndef BOBBIN_LOAD_SYSTEM_RECORD_H
#define BOBBIN_LOAD_SYSTEM_RECORD_H

#include <stddef.h>
#include <stdint.h>

#define RECORD_CONNECTIONS_MAX 65536
/* Those after them are only counted. */
#define RECORD_MESSAGES_MAX 1000000

enum record_end {
	RECORD_OPEN, /* it has not ended */
	RECORD_CLIENT_FIN,
	RECORD_CLIENT_RESET,
	RECORD_SERVER_FIN, /* politely: the server's end of stream came first */
	RECORD_SERVER_CLOSED,
	RECORD_SERVER_RESET,
};

struct record_connection {
	int64_t accepted_ns;
	int64_t ended_ns; /* 0: it has not */
	enum record_end end;
	uint64_t received;
	uint64_t replied;
};

/* The number of a connection whose message has no header. */
#define RECORD_NO_ID UINT32_MAX

struct record_message {
	size_t connection; /* its index among those accepted */
	uint32_t id;       /* the client's number of its connection, */
	uint64_t sequence; /* and of the message on it */
	int64_t arrived_ns;
	int64_t replied_ns; /* just before the reply was sent; 0: never */
};

struct record {
	size_t connection_count;
	size_t message_count;
	struct record_connection connections[RECORD_CONNECTIONS_MAX]; /* in order of accept */
	struct record_message messages[RECORD_MESSAGES_MAX];          /* in order of arrival */
};

/* Map a file, which grows to the record's size; an empty one is an empty record.  NULL if it
 * fails. */
struct record *record_map(const char *path);
void record_unmap(struct record *r);

/* The server's part: note an accepted connection and return its index; */
size_t record_accept(struct record *r, int64_t now_ns);

/* note a message, and return its index, or SIZE_MAX if it is only counted; */
size_t record_arrival(
	struct record *r, size_t connection, const char *payload, size_t len, int64_t now_ns);

/* note a reply; */
void record_reply(struct record *r, size_t connection, size_t message, int64_t now_ns);

/* note an end, of which only the first counts. */
void record_ended(struct record *r, size_t connection, enum record_end end, int64_t now_ns);

/* The test's part, over all connections: counts. */
double record_accepted(const struct record *r);
double record_received(const struct record *r);
double record_replied(const struct record *r);
double record_ended_by(const struct record *r, enum record_end end);

/* The longest time that a message was in the server's hands. */
int64_t record_longest_ns(const struct record *r);

#endif
