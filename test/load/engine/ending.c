/* SPDX-License-Identifier: ISC */
/* ending - how a connection ended, and what then becomes of its messages. */
#include "ending.h"

#include "common/deadline.h"
#include "common/socket.h"
#include "test/load/wire/checking.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/* After a connection that ended so soon and answered nothing, the next one rests: a server that
 * ends each connection at once must not be flooded with connects. */
#define SOON_NS (100 * NS_PER_MS)

static enum phase phase_of(const struct connection *c)
{
	if (c->state == CONNECTION_OPENING)
		return PHASE_CONNECT;
	if (c->banner_due)
		return PHASE_BANNER;
	if (checker_inside_reply(&c->checker))
		return PHASE_REPLY;
	if (c->sent < c->begun)
		return PHASE_SEND;
	return c->answered < c->begun ? PHASE_WAIT : PHASE_IDLE;
}

struct example ending_example(const struct connection *c, int error)
{
	return (struct example){
		.connection = c->checker.connection,
		.phase = phase_of(c),
		.error = error,
		.sequence = connection_oldest(c),
	};
}

/* Unanswered requests below bound. */
static uint64_t unanswered_below(const struct connection *c, uint64_t bound)
{
	const struct checker *k = &c->checker;
	uint64_t gap = bound > k->gap ? (bound < k->gap_end ? bound : k->gap_end) - k->gap : 0;
	uint64_t rest = bound > k->due ? bound - k->due : 0;

	return (k->gap < k->gap_end ? gap : 0) + rest;
}

/* How many requests a peer that ended, or kept silent, still owed. */
static uint64_t owed_by_peer(const struct connection *c, const struct lane *lane)
{
	return unanswered_below(c, lane->marked ? c->marked : c->sent);
}

/* Requests [from, below) will never be answered: they rank after every answered one. */
static void never(const struct connection *c, struct lane *lane, uint64_t from, uint64_t below)
{
	for (; from < below; from++) {
		const struct stamp *s = &c->stamps[from & c->stamp_mask];
		if (s->intended_ns < lane->measure_ns)
			continue;
		histogram_record_never(&lane->figures->latency, 1);
		if (schedule_is_open(lane->schedule))
			histogram_record_never(&lane->figures->actual, 1);
	}
}

/* The peer is at fault for all requests below a bound. */
static void never_below(const struct connection *c, struct lane *lane, uint64_t bound)
{
	const struct checker *k = &c->checker;

	if (k->gap < k->gap_end)
		never(c, lane, k->gap, bound < k->gap_end ? bound : k->gap_end);
	never(c, lane, k->due, bound);
	if (c->begun > 0 && !c->first_byte_seen)
		histogram_record_never(&lane->figures->first_byte, 1);
}

/* Every request under way ends here: what is neither mismatched nor lost is cut off. */
static void settle(struct connection *c, struct lane *lane, uint64_t mismatched, uint64_t lost,
	uint64_t excused)
{
	uint64_t left = c->begun - c->answered;

	lane->figures->mismatched += mismatched;
	lane->figures->lost += lost;
	lane->figures->cut_off += left - mismatched - lost;
	lane->figures->excused += excused;
	lane->outstanding -= left;
	if (left > 0)
		lane->figures->last_settled_ns = lane->now_ns;
}

static void end(struct connection *c, const struct lane *lane, bool rests)
{
	if (c->begun > 0)
		c->progress_ns = lane->now_ns;
	slot_set_full(&c->slot);
	checker_fini(&c->checker);
	close(c->fd);
	c->fd = -1;
	c->state = CONNECTION_CLOSED;
	c->rests = rests;
}

/* Find the request that has no right answer because of the finding: the one that was due, if any,
 * or an overtaken one.  Dropped replies are lost instead. */
static bool find_mismatched(const struct connection *c, const struct finding *f, uint64_t *sequence)
{
	*sequence = f->verdict == VERDICT_SWAPPED ? f->sequence : c->checker.due;
	return f->verdict != VERDICT_DROPPED && f->verdict != VERDICT_BANNER &&
		*sequence < c->begun;
}

