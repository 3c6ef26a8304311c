/* SPDX-License-Identifier: ISC */
/*
 * record - what a server saw, connection by connection and message by message.  The ledger writes
 * it, and a test reads it: the client under test has no part in it.
 *
 *   connection NUMBER port PORT accepted NS ended NS by END received COUNT replied COUNT
 *   message NUMBER ID SEQUENCE arrived NS replied NS
 *   end CONNECTIONS MESSAGES
 *
 * Moments are of CLOCK_MONOTONIC, which all processes of a machine share.
 */
#ifndef BOBBIN_LOAD_SYSTEM_RECORD_H
#define BOBBIN_LOAD_SYSTEM_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Messages that are written one by one; those after them are only counted. */
#define RECORD_MESSAGES_MAX ((size_t)1000000)

enum record_end {
	RECORD_OPEN, /* it had not ended when the record was written */
	RECORD_CLIENT_FIN,
	RECORD_CLIENT_RESET,
	RECORD_SERVER_FIN, /* politely: the server's end of stream came first */
	RECORD_SERVER_CLOSED,
	RECORD_SERVER_RESET,
};

struct record_connection {
	unsigned port; /* of the client */
	int64_t accepted_ns;
	int64_t ended_ns; /* 0: it had not */
	enum record_end end;
	uint64_t received;
	uint64_t replied;
};

/* From the header of a payload; a payload that has none is RECORD_NO_ID. */
#define RECORD_NO_ID UINT32_MAX

struct record_message {
	size_t connection; /* its place among those accepted, from 0 */
	uint32_t id;       /* the client's number of its connection, */
	uint64_t sequence; /* and of the message on it */
	int64_t arrived_ns;
	int64_t replied_ns; /* just before the reply was sent; 0: never */
};

struct record {
	struct record_connection *connections; /* in order of accept */
	size_t connection_count;
	struct record_message *messages; /* in order of arrival */
	size_t message_count;
};

void record_free(struct record *r);

/* The server's part. */

/* Note an accepted connection; returns its place. */
size_t record_accept(struct record *r, unsigned port, int64_t now_ns);

/* Note a message; returns its place, or SIZE_MAX if it is only counted. */
size_t record_arrival(
	struct record *r, size_t connection, const char *payload, size_t len, int64_t now_ns);

void record_reply(struct record *r, size_t connection, size_t message, int64_t now_ns);

/* Note an end; only the first one counts. */
void record_ended(struct record *r, size_t connection, enum record_end end, int64_t now_ns);

/* False if the file could not be written. */
bool record_write(const struct record *r, const char *path);

/* The test's part. */

/* False if the file is not there, or is no whole record. */
bool record_read(struct record *r, const char *path);

/* Over all connections. */
uint64_t record_received(const struct record *r);
uint64_t record_replied(const struct record *r);
uint64_t record_ended_by(const struct record *r, enum record_end end);

#endif
