/* SPDX-License-Identifier: ISC */
/* connection - one connection of the load, and its successors. */
#include "connection.h"

#include "connecting.h"
#include "ending.h"
#include "mark.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

static uint32_t id_of(const struct connection *c, const struct bench *b)
{
	return c->slot.number + c->generation * (uint32_t)b->settings->connections;
}

void connection_init(struct connection *c, uint32_t slot, const struct schedule *schedule,
	struct stamp *stamps, uint64_t stamp_mask)
{
	*c = (struct connection){
		.fd = -1,
		.stamps = stamps,
		.stamp_mask = stamp_mask,
	};
	slot_init(&c->slot, slot, schedule);
}

uint64_t connection_oldest(const struct connection *c)
{
	return c->checker.gap < c->checker.gap_end ? c->checker.gap : c->checker.due;
}

/* Echo may answer half a request, the others only a whole one. */
uint64_t connection_answerable(const struct connection *c, const struct bench *b)
{
	return b->wire->service == SERVICE_ECHO ? c->begun : c->sent;
}

bool connection_is_opening(const struct connection *c)
{
	return c->state == CONNECTION_OPENING || (c->state == CONNECTION_OPEN && c->banner_due);
}

bool connection_is_wanted(const struct connection *c, const struct bench *b)
{
	return b->start_ns == 0 || slot_has_more(&c->slot, b);
}

void connection_close(struct connection *c, struct bench *b)
{
	if (c->state != CONNECTION_CLOSED)
		ending_by_us(c, b);
}

/* Opening. */

void connection_open(struct connection *c, struct bench *b)
{
	checker_init(&c->checker, id_of(c, b));
	c->generation++;
	c->state = CONNECTION_OPENING;
	c->rests = false;
	c->send_error = 0;
	c->banner_due = b->settings->banner != NULL;
	c->first_byte_seen = false;
	c->begun = 0;
	c->stamped = 0;
	c->sent = 0;
	c->sent_offset = 0;
	c->answered = 0;
	c->marked = 0;
	connecting_begin(c, b);
}

/* Receiving. */

/* What happens now counts for the rates. */
static bool is_measured_now(const struct bench *b)
{
	return b->now_ns >= b->measure_ns && b->now_ns <= b->end_ns;
}

/* A latency of which the client's own part, being late or standing still, is more than half is set
 * apart as its own.  In a closed loop both latencies are one, which the engine copies. */
static void record(const struct bench *b, const struct stamp *s)
{
	struct figures *f = b->figures;
	int64_t latency_ns = b->now_ns - s->intended_ns;
	int64_t stalled_ns = bench_stalled_since(b, s->sent_ns);

	f->replies += b->now_ns <= b->end_ns;
	histogram_record(&f->latency, latency_ns);
	if (s->own_ns + stalled_ns > latency_ns / 2)
		histogram_record(&f->own, latency_ns);
	if (!schedule_is_open(b->schedule))
		return;
	bench_record(b, &f->actual, &f->own_actual, s->sent_ns);
}

static void note_answer(struct connection *c, struct bench *b)
{
	const struct stamp *s = &c->stamps[c->checker.answered & c->stamp_mask];
	struct figures *f = b->figures;

	c->answered++;
	c->progress_ns = b->now_ns;
	b->outstanding--;
	f->answered++;
	f->last_settled_ns = b->now_ns;
	slot_has_room(&c->slot, b);
	if (s->intended_ns >= b->measure_ns)
		record(b, s);
}

static void note_bytes(struct connection *c, struct bench *b, size_t len)
{
	if (is_measured_now(b))
		b->figures->bytes_received += len;
	if (!c->first_byte_seen && c->begun > 0) {
		c->first_byte_seen = true;
		bench_record(b, &b->figures->first_byte, &b->figures->own_first_byte,
			c->stamps[0].sent_ns);
	}
}

/* True if the banner is complete and right; what came after it is left in *data. */
static bool check_banner(struct connection *c, struct bench *b, const char **data, size_t *len)
{
	struct finding f;

	switch (checker_banner(&c->checker, b->settings->banner, data, len, &f)) {
	case CHECK_MORE:
		break;
	case CHECK_RIGHT:
		c->banner_due = false;
		slot_has_room(&c->slot, b);
		return true;
	case CHECK_REFUSED:
		ending_refused(c, b);
		break;
	case CHECK_WRONG:
		ending_mismatch(c, b, &f);
		break;
	}
	return false;
}

