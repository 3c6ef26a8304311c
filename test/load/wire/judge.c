/* SPDX-License-Identifier: ISC */
/* judge - says how a reply is wrong, and whose it is. */
#include "judge.h"

#include <string.h>

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

/* The held reply is, to the last byte, the one to this request. */
bool judge_is_reply_to(
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
 * Find the request that the held reply belongs to: its header names it; with payloads too short for
 * a header the neighbours are tried.  False if it belongs to none.
 */
static bool identify(
	const struct checker *k, const struct wire *w, uint64_t sent, struct finding *f)
{
	struct form due;

	wire_reply(w, k->connection, k->due, &due);
	size_t body = body_offset(k, w, due.message.size);
	if (k->held_len >= body + PAYLOAD_HEADER_BYTES &&
		payload_parse_header(k->held + body, &f->other_connection, &f->other_sequence))
		return judge_is_reply_to(k, w, f->other_connection, f->other_sequence);

	uint64_t last = sent < k->due + 64 ? sent : k->due + 64;
	f->other_connection = k->connection;
	for (uint64_t s = k->due < 64 ? 0 : k->due - 64; s < last; s++) {
		f->other_sequence = s;
		if (s != k->due && judge_is_reply_to(k, w, k->connection, s))
			return true;
	}
	return false;
}

/* True if a header of another connection stands before bytes that are not ours: the reply is a
 * stranger's, though not of this run. */
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
		return checker_cut_at(k, due) > 0 ? VERDICT_SHORT : VERDICT_CHANGED;
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

enum check judge_dropped(const struct checker *k, struct finding *f)
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

/* A right reply to a request after the one due: the next reply decides. */
static enum check overtaken(struct checker *k, uint64_t by, struct finding *f)
{
	if (k->gap < k->gap_end)
		return judge_dropped(k, f);
	k->gap = k->due;
	k->gap_end = by;
	k->answered = by;
	k->due = by + 1;
	checker_stop_holding(k);
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

enum check judge_held(struct checker *k, const struct wire *w, uint64_t sent, struct finding *f)
{
	struct form due;

	if (checker_is_error(k, w))
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
