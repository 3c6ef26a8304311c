/* SPDX-License-Identifier: ISC */
/* framing - where a message begins and ends in a stream of bytes. */
#include "framing.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Looks only at bytes that no earlier look has seen. */
static enum framing_found find_line(
	size_t max, struct framing_bytes *bytes, struct framing_message *line, size_t *need)
{
	const char *end = memchr(bytes->data + bytes->scanned, '\n', bytes->len - bytes->scanned);
	size_t len = end ? (size_t)(end - bytes->data) : bytes->len;

	bytes->scanned = len;
	if (len > max)
		return FRAMING_TOO_LONG;
	if (end || (bytes->ended && len > 0)) {
		*line = (struct framing_message){.len = len, .after = end != NULL};
		return FRAMING_WHOLE;
	}
	*need = len + 1;
	return bytes->ended ? FRAMING_END : FRAMING_PART;
}

static uint32_t get_length(const char *data)
{
	uint32_t wire;

	memcpy(&wire, data, sizeof wire);
	return ntohl(wire);
}

static enum framing_found find_frame(
	size_t max, const struct framing_bytes *bytes, struct framing_message *frame, size_t *need)
{
	*need = FRAMING_LENGTH_BYTES;
	if (bytes->len >= FRAMING_LENGTH_BYTES) {
		size_t len = get_length(bytes->data);
		if (len > max)
			return FRAMING_TOO_LONG;
		*need += len;
		if (bytes->len >= *need) {
			*frame = (struct framing_message){
				.before = FRAMING_LENGTH_BYTES, .len = len};
			return FRAMING_WHOLE;
		}
	}
	if (!bytes->ended)
		return FRAMING_PART;
	return bytes->len > 0 ? FRAMING_CUT_OFF : FRAMING_END;
}

static enum framing_found find_any(
	const struct framing_bytes *bytes, struct framing_message *all, size_t *need)
{
	*need = 1;
	*all = (struct framing_message){.len = bytes->len};
	if (bytes->len > 0)
		return FRAMING_WHOLE;
	return bytes->ended ? FRAMING_END : FRAMING_PART;
}

enum framing_found framing_find(enum stream_framing framing, size_t max,
	struct framing_bytes *bytes, struct framing_message *message, size_t *need)
{
	if (framing == STREAM_LINE)
		return find_line(max, bytes, message, need);
	if (framing == STREAM_FRAME)
		return find_frame(max, bytes, message, need);
	return find_any(bytes, message, need);
}

size_t framing_longest(enum stream_framing framing, size_t max)
{
	if (framing == STREAM_LINE)
		return max + 1;
	return framing == STREAM_FRAME ? max + FRAMING_LENGTH_BYTES : 0;
}

void framing_put_length(size_t len, char out[FRAMING_LENGTH_BYTES])
{
	assert(len <= UINT32_MAX);
	uint32_t wire = htonl((uint32_t)len);
	memcpy(out, &wire, sizeof wire);
}

size_t framing_compose_error(
	enum stream_framing framing, const char *text, char reply[FRAMING_ERROR_MAX])
{
	size_t before = framing == STREAM_FRAME ? FRAMING_LENGTH_BYTES : 0;

	if (framing == STREAM_RAW)
		return 0;
	int len = snprintf(reply + before, FRAMING_ERROR_MAX - before, "error: %.*s%s",
		FRAMING_ERROR_TEXT_MAX, text, framing == STREAM_LINE ? "\n" : "");
	if (framing == STREAM_FRAME)
		framing_put_length((size_t)len, reply);
	return before + (size_t)len;
}
