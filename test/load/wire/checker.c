/* SPDX-License-Identifier: ISC */
/* checker - compares replies with what is due, and says how they are wrong. */
#include "checker.h"

#include "pattern.h"

#include <stdlib.h>
#include <string.h>

/* What a wrong reply may have beyond the longest right one before it is called too long. */
#define EXCESS_BYTES 4096

static const char *const verdict_names[VERDICTS] = {
	[VERDICT_DROPPED] = "dropped",
	[VERDICT_REPEATED] = "repeated",
	[VERDICT_SWAPPED] = "swapped",
	[VERDICT_CHANGED] = "changed",
	[VERDICT_SHORT] = "short",
	[VERDICT_LONG] = "long",
	[VERDICT_EARLY] = "early",
	[VERDICT_FOREIGN] = "foreign",
	[VERDICT_BANNER] = "banner",
};

const char *verdict_name(enum verdict verdict)
{
	return verdict_names[verdict];
}

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

static void hold(struct checker *k, const char *data, size_t len)
{
	memcpy(k->held + k->held_len, data, len);
	k->held_len += len;
}

/* Out of memory ends the program: it has no way on. */
static void allocate_held(struct checker *k, size_t size)
{
	k->held = malloc(size);
	if (!k->held)
		abort();
	k->held_size = size;
	k->held_len = 0;
}

/* Begin with what has matched, made again because it was not kept. */
static void begin_holding(struct checker *k, const struct wire *w, bool differs)
{
	struct form f;

	allocate_held(k, w->prefix_len + w->payload->max_bytes + EXCESS_BYTES);
	k->differs = differs;
	if (k->matched > 0) {
		wire_reply(w, k->connection, k->due, &f);
		k->held_len = form_copy(&f, 0, k->held, k->matched);
	}
	k->matched = 0;
}

static void stop_holding(struct checker *k)
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

/* A wrong reply that is seen to go on in the header of the next request's one: how long it is
 * itself, or 0. */
static size_t cut_at(const struct checker *k, const struct form *due)
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
 * Echo has no framing: a reply is as long as the one that its header names; else as the one due;
 * and a little more is wanted if the next request has been sent, to see whether its reply begins
 * too soon.
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

/* How many bytes the held reply should have before it can be judged, as far as can be told yet. */
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
static bool gather(
	struct checker *k, const struct wire *w, uint64_t sent, const char **data, size_t *len)
{
	for (;;) {
		size_t want = wanted(k, w, sent);
		size_t room = k->held_size - k->held_len;
		size_t n = *len < room ? *len : room;
		const char *newline = NULL;

		if (k->held_len >= want || room == 0)
			return true;
		if (n == 0)
			return false;
		if (w->service == SERVICE_LINE && (newline = memchr(*data, '\n', n)))
			n = (size_t)(newline - *data) + 1;
		if (n > want - k->held_len)
			n = want - k->held_len;
		hold(k, *data, n);
		*data += n;
		*len -= n;
		if (newline)
			return true;
	}
}

/* Judging it. */

