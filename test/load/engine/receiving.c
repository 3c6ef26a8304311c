/* SPDX-License-Identifier: ISC */
/* receiving - reads what has come on a connection. */
#include "receiving.h"

#include "ending.h"
#include "test/load/wire/checking.h"

#include <errno.h>

/* A latency is the client's own if more than half of it is the client being late or standing still.
 * In a closed loop both latencies are the same, and the engine copies one. */
static void record(const struct lane *lane, const struct stamp *s)
{
	struct figures *f = lane->figures;
	int64_t latency_ns = lane->now_ns - s->intended_ns;
	int64_t stalled_ns = lane_stalled_since(lane, s->sent_ns);

	f->replies += lane->now_ns <= lane->end_ns;
	histogram_record(&f->latency, latency_ns);
	if (s->own_ns + stalled_ns > latency_ns / 2)
		histogram_record(&f->own, latency_ns);
	if (!schedule_is_open(lane->schedule))
		return;
	lane_record(lane, &f->actual, &f->own_actual, s->sent_ns);
}

static void note_answer(struct connection *c, struct lane *lane)
{
	const struct stamp *s = &c->stamps[c->checker.answered & c->stamp_mask];
	struct figures *f = lane->figures;

	c->answered++;
	c->progress_ns = lane->now_ns;
	lane->outstanding--;
	f->answered++;
	f->last_settled_ns = lane->now_ns;
	slot_set_vacant(&c->slot, lane);
	if (s->intended_ns >= lane->measure_ns)
		record(lane, s);
}

static void note_bytes(struct connection *c, struct lane *lane, size_t len)
{
	if (lane_is_measuring(lane))
		lane->figures->bytes_received += len;
	if (!c->first_byte_seen && c->begun > 0) {
		c->first_byte_seen = true;
		lane_record(lane, &lane->figures->first_byte, &lane->figures->own_first_byte,
			c->stamps[0].sent_ns);
	}
}

/* True if the banner is complete and right; what came after it is left in *data. */
static bool check_banner(struct connection *c, struct lane *lane, const char **data, size_t *len)
{
	struct finding f;

	switch (checking_banner(&c->checker, lane->settings->banner, data, len, &f)) {
	case CHECK_MORE:
		break;
	case CHECK_RIGHT:
		c->banner_due = false;
		slot_set_vacant(&c->slot, lane);
		return true;
	case CHECK_REFUSED:
		ending_refused(c, lane);
		break;
	case CHECK_WRONG:
		ending_mismatch(c, lane, &f);
		break;
	}
	return false;
}

/* False if the connection has ended. */
static bool check(struct connection *c, struct lane *lane, const char *data, size_t len)
{
	struct finding f = {.verdict = VERDICT_CHANGED};
	uint64_t sent = connection_answerable(c, lane);
	enum check result;

	if (c->banner_due && !check_banner(c, lane, &data, &len))
		return c->state == CONNECTION_OPEN;
	note_bytes(c, lane, len);
	while ((result = checking_next(&c->checker, lane->wire, sent, &data, &len, &f)) ==
		CHECK_RIGHT)
		note_answer(c, lane);
	if (result == CHECK_WRONG)
		ending_mismatch(c, lane, &f);
	else if (result == CHECK_REFUSED)
		ending_refused(c, lane);
	return result == CHECK_MORE;
}

/* A short read has emptied the socket, and what comes later is a new edge.  Only a known end is
 * worth another read. */
void receiving_go_on(struct connection *c, struct lane *lane, bool ended)
{
	for (;;) {
		ssize_t n = recv(c->fd, lane->in, LANE_BUFFER_BYTES, 0);
		int error = errno;
		lane_look(lane, 0);
		if (n > 0) {
			if (!check(c, lane, lane->in, (size_t)n))
				return;
			if ((size_t)n < LANE_BUFFER_BYTES && !ended)
				return;
			continue;
		}
		if (n < 0 && error == EINTR)
			continue;
		if (n < 0 && (error == EAGAIN || error == EWOULDBLOCK) && c->send_error == 0)
			return;
		ending_by_peer(c, lane, n < 0 && c->send_error == 0 ? error : 0);
		return;
	}
}
