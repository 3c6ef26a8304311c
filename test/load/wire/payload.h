/* SPDX-License-Identifier: ISC */
/*
 * payload - what a message carries: the connection, the sequence number, and a pattern, all made
 * from the seed.
 *
 *   0000002a.00000007f3<pattern ...>
 *
 * 8 hexadecimal digits of the connection, a point, 10 of the sequence, and then bytes that no other
 * message is likely to have.  From connection and sequence the bytes can be made again, from
 * any offset; nothing is kept for a message under way.  A payload shorter than the 19 bytes of the
 * header is the header's end: it still tells neighbours apart, but not connections.
 *
 * Threads:  any; a payload is constant once made.
 */
#ifndef BOBBIN_LOAD_PAYLOAD_H
#define BOBBIN_LOAD_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAYLOAD_HEADER_BYTES 19
#define PAYLOAD_MAX_BYTES    ((size_t)64 << 20)

struct payload { /* [const] fields belong to payload.c */
	uint64_t seed;
	size_t min_bytes;
	size_t max_bytes;
	char *pattern;
};

/* The payload of one message, composed; valid as long as the payload it came from. */
struct message {
	size_t size;
	size_t header_len;
	const char *pattern;               /* size - header_len bytes */
	char header[PAYLOAD_HEADER_BYTES]; /* its last header_len bytes are sent */
};

/*
 * Sizes from min_bytes to max_bytes (at most PAYLOAD_MAX_BYTES), equally likely.  With lines, no
 * payload contains '\n'. Returns 0 or -ENOMEM.
 */
int payload_init(struct payload *p, uint64_t seed, size_t min_bytes, size_t max_bytes, bool lines);
void payload_fini(struct payload *p);

/* Compose message number sequence of a connection. */
void payload_compose(
	const struct payload *p, uint32_t connection, uint64_t sequence, struct message *m);

/* Copy the len bytes from offset on (all within m->size) to out. */
void message_copy(const struct message *m, size_t offset, char *out, size_t len);

/* How many leading bytes of data are those of the message from offset on; len at most. */
size_t message_match(const struct message *m, size_t offset, const char *data, size_t len);

/* Read a header from PAYLOAD_HEADER_BYTES bytes.  False, with nothing stored, if they are none. */
bool payload_parse_header(const char *data, uint32_t *connection, uint64_t *sequence);

/* How many of the first len bytes at a and b are equal, up to the first difference. */
size_t payload_common_prefix(const char *a, const char *b, size_t len);

#endif
