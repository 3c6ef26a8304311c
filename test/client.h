/* SPDX-License-Identifier: ISC */
/*
 * client - one end of a conversation, for tests and for scenes.
 *
 * What returns text returns NULL when all went well, and else what came instead, in memory that the
 * next call may overwrite.  No wait lasts longer than the patience.
 *
 * Threads:  one, but for the flood, which brings its own.
 */
#ifndef BOBBIN_TEST_CLIENT_H
#define BOBBIN_TEST_CLIENT_H

#include "common/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longer than any machine stands still. */
#define CLIENT_PATIENCE_NS (INT64_C(60) * 1000000000)

/*
 * Connect to an address, where a wildcard means loopback; from a numeric address unless that is
 * NULL, with a receive buffer of this size unless that is 0.  Returns the socket or -errno.
 */
int client_dial(const struct address *to, const char *from, int receive_buffer);

/* A numeric address, IPv4 or IPv6. */
struct address client_address(const char *host, in_port_t port);

/* Send all of it; the second sends each byte in a segment of its own. */
const char *client_send(int fd, const void *data, size_t len);
const char *client_send_slowly(int fd, const void *data, size_t len);

/* Exactly these bytes come next; the end of the stream; a reset; nothing has come so far. */
const char *client_expect(int fd, const void *data, size_t len);
const char *client_expect_end(int fd);
const char *client_expect_reset(int fd);
const char *client_expect_nothing(int fd);

/* Send all of it, and meanwhile read exactly the same back, 4 KiB at a time. */
const char *client_exchange(int fd, const void *data, size_t len);

/*
 * Read and drop what comes: at least so much, or all until the end of the stream if that is
 * SIZE_MAX.  Slowly: 16 KiB each millisecond.  Adds how much it was to *read.
 */
const char *client_read(int fd, size_t least, bool slowly, size_t *read);

/* Wait until everything sent has been acknowledged. */
const char *client_await_acknowledged(int fd);

/* A thread that sends lines without end, and what ends it. */
struct client_flood;
struct client_flood *client_flood_begin(int fd);
void client_flood_end(struct client_flood *flood);

/* Bytes as a scene writes them, in quotes; "..." stands for what has no room.  Returns text. */
#define CLIENT_ESCAPED_MAX 400
char *client_escape(const void *data, size_t len, char text[CLIENT_ESCAPED_MAX]);

#endif
