/* SPDX-License-Identifier: ISC */
/* sending - begins what may be begun on a connection, and sends it. */
#include "sending.h"

#include "receiving.h"

#include <errno.h>

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void begin_one(struct connection *c, struct lane *lane)
{
	struct stamp *s = &c->stamps[c->begun++ & c->stamp_mask];

	s->own_ns = slot_take(&c->slot, lane, &s->intended_ns);
	s->sent_ns = lane->now_ns;
	c->progress_ns = lane->now_ns;
	lane->outstanding++;
}

/* How many messages may be begun on the connection. */
static uint64_t vacancies_on(const struct connection *c, const struct lane *lane)
{
	const struct settings *s = lane->settings;
	uint64_t window = s->in_flight - (c->begun - connection_oldest(c));

	return s->per_connection ? smaller(window, s->per_connection - c->begun) : window;
}

void sending_begin(struct connection *c, struct lane *lane)
{
	uint64_t vacancies = vacancies_on(c, lane);

	if (!schedule_is_open(lane->schedule)) {
		if (lane->beginning && c->started)
			slot_allow(&c->slot, lane,
				smaller(vacancies, c->slot.quota - c->slot.noticed));
	} else if (slot_is_owed(&c->slot)) {
		lane_look(lane, 0);
		slot_give_up_overdue(&c->slot, lane);
	}
	for (; vacancies > 0 && slot_is_owed(&c->slot); vacancies--)
		begin_one(c, lane);
	if (vacancies == 0)
		slot_set_full(&c->slot);
}

/* Fill the buffer from the first byte not sent on; *end and *end_offset say where it stops. */
static size_t fill(
	const struct connection *c, const struct lane *lane, uint64_t *end, size_t *end_offset)
{
	size_t used = 0;
	uint64_t seq = c->sent;
	size_t offset = c->sent_offset;
	struct form f;

	while (seq < c->begun && used < LANE_BUFFER_BYTES) {
		wire_request(lane->wire, c->checker.connection, seq, &f);
		size_t n = form_copy(&f, offset, lane->out + used, LANE_BUFFER_BYTES - used);
		used += n;
		offset += n;
		if (offset == f.len) {
			seq++;
			offset = 0;
		}
	}
	*end = seq;
	*end_offset = offset;
	return used;
}

static void advance(struct connection *c, const struct lane *lane, size_t bytes)
{
	struct form f;

	while (bytes > 0) {
		wire_request(lane->wire, c->checker.connection, c->sent, &f);
		size_t left = f.len - c->sent_offset;
		if (bytes < left) {
			c->sent_offset += bytes;
			return;
		}
		bytes -= left;
		c->sent++;
		c->sent_offset = 0;
	}
}

/* A failed send says little.  The replies and the reason that came before it can still be read. */
static void send_failed(struct connection *c, struct lane *lane, int error)
{
	if (error == EAGAIN || error == EWOULDBLOCK)
		return;
	c->send_error = error;
	receiving_go_on(c, lane, true);
}

/* Stamp the messages whose first byte went with the send that began at this look at the clock. */
static void stamp(struct connection *c, const struct lane *lane)
{
	uint64_t below = c->sent + (c->sent_offset > 0);

	for (; c->stamped < below; c->stamped++) {
		struct stamp *s = &c->stamps[c->stamped & c->stamp_mask];
		s->sent_ns = lane->now_ns;
		if (!schedule_is_open(lane->schedule))
			s->intended_ns = lane->now_ns;
	}
}

void sending_go_on(struct connection *c, struct lane *lane)
{
	while (c->sent < c->begun) {
		uint64_t seq;
		size_t offset;
		size_t len = fill(c, lane, &seq, &offset);
		lane_look(lane, 0);
		ssize_t n = send(c->fd, lane->out, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			send_failed(c, lane, errno);
			return;
		}
		if (lane_is_measuring(lane))
			lane->figures->bytes_sent += (size_t)n;
		if ((size_t)n == len) {
			c->sent = seq;
			c->sent_offset = offset;
		} else {
			advance(c, lane, (size_t)n);
		}
		stamp(c, lane);
		if ((size_t)n < len)
			return;
	}
}
