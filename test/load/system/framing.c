/* SPDX-License-Identifier: ISC */
/* framing - where a message of line, frame and echo ends. */
#include "framing.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

static const char line_prefix[] = "echo: ";

void bytes_append(struct bytes *b, const void *data, size_t len)
{
	if (len == 0)
		return;
	if (b->size - b->len < len) {
		b->size = 2 * (b->len + len);
		b->data = realloc(b->data, b->size);
		must(b->data != NULL, "realloc");
	}
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

void bytes_drop(struct bytes *b, size_t len)
{
	if (len == 0)
		return;
	b->len -= len;
	memmove(b->data, b->data + len, b->len);
}

void bytes_free(struct bytes *b)
{
	free(b->data);
	*b = (struct bytes){NULL, 0, 0};
}

bool framing_parse(const char *name, enum framing_kind *kind)
{
	static const char *const names[] = {
		[FRAMING_LINE] = "line",
		[FRAMING_FRAME] = "frame",
		[FRAMING_ECHO] = "echo",
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (strcmp(name, names[i]) != 0)
			continue;
		*kind = (enum framing_kind)i;
		return true;
	}
	return false;
}

static size_t split_line(struct view data, struct view *message)
{
	char *newline = memchr(data.data, '\n', data.len);

	if (!newline)
		return 0;
	*message = (struct view){data.data, (size_t)(newline - data.data)};
	return message->len + 1;
}

static size_t split_frame(struct view data, struct view *message)
{
	uint32_t len;

	if (data.len < sizeof len)
		return 0;
	memcpy(&len, data.data, sizeof len);
	*message = (struct view){data.data + sizeof len, ntohl(len)};
	return data.len < sizeof len + message->len ? 0 : sizeof len + message->len;
}

static size_t split_echo(struct view data, size_t bytes, struct view *message)
{
	*message = (struct view){data.data, bytes};
	return data.len < bytes ? 0 : bytes;
}

size_t framing_split(const struct framing *f, struct view data, struct view *message)
{
	if (data.len == 0)
		return 0;
	switch (f->kind) {
	case FRAMING_LINE:
		return split_line(data, message);
	case FRAMING_FRAME:
		return split_frame(data, message);
	case FRAMING_ECHO:
		break;
	}
	return split_echo(data, f->echo_bytes, message);
}

void framing_reply(const struct framing *f, struct bytes *out, struct view payload)
{
	uint32_t len = htonl((uint32_t)payload.len);

	if (f->kind == FRAMING_LINE)
		bytes_append(out, line_prefix, sizeof line_prefix - 1);
	else if (f->kind == FRAMING_FRAME)
		bytes_append(out, &len, sizeof len);
	bytes_append(out, payload.data, payload.len);
	if (f->kind == FRAMING_LINE)
		bytes_append(out, "\n", 1);
}