/* False if the connection has ended. */
static bool check(struct connection *c, struct bench *b, const char *data, size_t len)
{
	struct finding f = {.verdict = VERDICT_CHANGED};
	uint64_t sent = connection_answerable(c, b);
	enum check result;

	if (c->banner_due && !check_banner(c, b, &data, &len))
		return c->state == CONNECTION_OPEN;
	note_bytes(c, b, len);
	while ((result = checker_next(&c->checker, b->wire, sent, &data, &len, &f)) == CHECK_RIGHT)
		note_answer(c, b);
	if (result == CHECK_WRONG)
		ending_mismatch(c, b, &f);
	else if (result == CHECK_REFUSED)
		ending_refused(c, b);
	return result == CHECK_MORE;
}

/*
 * Read what there is.  A short read has emptied the socket, and what comes later is a new edge;
 * only when the end is known to be there is it worth to read on.
 */
static void receive(struct connection *c, struct bench *b, bool ended)
{
	for (;;) {
		ssize_t n = recv(c->fd, b->in, BENCH_BUFFER_BYTES, 0);
		int error = errno;
		bench_look(b, 0);
		if (n > 0) {
			if (!check(c, b, b->in, (size_t)n))
				return;
			if ((size_t)n < BENCH_BUFFER_BYTES && !ended)
				return;
			continue;
		}
		if (n < 0 && error == EINTR)
			continue;
		if (n < 0 && (error == EAGAIN || error == EWOULDBLOCK) && c->send_error == 0)
			return;
		ending_by_peer(c, b, n < 0 && c->send_error == 0 ? error : 0);
		return;
	}
}

/* Sending. */

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void begin_one(struct connection *c, struct bench *b)
{
	struct stamp *s = &c->stamps[c->begun++ & c->stamp_mask];

	s->own_ns = slot_take(&c->slot, b, &s->intended_ns);
	s->sent_ns = b->now_ns;
	c->progress_ns = b->now_ns;
	b->outstanding++;
}

/* How many messages may be begun. */
static uint64_t room_on(const struct connection *c, const struct bench *b)
{
	const struct settings *s = b->settings;
	uint64_t window = s->in_flight - (c->begun - connection_oldest(c));

	return s->per_connection ? smaller(window, s->per_connection - c->begun) : window;
}

static void begin(struct connection *c, struct bench *b)
{
	uint64_t room = room_on(c, b);

	if (!schedule_is_open(b->schedule)) {
		if (b->beginning && c->started)
			slot_allow(&c->slot, b, smaller(room, c->slot.share - c->slot.noticed));
	} else if (slot_is_owed(&c->slot)) {
		bench_look(b, 0);
		slot_give_up_overdue(&c->slot, b);
	}
	for (; room > 0 && slot_is_owed(&c->slot); room--)
		begin_one(c, b);
	if (room == 0)
		slot_is_full(&c->slot);
}

