/* SPDX-License-Identifier: ISC */
/* checker - which reply is due on a connection, and what of it has come. */
#include "checker.h"

#include <stdlib.h>
#include <string.h>

/* What a wrong reply may have beyond the longest right one before it is called too long. */
#define EXCESS_BYTES 4096

void checker_init(struct checker *k, uint32_t connection)
{
	*k = (struct checker){.connection = connection};
}

void checker_fini(struct checker *k)
{
	free(k->held);
	k->held = NULL;
}

bool checker_inside_reply(const struct checker *k)
{
	return k->matched > 0 || k->held_len > 0;
}

/* The reply being gathered. */

void checker_hold(struct checker *k, const char *data, size_t len)
{
	memcpy(k->held + k->held_len, data, len);
	k->held_len += len;
}

void checker_allocate_held(struct checker *k, size_t size)
{
	k->held = malloc(size);
	if (!k->held)
		abort();
	k->held_size = size;
	k->held_len = 0;
}

void checker_begin_holding(struct checker *k, const struct wire *w, bool differs)
{
	struct form f;

	checker_allocate_held(k, w->prefix_len + w->payload->max_bytes + EXCESS_BYTES);
	k->differs = differs;
	if (k->matched > 0) {
		wire_reply(w, k->connection, k->due, &f);
		k->held_len = form_copy(&f, 0, k->held, k->matched);
	}
	k->matched = 0;
}

void checker_stop_holding(struct checker *k)
{
	free(k->held);
	k->held = NULL;
	k->held_len = 0;
	k->differs = false;
}

static size_t frame_len(const char *head)
{
	const unsigned char *h = (const unsigned char *)head;

	return (size_t)h[0] << 24 | (size_t)h[1] << 16 | (size_t)h[2] << 8 | h[3];
}

size_t checker_cut_at(const struct checker *k, const struct form *due)
{
	size_t at = form_match(due, 0, k->held, k->held_len < due->len ? k->held_len : due->len);
	uint32_t connection;
	uint64_t sequence;

	if (k->held_len < at + PAYLOAD_HEADER_BYTES ||
		!payload_parse_header(k->held + at, &connection, &sequence))
		return 0;
	return connection == k->connection && sequence == k->due + 1 ? at : 0;
}

/*
 * Echo has no framing: a reply is as long as its header says, or else as long as the one due.  If
 * the next request has been sent, a little more is needed to see whether its reply begins too soon.
 */
static size_t echo_wanted(
	const struct checker *k, const struct wire *w, uint64_t sent, const struct form *due)
{
	uint32_t connection;
	uint64_t sequence;
	struct form other;

	if (k->held_len < PAYLOAD_HEADER_BYTES && due->len >= PAYLOAD_HEADER_BYTES)
		return PAYLOAD_HEADER_BYTES;
	if (due->len >= PAYLOAD_HEADER_BYTES &&
		payload_parse_header(k->held, &connection, &sequence) &&
		(connection != k->connection || sequence != k->due)) {
		wire_reply(w, connection, sequence, &other);
		return other.len;
	}
	size_t same = form_match(due, 0, k->held, k->held_len < due->len ? k->held_len : due->len);
	if (k->due + 1 < sent && same + PAYLOAD_HEADER_BYTES > due->len)
		return same + PAYLOAD_HEADER_BYTES;
	return due->len;
}

/* How many bytes the held reply needs before it can be judged, as far as what is held shows. */
static size_t wanted(const struct checker *k, const struct wire *w, uint64_t sent)
{
	struct form due;

	wire_reply(w, k->connection, k->due, &due);
	switch (w->service) {
	case SERVICE_FRAME:
		if (k->held_len < WIRE_LENGTH_BYTES)
			return WIRE_LENGTH_BYTES;
		return WIRE_LENGTH_BYTES + frame_len(k->held);
	case SERVICE_ECHO:
		return echo_wanted(k, w, sent, &due);
	case SERVICE_LINE:
		break;
	}
	return SIZE_MAX;
}

/* Take what belongs to the held reply.  True if it is complete, or as long as it may get. */
bool checker_gather(
	struct checker *k, const struct wire *w, uint64_t sent, const char **data, size_t *len)
{
	for (;;) {
		size_t want = wanted(k, w, sent);
		size_t space = k->held_size - k->held_len;
		size_t n = *len < space ? *len : space;
		const char *newline = NULL;

		if (k->held_len >= want || space == 0)
			return true;
		if (n == 0)
			return false;
		if (w->service == SERVICE_LINE && (newline = memchr(*data, '\n', n)))
			n = (size_t)(newline - *data) + 1;
		if (n > want - k->held_len)
			n = want - k->held_len;
		checker_hold(k, *data, n);
		*data += n;
		*len -= n;
		if (newline)
			return true;
	}
}

size_t checker_error_text(const struct checker *k, const struct wire *w, const char **text)
{
	size_t start = w->service == SERVICE_FRAME ? WIRE_LENGTH_BYTES : 0;
	size_t len = k->held_len > start ? k->held_len - start : 0;

	*text = k->held + start;
	while (len > 0 && ((*text)[len - 1] == '\n' || (*text)[len - 1] == '\r'))
		len--;
	return len;
}

bool checker_is_error(const struct checker *k, const struct wire *w)
{
	const size_t prefix_len = sizeof CHECKER_ERROR_PREFIX - 1;
	const char *text;

	return w->service != SERVICE_ECHO && checker_error_text(k, w, &text) >= prefix_len &&
		memcmp(text, CHECKER_ERROR_PREFIX, prefix_len) == 0;
}
