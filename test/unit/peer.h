/* SPDX-License-Identifier: ISC */
/*
 * peer - the client's side of a conversation: send, receive, and how it ended.
 *
 * All of it on a descriptor that has timeouts (see pair.h).
 */
#ifndef BOBBIN_TEST_UNIT_PEER_H
#define BOBBIN_TEST_UNIT_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All of it, or the test fails. */
void must_send(int fd, const void *data, size_t len);

/* The same for text, its NUL not sent. */
void must_send_text(int fd, const char *text);

/* As a frame: the length and the body. */
void must_send_frame(int fd, const void *body, size_t len);

/* No more will be sent. */
void must_half_close(int fd);

/* Close it so that the other end gets RST; *fd becomes -1. */
void peer_resets(int *fd);

/* Exactly len bytes come. */
void must_receive(int fd, void *data, size_t len);

/* Exactly this text comes. */
void peer_expects(int fd, const char *text);

/* Exactly these bytes come, and then FIN; no RST. */
void peer_expects_last(int fd, const void *data, size_t len);
void peer_expects_last_text(int fd, const char *text);

/*
 * Read and drop until the end.  Returns 0 for FIN or the errno of the failure; *got, unless NULL,
 * is how many bytes came before.
 */
int peer_reads_to_end(int fd, size_t *got);

/* Wait for a reset of the connection, whatever else comes before it.  False if none comes. */
bool peer_is_reset(int fd);
bool peer_is_reset_within(int fd, int64_t duration_ns);

/* Wait for input or an end, duration_ns at most.  True if it came. */
bool peer_hears_within(int fd, int64_t duration_ns);

/* Send and, at the same time, receive as many bytes, until both are done. */
void must_exchange(int fd, const char *out, char *in, size_t len);

/* Bytes that repeat with a long period, so that a shift shows. */
void fill_pattern(char *data, size_t len);

/* So many of them, and a byte more, which is 0; the caller's to free. */
char *must_pattern(size_t len);

#endif