/* Where the payload begins in the held reply, supposing that it has len bytes. */
static size_t body_offset(const struct checker *k, const struct wire *w, size_t len)
{
	if (w->service == SERVICE_FRAME)
		return k->held_len < WIRE_LENGTH_BYTES ? k->held_len : WIRE_LENGTH_BYTES;
	if (w->service == SERVICE_ECHO)
		return 0;
	if (w->prefix_any)
		return k->held_len > len ? k->held_len - len - 1 : 0;
	if (k->held_len >= w->prefix_len && memcmp(k->held, w->prefix, w->prefix_len) == 0)
		return w->prefix_len;
	return 0;
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

static bool is_error(const struct checker *k, const struct wire *w)
{
	const size_t prefix_len = sizeof CHECKER_ERROR_PREFIX - 1;
	const char *text;

	return w->service != SERVICE_ECHO && checker_error_text(k, w, &text) >= prefix_len &&
		memcmp(text, CHECKER_ERROR_PREFIX, prefix_len) == 0;
}

/* The held reply is, to the last byte, the one to this request. */
static bool is_reply_to(
	const struct checker *k, const struct wire *w, uint32_t connection, uint64_t sequence)
{
	struct form f;

	wire_reply(w, connection, sequence, &f);
	if (w->prefix_any) {
		size_t body = f.message.size + 1;
		return k->held_len >= body &&
			form_match(&f, f.len - body, k->held + k->held_len - body, body) == body;
	}
	return f.len == k->held_len && form_match(&f, 0, k->held, f.len) == f.len;
}

/*
 * Whose reply the held one is.  Its header says so; with payloads too short for a header the
 * neighbours are tried.  False if it is of no request.
 */
static bool identify(
	const struct checker *k, const struct wire *w, uint64_t sent, struct finding *f)
{
	struct form due;

	wire_reply(w, k->connection, k->due, &due);
	size_t body = body_offset(k, w, due.message.size);
	if (k->held_len >= body + PAYLOAD_HEADER_BYTES &&
		payload_parse_header(k->held + body, &f->other_connection, &f->other_sequence))
		return is_reply_to(k, w, f->other_connection, f->other_sequence);

	uint64_t last = sent < k->due + 64 ? sent : k->due + 64;
	f->other_connection = k->connection;
	for (uint64_t s = k->due < 64 ? 0 : k->due - 64; s < last; s++) {
		f->other_sequence = s;
		if (s != k->due && is_reply_to(k, w, k->connection, s))
			return true;
	}
	return false;
}

/* A header of another connection over bytes that are not ours is a stranger's reply, though not one
 * of this run. */
static bool is_strange(const struct checker *k, const struct wire *w, const struct form *due)
{
	size_t body = body_offset(k, w, due->message.size);
	uint32_t connection;
	uint64_t sequence;

	if (k->held_len < body + PAYLOAD_HEADER_BYTES + 1 ||
		due->message.size <= PAYLOAD_HEADER_BYTES)
		return false;
	return payload_parse_header(k->held + body, &connection, &sequence) &&
		connection != k->connection &&
		k->held[body + PAYLOAD_HEADER_BYTES] != due->message.pattern[0];
}

/* Compare with the reply due, from its first byte (with any prefix: from the payload's). */
static void locate(struct checker *k, const struct wire *w, const struct form *due, size_t *offset)
{
	size_t skip = w->prefix_any ? body_offset(k, w, due->message.size) : 0;
	size_t from = w->prefix_any ? due->head_len : 0;
	size_t left = k->held_len - skip;
	size_t n = left < due->len - from ? left : due->len - from;

	*offset = skip + form_match(due, from, k->held + skip, n);
}

static enum verdict judge_length(
	const struct checker *k, const struct wire *w, const struct form *due)
{
	if (w->service == SERVICE_ECHO)
		return cut_at(k, due) > 0 ? VERDICT_SHORT : VERDICT_CHANGED;
	if (w->prefix_any)
		return k->held_len < due->message.size + 1 ? VERDICT_SHORT : VERDICT_CHANGED;
	if (k->held_len == due->len)
		return VERDICT_CHANGED;
	return k->held_len < due->len ? VERDICT_SHORT : VERDICT_LONG;
}

static void describe_difference(struct checker *k, const struct wire *w, struct finding *f)
{
	struct form due;

	wire_reply(w, k->connection, k->due, &due);
	f->sequence = k->due;
	locate(k, w, &due, &f->offset);
	f->expected = w->prefix_any ? -1 : form_byte(&due, f->offset);
	f->received = f->offset < k->held_len ? (unsigned char)k->held[f->offset] : -1;
}

static enum check dropped(const struct checker *k, struct finding *f)
{
	*f = (struct finding){
		.verdict = VERDICT_DROPPED,
		.sequence = k->gap,
		.expected = -1,
		.received = -1,
		.other_connection = k->connection,
		.other_sequence = k->gap_end,
	};
	return CHECK_WRONG;
}

/* A right reply, but to a request after the one due: the judgement waits for the next. */
static enum check overtaken(struct checker *k, uint64_t by, struct finding *f)
{
	if (k->gap < k->gap_end)
		return dropped(k, f);
	k->gap = k->due;
	k->gap_end = by;
	k->answered = by;
	k->due = by + 1;
	stop_holding(k);
	return CHECK_RIGHT;
}

static enum check judge_own(struct checker *k, uint64_t sent, struct finding *f)
{
	uint64_t other = f->other_sequence;

	if (other > k->due && other < sent)
		return overtaken(k, other, f);
	if (other >= sent) {
		f->verdict = VERDICT_EARLY;
	} else if (other >= k->gap && other < k->gap_end) {
		f->verdict = VERDICT_SWAPPED;
		f->sequence = other;
		f->other_sequence = k->gap_end;
	} else {
		f->verdict = VERDICT_REPEATED;
	}
	return CHECK_WRONG;
}

static enum check judge(struct checker *k, const struct wire *w, uint64_t sent, struct finding *f)
{
	struct form due;

	if (is_error(k, w))
		return CHECK_REFUSED;
	describe_difference(k, w, f);
	if (identify(k, w, sent, f)) {
		if (f->other_connection == k->connection)
			return judge_own(k, sent, f);
		f->verdict = VERDICT_FOREIGN;
		return CHECK_WRONG;
	}
	wire_reply(w, k->connection, k->due, &due);
	if (k->due >= sent)
		f->verdict = VERDICT_EARLY;
	else if (is_strange(k, w, &due))
		f->verdict = VERDICT_FOREIGN;
	else
		f->verdict = judge_length(k, w, &due);
	return CHECK_WRONG;
}

/* The ways through. */

static enum check right(struct checker *k, struct finding *f)
{
	k->answered = k->due++;
	k->matched = 0;
	return k->gap < k->gap_end ? dropped(k, f) : CHECK_RIGHT;
}

/* Bytes that no request asked for are judged as they are: there is nothing to wait for. */
static enum check unasked(struct checker *k, const struct wire *w, uint64_t sent, const char **data,
	size_t *len, struct finding *f)
{
	begin_holding(k, w, true);
	gather(k, w, sent, data, len);
	return judge(k, w, sent, f);
}

static enum check gathered(struct checker *k, const struct wire *w, uint64_t sent,
	const char **data, size_t *len, struct finding *f)
{
	if (!gather(k, w, sent, data, len))
		return CHECK_MORE;
	if (w->prefix_any && k->due < sent && is_reply_to(k, w, k->connection, k->due)) {
		stop_holding(k);
		return right(k, f);
	}
	return judge(k, w, sent, f);
}

/* Any prefix: only a whole line can be compared, from its end. */
static enum check next_line(struct checker *k, const struct wire *w, uint64_t sent,
	const char **data, size_t *len, struct finding *f)
{
	const char *newline = memchr(*data, '\n', *len);
	struct form due;

	wire_reply(w, k->connection, k->due, &due);
	if (newline) {
		size_t line = (size_t)(newline - *data) + 1;
		size_t body = due.message.size + 1;
		if (line >= body &&
			form_match(&due, due.len - body, newline + 1 - body, body) == body) {
			*data += line;
			*len -= line;
			return right(k, f);
		}
	}
	begin_holding(k, w, newline != NULL);
	return gathered(k, w, sent, data, len, f);
}

enum check checker_next(struct checker *k, const struct wire *w, uint64_t sent, const char **data,
	size_t *len, struct finding *f)
{
	struct form due;

	if (*len == 0)
		return CHECK_MORE;
	if (k->held)
		return gathered(k, w, sent, data, len, f);
	if (k->due >= sent)
		return unasked(k, w, sent, data, len, f);
	if (w->prefix_any)
		return next_line(k, w, sent, data, len, f);

	wire_reply(w, k->connection, k->due, &due);
	size_t left = due.len - k->matched;
	size_t n = *len < left ? *len : left;
	size_t same = form_match(&due, k->matched, *data, n);
	*data += same;
	*len -= same;
	k->matched += same;
	if (same == left)
		return right(k, f);
	if (same == n)
		return CHECK_MORE;
	begin_holding(k, w, true);
	return gathered(k, w, sent, data, len, f);
}

/* The held line without its end, which may be that of telnet. */
static size_t line_len(const struct checker *k)
{
	size_t len = k->held_len - 1;

	return len > 0 && k->held[len - 1] == '\r' ? len - 1 : len;
}

enum check checker_banner(
	struct checker *k, const char *pattern, const char **data, size_t *len, struct finding *f)
{
	const size_t error_len = sizeof CHECKER_ERROR_PREFIX - 1;

	if (!k->held)
		allocate_held(k, CHECKER_BANNER_MAX);
	const char *newline = memchr(*data, '\n', *len);
	size_t n = newline ? (size_t)(newline - *data) + 1 : *len;
	if (n > k->held_size - k->held_len)
		n = k->held_size - k->held_len;
	hold(k, *data, n);
	*data += n;
	*len -= n;
	bool whole = k->held_len > 0 && k->held[k->held_len - 1] == '\n';
	if (!whole && k->held_len < k->held_size)
		return CHECK_MORE;
	if (whole && pattern_matches(pattern, k->held, line_len(k))) {
		stop_holding(k);
		return CHECK_RIGHT;
	}
	if (k->held_len > error_len && memcmp(k->held, CHECKER_ERROR_PREFIX, error_len) == 0)
		return CHECK_REFUSED;
	*f = (struct finding){.verdict = VERDICT_BANNER, .expected = -1, .received = -1};
	return CHECK_WRONG;
}

enum check checker_end(struct checker *k, const struct wire *w, uint64_t sent, struct finding *f)
{
	if (k->held_len > 0 && is_error(k, w))
		return CHECK_REFUSED;
	if (k->gap < k->gap_end)
		return dropped(k, f);
	if (k->held_len == 0 || !k->differs)
		return CHECK_MORE;
	/* What overtook the reply due has now nothing after it that could be that one. */
	enum check result = judge(k, w, sent, f);
	return result == CHECK_RIGHT ? dropped(k, f) : result;
}
