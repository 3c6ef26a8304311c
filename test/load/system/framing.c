/* SPDX-License-Identifier: ISC */
/* framing - where a message of line, frame and echo ends. */
#include "framing.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void bytes_append(struct bytes *b, const void *data, size_t len)
{
	if (b->size - b->len < len) {
		b->size = 2 * (b->len + len);
		b->data = realloc(b->data, b->size);
		if (!b->data)
			abort();
	}
	if (len > 0)
		memcpy(b->data + b->len, data, len);
	b->len += len;
}

void bytes_drop(struct bytes *b, size_t len)
{
	b->len -= len;
	if (b->len > 0)
		memmove(b->data, b->data + len, b->len);
}

void bytes_free(struct bytes *b)
{
	free(b->data);
	*b = (struct bytes){NULL, 0, 0};
}

bool framing_parse(const char *name, enum framing *framing)
{
	static const char *const names[] = {"line", "frame", "echo"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (strcmp(name, names[i]) == 0) {
			*framing = (enum framing)i;
			return true;
		}
	}
	return false;
}

size_t framing_split(enum framing framing, struct view data, struct view *message)
{
	size_t head = framing == FRAMING_FRAME ? sizeof(uint32_t) : 0;
	size_t tail = framing == FRAMING_LINE;
	uint32_t length;

	if (data.len == 0 || data.len < head)
		return 0;
	if (framing == FRAMING_FRAME)
		memcpy(&length, data.data, head);
	const char *newline = memchr(data.data, '\n', data.len);
	if (framing == FRAMING_LINE && !newline)
		return 0;
	message->data = data.data + head;
	message->len = framing == FRAMING_LINE ? (size_t)(newline - data.data)
		: framing == FRAMING_FRAME     ? ntohl(length)
					       : FRAMING_ECHO_BYTES;
	size_t whole = head + message->len + tail;
	return data.len < whole ? 0 : whole;
}

void framing_reply(enum framing framing, struct bytes *out, struct view payload)
{
	uint32_t length = htonl((uint32_t)payload.len);

	if (framing == FRAMING_LINE)
		bytes_append(out, "echo: ", 6);
	if (framing == FRAMING_FRAME)
		bytes_append(out, &length, sizeof length);
	bytes_append(out, payload.data, payload.len);
	bytes_append(out, "\n", framing == FRAMING_LINE);
}
