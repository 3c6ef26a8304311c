/* SPDX-License-Identifier: ISC */
/*
 * wire - how a payload looks as a request and as a reply of each service: line, frame, echo.
 *
 *   line   payload '\n'                  ->  prefix payload '\n'
 *   frame  4-byte length, payload        ->  the same
 *   echo   payload                       ->  the same
 *
 * Threads:  any; a wire is constant.
 */
#ifndef BOBBIN_LOAD_WIRE_H
#define BOBBIN_LOAD_WIRE_H

#include "payload.h"

enum service {
	SERVICE_LINE,
	SERVICE_FRAME,
	SERVICE_ECHO,
};

#define WIRE_LENGTH_BYTES 4

struct wire {
	enum service service;
	const char *prefix; /* LINE: what stands before the payload in a reply, */
	size_t prefix_len;
	bool prefix_any; /* or that it may be anything */
	const struct payload *payload;
};

/* A request or a reply, as it is on the connection: head, payload, tail. */
struct form {
	const char *head; /* in the wire's prefix, or in length */
	size_t head_len;
	size_t tail_len; /* 1: a '\n' at the end */
	size_t len;      /* of it all */
	char length[WIRE_LENGTH_BYTES];
	struct message message;
};

/* "line", "frame" or "echo" into *service.  Returns 0 or -EINVAL. */
int wire_parse_service(const char *text, enum service *service);
const char *wire_service_name(enum service service);

/* Make *f the request, or the right reply, number sequence of a connection.  f->head may point into
 * *f. */
void wire_request(const struct wire *w, uint32_t connection, uint64_t sequence, struct form *f);
void wire_reply(const struct wire *w, uint32_t connection, uint64_t sequence, struct form *f);

/* Copy at most len bytes from offset on; returns how many. */
size_t form_copy(const struct form *f, size_t offset, char *out, size_t len);

/* How many leading bytes of data are those of the form from offset on; len reaches at most to its
 * end. */
size_t form_match(const struct form *f, size_t offset, const char *data, size_t len);

/* The byte at offset, or -1 after the end. */
int form_byte(const struct form *f, size_t offset);

#endif
