/* SPDX-License-Identifier: ISC */
/* connection - one slot of the load. */
#include "connection.h"

#include "common/deadline.h"
#include "common/socket.h"
#include "mark.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

static uint32_t id_of(const struct connection *c, const struct bench *b)
{
	return c->slot + c->generation * (uint32_t)b->settings->connections;
}

void connection_init(struct connection *c, uint32_t slot, struct stamp *stamps, uint64_t stamp_mask)
{
	*c = (struct connection){
		.slot = slot,
		.fd = -1,
		.stamps = stamps,
		.stamp_mask = stamp_mask,
	};
}

/* The oldest request that has no right reply yet. */
static uint64_t oldest(const struct connection *c)
{
	return c->checker.gap < c->checker.gap_end ? c->checker.gap : c->checker.due;
}

/* Its end. */

static enum phase phase_of(const struct connection *c)
{
	if (c->state == CONNECTION_OPENING)
		return PHASE_CONNECT;
	if (checker_inside_reply(&c->checker))
		return PHASE_REPLY;
	if (c->sent < c->begun)
		return PHASE_SEND;
	return c->answered < c->begun ? PHASE_WAIT : PHASE_IDLE;
}

static struct example example_of(const struct connection *c, int error)
{
	return (struct example){
		.connection = c->checker.connection,
		.phase = phase_of(c),
		.error = error,
		.sequence = oldest(c),
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
static uint64_t owed_by_peer(const struct connection *c, const struct bench *b)
{
	return unanswered_below(c, b->marked ? c->marked : c->sent);
}

/* Every request under way ends here: mismatched, lost, or cut off. */
static void settle(struct connection *c, struct bench *b, uint64_t mismatched, uint64_t lost)
{
	uint64_t left = c->begun - c->answered;

	b->figures->mismatched += mismatched;
	b->figures->lost += lost;
	b->figures->cut_off += left - mismatched - lost;
	b->outstanding -= left;
}

static void end(struct connection *c, bool failed)
{
	checker_fini(&c->checker);
	close(c->fd);
	c->fd = -1;
	c->state = CONNECTION_CLOSED;
	c->failed = failed;
}

static void fail(struct connection *c, struct bench *b, enum failure failure,
	const struct example *example, uint64_t mismatched, uint64_t lost)
{
	failure_count(&b->figures->failures, failure, example);
	settle(c, b, mismatched, lost);
	end(c, true);
}

static void fail_mismatch(struct connection *c, struct bench *b, const struct finding *f)
{
	struct example e = example_of(c, 0);
	enum verdict v = f->verdict;
	bool wrong_answer = v == VERDICT_CHANGED || v == VERDICT_SHORT || v == VERDICT_LONG ||
		v == VERDICT_SWAPPED;
	uint64_t dropped = v == VERDICT_DROPPED ? c->checker.gap_end - c->checker.gap : 0;

	e.phase = PHASE_REPLY;
	e.sequence = f->sequence;
	failure_describe_finding(f, e.detail, sizeof e.detail);
	fail(c, b, FAILURE_MISMATCH + v, &e, wrong_answer, dropped);
}

static void fail_refused(struct connection *c, struct bench *b)
{
	struct example e = example_of(c, 0);
	const char *text;
	size_t len = checker_error_text(&c->checker, b->wire, &text);

	snprintf(e.detail, sizeof e.detail, "%.*s", (int)len, text);
	fail(c, b, FAILURE_BY_SERVER, &e, 0, owed_by_peer(c, b));
}

static void fail_from_peer(struct connection *c, struct bench *b, enum failure failure, int error)
{
	struct example e = example_of(c, error);

	if (e.phase == PHASE_REPLY)
		snprintf(e.detail, sizeof e.detail, "after %zu bytes of the reply",
			c->checker.held ? c->checker.held_len : c->checker.matched);
	fail(c, b, failure, &e, 0, owed_by_peer(c, b));
}

/* How far replies may go without being early: echo may answer half a request, the others only a
 * whole one. */
static uint64_t answerable(const struct connection *c, const struct bench *b)
{
	return b->wire->service == SERVICE_ECHO ? c->begun : c->sent;
}

/* Nothing more will come.  What was received may still show a worse fault than the way it ended. */
static void conclude(struct connection *c, struct bench *b, enum failure failure, int error)
{
	struct finding f = {.verdict = VERDICT_CHANGED};

	switch (checker_end(&c->checker, b->wire, answerable(c, b), &f)) {
	case CHECK_WRONG:
		fail_mismatch(c, b, &f);
		break;
	case CHECK_REFUSED:
		fail_refused(c, b);
		break;
	default:
		fail_from_peer(c, b, failure, error);
	}
}

/*
 * A reset that finds the connection established is ECONNRESET for a send, and recv(2) then knows of
 * nothing but an end.  EPIPE is a reset that came behind the peer's end of stream: we sent on
 * before we had read so far.
 */
static void ended_by_peer(struct connection *c, struct bench *b, int error)
{
	if (error == 0 && c->send_error != EPIPE)
		error = c->send_error;
	if (error != 0)
		conclude(c, b, failure_from_errno(error), error);
	else
		conclude(c, b, checker_inside_reply(&c->checker) ? FAILURE_TRUNCATED : FAILURE_EOF,
			0);
}

void connection_close(struct connection *c, struct bench *b)
{
	if (c->state == CONNECTION_CLOSED)
		return;
	settle(c, b, 0, 0);
	if (b->settings->close_by_reset)
		socket_reset_on_close(c->fd);
	end(c, false);
}

/* Opening. */

static int dial(struct connection *c, struct bench *b)
{
	const struct settings *s = b->settings;
	const struct address *to = &s->endpoint.addresses[c->address];
	const int on = 1;

	if (s->sources.count == 0) {
		c->fd = socket_dial_start(to, NULL);
	} else {
		struct address from = endpoint_source(&s->sources, c->checker.connection);
		c->fd = socket_dial_start(to, &from);
	}
	if (c->fd < 0)
		return c->fd;
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	struct epoll_event ev = {
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
		.data.ptr = c,
	};
	return epoll_ctl(b->epoll_fd, EPOLL_CTL_ADD, c->fd, &ev) < 0 ? -errno : 0;
}

/* Try the addresses from c->address on, until one lets the connect begin or all have been tried. */
static void try_addresses(struct connection *c, struct bench *b, int error)
{
	int count = b->settings->endpoint.count;

	for (; c->addresses_tried < count; c->address = (c->address + 1) % count) {
		c->addresses_tried++;
		b->now_ns = deadline_now();
		c->connect_ns = b->now_ns;
		int rc = dial(c, b);
		if (rc >= 0)
			return;
		error = -rc;
		b->figures->address_failed[c->address]++;
		if (c->fd >= 0)
			close(c->fd);
		c->fd = -1;
	}
	struct example e = example_of(c, error);
	failure_count(&b->figures->failures, failure_from_errno(error), &e);
	c->state = CONNECTION_CLOSED;
	c->failed = true;
}

void connection_open(struct connection *c, struct bench *b)
{
	checker_init(&c->checker, id_of(c, b));
	c->generation++;
	c->state = CONNECTION_OPENING;
	c->failed = false;
	c->send_error = 0;
	c->first_byte_seen = false;
	c->begun = 0;
	c->sent = 0;
	c->sent_offset = 0;
	c->answered = 0;
	c->marked = 0;
	c->address = (int)(c->checker.connection % (uint32_t)b->settings->endpoint.count);
	c->addresses_tried = 0;
	try_addresses(c, b, 0);
}

static void connect_failed(struct connection *c, struct bench *b, int error)
{
	b->figures->address_failed[c->address]++;
	close(c->fd);
	c->fd = -1;
	c->address = (c->address + 1) % b->settings->endpoint.count;
	try_addresses(c, b, error);
}

/* A reset in the handshake is ECONNREFUSED; ECONNRESET means that there was a connection, if a
 * short one. */
static void finish_connect(struct connection *c, struct bench *b, uint32_t events)
{
	int error = 0;
	socklen_t len = sizeof error;

	if (events & (EPOLLERR | EPOLLHUP))
		(void)getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error != 0 && error != ECONNRESET) {
		connect_failed(c, b, error);
		return;
	}
	c->state = CONNECTION_OPEN;
	b->figures->opened++;
	b->figures->address_opened[c->address]++;
	histogram_record(&b->figures->connect, b->now_ns - c->connect_ns);
	if (error != 0)
		ended_by_peer(c, b, error);
}

/* Receiving. */

static void note_answer(struct connection *c, struct bench *b)
{
	const struct stamp *s = &c->stamps[c->checker.answered & c->stamp_mask];
	struct figures *f = b->figures;

	c->answered++;
	b->outstanding--;
	f->answered++;
	if (s->intended_ns < b->measure_ns)
		return;
	histogram_record(&f->latency, b->now_ns - s->intended_ns);
	if (b->schedule->rate > 0)
		histogram_record(&f->actual, b->now_ns - s->sent_ns);
	f->last_reply_ns = b->now_ns;
}

static void note_bytes(struct connection *c, struct bench *b, size_t len)
{
	if (b->now_ns >= b->measure_ns)
		b->figures->bytes_received += len;
	if (!c->first_byte_seen && c->begun > 0) {
		c->first_byte_seen = true;
		histogram_record(&b->figures->first_byte, b->now_ns - c->stamps[0].sent_ns);
	}
}

/* False if the connection has ended. */
static bool check(struct connection *c, struct bench *b, const char *data, size_t len)
{
	struct finding f = {.verdict = VERDICT_CHANGED};
	uint64_t sent = answerable(c, b);
	enum check result;

	note_bytes(c, b, len);
	while ((result = checker_next(&c->checker, b->wire, sent, &data, &len, &f)) == CHECK_RIGHT)
		note_answer(c, b);
	if (result == CHECK_WRONG)
		fail_mismatch(c, b, &f);
	else if (result == CHECK_REFUSED)
		fail_refused(c, b);
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
		b->now_ns = deadline_now();
		if (n > 0) {
			if (!check(c, b, b->in, (size_t)n))
				return;
			if ((size_t)n < BENCH_BUFFER_BYTES && !ended)
				return;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) && c->send_error == 0)
			return;
		ended_by_peer(c, b, n < 0 && c->send_error == 0 ? errno : 0);
		return;
	}
}

