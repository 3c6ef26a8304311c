/* SPDX-License-Identifier: ISC */
/*
 * client - one end of a conversation with a server under test.  What does not happen within the
 * patience fails the test.
 *
 * bytes and expectations that are written as string literals may hold NUL: the macros take their
 * length.
 */
#ifndef BOBBIN_TEST_SYSTEM_CLIENT_H
#define BOBBIN_TEST_SYSTEM_CLIENT_H

#include "server.h"

#include <stddef.h>
#include <stdint.h>

/* Connect to the server's first listener, or to any of them. */
int client_connect(const struct server *s);
int client_connect_to(const struct address *a);

/*
 * Bring the server's limit of descriptors down to so few that the last of these connections, of
 * which there are 20 at the least, are not accepted; and wait until it has noticed.
 */
void client_take_descriptors(struct server *s, int *fds, size_t count);

/* To the first from a small receive window, for a peer that hardly reads. */
int client_connect_small(const struct server *s, int receive_buffer);

/* To any from a local address, "127.0.0.2": all of 127.0.0.0/8 is this machine. */
int client_connect_from(const struct address *a, const char *source);

/* Connect so, and be reset; that may come before connect(2) returns. */
void client_is_reset_from(const struct address *a, const char *source);

/* A numeric address, IPv4 or IPv6. */
struct address client_address(const char *host, in_port_t port);

/* Is there an IPv6 loopback? */
bool client_has_ipv6(void);

/* Send all of it. */
void client_send(int fd, const void *data, size_t len);
#define CLIENT_SAY(fd, literal) client_send(fd, literal, sizeof(literal) - 1)

/* Send all of it, byte by byte in segments of their own. */
void client_send_slowly(int fd, const void *data, size_t len);

/* Exactly these bytes come next. */
void client_expect(int fd, const void *data, size_t len);
#define CLIENT_EXPECT(fd, literal) client_expect(fd, literal, sizeof(literal) - 1)

/* The end of the stream comes next, or a reset. */
void client_expect_end(int fd);
void client_expect_reset(int fd);

/* Whatever comes until the end of the stream; a reset fails the test.  Returns how much. */
size_t client_drain(int fd);

/* Nothing has come so far. */
void client_expect_nothing(int fd);

/* Shut the writing side. */
void client_half_close(int fd);

/* Wait until everything sent has been acknowledged: SIOCOUTQ is 0. */
void client_await_acknowledged(int fd);

/* Print the figure, and fail if it is more than the bound (see mode_check_most). */
void bound_check(const char *row, const char *what, int64_t took_ns, int64_t bound_ns);

/* The same with a window: it may not be before the deadline D, and late by D/8 + 8 ms at most. */
void bound_check_window(const char *row, const char *what, int64_t took_ns, int64_t deadline_ns);

#endif