/* Fill the buffer from the first byte not sent on; *end and *end_offset say where it stops. */
static size_t fill(
	const struct connection *c, const struct bench *b, uint64_t *end, size_t *end_offset)
{
	size_t used = 0;
	uint64_t seq = c->sent;
	size_t offset = c->sent_offset;
	struct form f;

	while (seq < c->begun && used < BENCH_BUFFER_BYTES) {
		wire_request(b->wire, c->checker.connection, seq, &f);
		size_t n = form_copy(&f, offset, b->out + used, BENCH_BUFFER_BYTES - used);
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

static void advance(struct connection *c, const struct bench *b, size_t bytes)
{
	struct form f;

	while (bytes > 0) {
		wire_request(b->wire, c->checker.connection, c->sent, &f);
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

/* A send that fails says little; the replies and the reason that came before it are there to be
 * read. */
static void send_failed(struct connection *c, struct bench *b, int error)
{
	if (error == EAGAIN || error == EWOULDBLOCK)
		return;
	c->send_error = error;
	receive(c, b, true);
}

/* Those whose first byte went with a send that began at this look at the clock. */
static void stamp(struct connection *c, const struct bench *b)
{
	uint64_t below = c->sent + (c->sent_offset > 0);

	for (; c->stamped < below; c->stamped++) {
		struct stamp *s = &c->stamps[c->stamped & c->stamp_mask];
		s->sent_ns = b->now_ns;
		if (!schedule_is_open(b->schedule))
			s->intended_ns = b->now_ns;
	}
}

static void send_pending(struct connection *c, struct bench *b)
{
	while (c->sent < c->begun) {
		uint64_t seq;
		size_t offset;
		size_t len = fill(c, b, &seq, &offset);
		bench_look(b, 0);
		ssize_t n = send(c->fd, b->out, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			send_failed(c, b, errno);
			return;
		}
		if (is_measured_now(b))
			b->figures->bytes_sent += (size_t)n;
		if ((size_t)n == len) {
			c->sent = seq;
			c->sent_offset = offset;
		} else {
			advance(c, b, (size_t)n);
		}
		stamp(c, b);
		if ((size_t)n < len)
			return;
	}
}

static bool share_is_done(const struct connection *c, const struct bench *b)
{
	uint64_t share = b->settings->per_connection;

	return share > 0 && c->answered == share;
}

/* The thread stood still while nothing was under way, and the server may have ended it since. */
static bool is_to_be_looked_at(const struct connection *c, const struct bench *b)
{
	int64_t since_ns = c->answered > 0 ? c->progress_ns : c->opened_ns;

	return c->begun == c->answered && bench_stalled_since(b, since_ns) > 0;
}

void connection_pump(struct connection *c, struct bench *b)
{
	if (c->state != CONNECTION_OPEN || c->banner_due)
		return;
	if (share_is_done(c, b)) {
		connection_close(c, b);
		return;
	}
	if (is_to_be_looked_at(c, b))
		receive(c, b, false);
	if (c->state != CONNECTION_OPEN)
		return;
	begin(c, b);
	if (c->sent < c->begun)
		send_pending(c, b);
}

void connection_ready(struct connection *c, struct bench *b, uint32_t events)
{
	const uint32_t over = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

	if (c->state == CONNECTION_OPENING) {
		connecting_end(c, b, events);
		/* Another address may be on its way now, and the events were not its. */
		if (c->state != CONNECTION_OPEN)
			return;
	}
	if (c->state == CONNECTION_OPEN && (events & (EPOLLIN | over)))
		receive(c, b, (events & over) != 0);
	connection_pump(c, b);
}

/* Time. */

static bool is_overdue(const struct bench *b, int64_t since_ns)
{
	return bench_has_passed(b, since_ns, b->settings->timeout_ns);
}

/* Nothing could be begun for so long that nothing will be: a closed loop has no schedule that would
 * end the waiting. */
static bool is_hopeless(const struct connection *c, const struct bench *b)
{
	bool can_begin = c->state == CONNECTION_OPEN && !c->banner_due;

	return c->started && !can_begin && is_overdue(b, c->progress_ns);
}

static bool is_reply_overdue(const struct connection *c, const struct bench *b)
{
	if (c->banner_due)
		return is_overdue(b, c->opened_ns);
	return c->answered < c->begun &&
		is_overdue(b, c->stamps[connection_oldest(c) & c->stamp_mask].sent_ns);
}

/* It may be established, and the thread has not looked. */
static void end_connect(struct connection *c, struct bench *b)
{
	struct pollfd p = {.fd = c->fd, .events = POLLOUT};

	if (poll(&p, 1, 0) > 0)
		connection_ready(c, b, (uint32_t)p.revents);
	else
		connecting_failed(c, b, ETIMEDOUT);
}

/* The reply may have come, and the thread has not read it. */
static void end_wait(struct connection *c, struct bench *b)
{
	receive(c, b, false);
	if (c->state == CONNECTION_OPEN && is_reply_overdue(c, b))
		ending_timeout(c, b);
	connection_pump(c, b);
}

void connection_check_timeout(struct connection *c, struct bench *b)
{
	slot_give_up_overdue(&c->slot, b);
	if (is_hopeless(c, b))
		slot_give_up_rest(&c->slot, b);
	if (c->state == CONNECTION_OPENING && is_overdue(b, c->attempt_ns))
		end_connect(c, b);
	else if (c->state == CONNECTION_OPEN && is_reply_overdue(c, b))
		end_wait(c, b);
}

void connection_finish(struct connection *c, struct bench *b, bool last_time)
{
	slot_give_up_due(&c->slot, b);
	connection_check_timeout(c, b);
	if (last_time && c->state == CONNECTION_OPEN && c->answered < c->begun)
		ending_with_the_run(c, b);
}

void connection_mark(struct connection *c, struct bench *b)
{
	if (c->state != CONNECTION_OPEN)
		return;
	c->marked = mark_acknowledged(b->wire, c->checker.connection, c->sent, c->sent_offset,
		mark_unacknowledged(c->fd));
}
