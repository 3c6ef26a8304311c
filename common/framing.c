/* SPDX-License-Identifier: ISC */
/* framing - where a message begins and ends in a stream of bytes. */
#include "framing.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>

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