void ending_mismatch(struct connection *c, struct lane *lane, const struct finding *f)
{
	struct example e = ending_example(c, 0);
	uint64_t sequence;
	bool mismatched = find_mismatched(c, f, &sequence);
	uint64_t lost = f->verdict == VERDICT_DROPPED ? c->checker.gap_end - c->checker.gap : 0;

	e.sequence = f->sequence;
	if (f->verdict == VERDICT_BANNER) {
		snprintf(e.detail, sizeof e.detail, "it said: %.*s", (int)c->checker.held_len,
			c->checker.held);
	} else {
		e.phase = PHASE_REPLY;
		failure_describe_finding(f, e.detail, sizeof e.detail);
	}
	failure_count(&lane->figures->failures, FAILURE_MISMATCH + f->verdict, &e);
	if (mismatched)
		never(c, lane, sequence, sequence + 1);
	else if (lost > 0)
		never(c, lane, c->checker.gap, c->checker.gap_end);
	settle(c, lane, mismatched, lost, c->begun - c->answered - mismatched - lost);
	end(c, lane, true);
}

/* The peer is at fault, except for what was sent after the mark. */
static void fail(struct connection *c, struct lane *lane, enum failure failure,
	const struct example *example)
{
	uint64_t owed = owed_by_peer(c, lane);

	failure_count(&lane->figures->failures, failure, example);
	never_below(c, lane, lane->marked ? c->marked : c->begun);
	settle(c, lane, 0, owed, lane->marked ? c->begun - c->answered - owed : 0);
	end(c, lane, true);
}

void ending_refused(struct connection *c, struct lane *lane)
{
	struct example e = ending_example(c, 0);
	const char *text;
	size_t len = checker_error_text(&c->checker, lane->wire, &text);

	snprintf(e.detail, sizeof e.detail, "%.*s", (int)len, text);
	fail(c, lane, FAILURE_BY_SERVER, &e);
}

static void fail_from_peer(struct connection *c, struct lane *lane, enum failure failure, int error)
{
	struct example e = ending_example(c, error);

	if (e.phase == PHASE_REPLY)
		snprintf(e.detail, sizeof e.detail, "after %zu bytes of the reply",
			c->checker.held ? c->checker.held_len : c->checker.matched);
	fail(c, lane, failure, &e);
}

static bool is_polite(const struct connection *c, enum failure failure)
{
	return failure == FAILURE_EOF && c->begun == c->answered && !c->banner_due;
}

static void end_politely(struct connection *c, struct lane *lane)
{
	lane->figures->ended_by_server++;
	end(c, lane, c->answered == 0 && lane->now_ns - c->opened_ns < SOON_NS);
}

/* What was received may show a worse fault than how the connection ended. */
static void conclude(struct connection *c, struct lane *lane, enum failure failure, int error)
{
	struct finding f = {.verdict = VERDICT_CHANGED};

	switch (checking_end(&c->checker, lane->wire, connection_answerable(c, lane), &f)) {
	case CHECK_WRONG:
		ending_mismatch(c, lane, &f);
		break;
	case CHECK_REFUSED:
		ending_refused(c, lane);
		break;
	default:
		if (is_polite(c, failure))
			end_politely(c, lane);
		else
			fail_from_peer(c, lane, failure, error);
	}
}

/*
 * A reset that finds the connection established is ECONNRESET for a send, and recv(2) then knows of
 * nothing but an end.  EPIPE is a reset that came after the peer's end of stream: we sent on
 * before we had read so far.
 */
void ending_by_peer(struct connection *c, struct lane *lane, int error)
{
	if (error == 0 && c->send_error != EPIPE)
		error = c->send_error;
	if (error != 0)
		conclude(c, lane, failure_from_errno(error), error);
	else
		conclude(c, lane,
			checker_inside_reply(&c->checker) ? FAILURE_TRUNCATED : FAILURE_EOF, 0);
}

void ending_timeout(struct connection *c, struct lane *lane)
{
	conclude(c, lane, FAILURE_TIMEOUT, 0);
}

static void close_it(struct connection *c, struct lane *lane, uint64_t excused)
{
	settle(c, lane, 0, 0, excused);
	if (lane->settings->close_by_reset && c->state == CONNECTION_OPEN)
		socket_reset_on_close(c->fd);
	end(c, lane, false);
}

void ending_by_us(struct connection *c, struct lane *lane)
{
	close_it(c, lane, c->begun - c->answered);
}

void ending_with_the_run(struct connection *c, struct lane *lane)
{
	uint64_t bound = lane->marked ? c->marked : c->begun;

	never_below(c, lane, bound);
	close_it(c, lane, c->begun - c->answered - unanswered_below(c, bound));
}