/* Sending. */

static uint64_t smallest(uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

static void begin_one(struct connection *c, struct bench *b, int64_t intended_ns)
{
	c->stamps[c->begun++ & c->stamp_mask] = (struct stamp){intended_ns, b->now_ns};
	b->outstanding++;
	b->figures->sent++;
}

static int64_t next_intended(const struct connection *c, const struct bench *b)
{
	uint64_t number = schedule_number(b->schedule, c->slot, c->taken);

	return b->start_ns + schedule_due(b->schedule, number);
}

static void count_not_sent(struct connection *c, struct bench *b)
{
	struct example e = example_of(c, 0);

	snprintf(e.detail, sizeof e.detail, "message %" PRIu64 " of slot %" PRIu32 "'s schedule",
		c->taken, c->slot);
	failure_count(&b->figures->failures, FAILURE_NOT_SENT, &e);
	c->taken++;
	b->owed--;
}

/* Whoever has waited for longer than the timeout has gone away: that message is not sent any more,
 * and is counted. */
static void begin_due(struct connection *c, struct bench *b, uint64_t room)
{
	while (room > 0 && c->taken < c->noticed) {
		int64_t intended = next_intended(c, b);
		if (b->now_ns - intended > b->settings->timeout_ns) {
			count_not_sent(c, b);
			continue;
		}
		begin_one(c, b, intended);
		c->taken++;
		b->owed--;
		room--;
	}
}

static void begin(struct connection *c, struct bench *b)
{
	const struct settings *s = b->settings;
	uint64_t window = s->in_flight - (c->begun - oldest(c));
	uint64_t share = s->per_connection ? s->per_connection - c->begun : UINT64_MAX;

	if (b->schedule->rate > 0) {
		begin_due(c, b, window < share ? window : share);
		return;
	}
	if (!b->beginning || !c->started)
		return;
	uint64_t count = smallest(window, share, b->budget);
	b->budget -= count;
	while (count-- > 0)
		begin_one(c, b, b->now_ns);
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

static void send_pending(struct connection *c, struct bench *b)
{
	while (c->sent < c->begun) {
		uint64_t seq;
		size_t offset;
		size_t len = fill(c, b, &seq, &offset);
		ssize_t n = send(c->fd, b->out, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			send_failed(c, b, errno);
			return;
		}
		if (b->now_ns >= b->measure_ns)
			b->figures->bytes_sent += (size_t)n;
		if ((size_t)n < len) {
			advance(c, b, (size_t)n);
			return;
		}
		c->sent = seq;
		c->sent_offset = offset;
	}
}

static bool share_is_done(const struct connection *c, const struct bench *b)
{
	uint64_t share = b->settings->per_connection;

	return share > 0 && c->answered == share;
}

void connection_pump(struct connection *c, struct bench *b)
{
	if (c->state != CONNECTION_OPEN)
		return;
	if (share_is_done(c, b)) {
		connection_close(c, b);
		return;
	}
	begin(c, b);
	if (c->sent < c->begun)
		send_pending(c, b);
}

void connection_ready(struct connection *c, struct bench *b, uint32_t events)
{
	const uint32_t over = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

	if (c->state == CONNECTION_OPENING) {
		finish_connect(c, b, events);
		/* Another address may be on its way now, and the events were not its. */
		if (c->state != CONNECTION_OPEN)
			return;
	}
	if (c->state == CONNECTION_OPEN && (events & (EPOLLIN | over)))
		receive(c, b, (events & over) != 0);
	connection_pump(c, b);
}

/* Time. */

void connection_check_timeout(struct connection *c, struct bench *b)
{
	int64_t bound = b->now_ns - b->settings->timeout_ns;

	if (c->state == CONNECTION_OPENING && c->connect_ns < bound)
		connect_failed(c, b, ETIMEDOUT);
	else if (c->state == CONNECTION_OPEN && c->answered < c->begun &&
		c->stamps[oldest(c) & c->stamp_mask].sent_ns < bound)
		conclude(c, b, FAILURE_TIMEOUT, 0);
}

void connection_mark(struct connection *c, struct bench *b)
{
	if (c->state != CONNECTION_OPEN)
		return;
	c->marked = mark_acknowledged(b->wire, c->checker.connection, c->sent, c->sent_offset,
		mark_unacknowledged(c->fd));
}

void connection_give_up(struct connection *c, struct bench *b)
{
	while (c->taken < c->noticed)
		count_not_sent(c, b);
}
