/* SPDX-License-Identifier: ISC */
/* conversation - drives a connection: it opens, talks and ends. */
#include "conversation.h"

#include "connecting.h"
#include "ending.h"
#include "mark.h"
#include "receiving.h"
#include "sending.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>

static uint32_t id_of(const struct connection *c, const struct lane *lane)
{
	return c->slot.number + c->generation * (uint32_t)lane->settings->connections;
}

void conversation_open(struct connection *c, struct lane *lane)
{
	checker_init(&c->checker, id_of(c, lane));
	c->generation++;
	c->state = CONNECTION_OPENING;
	c->rests = false;
	c->send_error = 0;
	c->banner_due = lane->settings->banner != NULL;
	c->first_byte_seen = false;
	c->begun = 0;
	c->stamped = 0;
	c->sent = 0;
	c->sent_offset = 0;
	c->answered = 0;
	c->marked = 0;
	connecting_begin(c, lane);
}

static bool quota_is_done(const struct connection *c, const struct lane *lane)
{
	uint64_t quota = lane->settings->per_connection;

	return quota > 0 && c->answered == quota;
}

/* The thread stood still while nothing was under way; the server may have ended the stream
 * since. */
static bool is_to_be_looked_at(const struct connection *c, const struct lane *lane)
{
	int64_t since_ns = c->answered > 0 ? c->progress_ns : c->opened_ns;

	return c->begun == c->answered && lane_stalled_since(lane, since_ns) > 0;
}

void conversation_pump(struct connection *c, struct lane *lane)
{
	if (c->state != CONNECTION_OPEN || c->banner_due)
		return;
	if (quota_is_done(c, lane)) {
		conversation_close(c, lane);
		return;
	}
	if (is_to_be_looked_at(c, lane))
		receiving_go_on(c, lane, false);
	if (c->state != CONNECTION_OPEN)
		return;
	sending_begin(c, lane);
	if (c->sent < c->begun)
		sending_go_on(c, lane);
}

void conversation_ready(struct connection *c, struct lane *lane, uint32_t events)
{
	const uint32_t over = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

	if (c->state == CONNECTION_OPENING) {
		connecting_end(c, lane, events);
		/* It may dial another address now, and these events were of the one before. */
		if (c->state != CONNECTION_OPEN)
			return;
	}
	if (c->state == CONNECTION_OPEN && (events & (EPOLLIN | over)))
		receiving_go_on(c, lane, (events & over) != 0);
	conversation_pump(c, lane);
}

/* Time. */

static bool is_overdue(const struct lane *lane, int64_t since_ns)
{
	return lane_has_passed(lane, since_ns, lane->settings->timeout_ns);
}

/* Nothing could be begun for the whole timeout.  A closed loop has no schedule that would end the
 * waiting, so this ends it. */
static bool is_hopeless(const struct connection *c, const struct lane *lane)
{
	bool can_begin = c->state == CONNECTION_OPEN && !c->banner_due;

	return c->started && !can_begin && is_overdue(lane, c->progress_ns);
}

static bool is_reply_overdue(const struct connection *c, const struct lane *lane)
{
	if (c->banner_due)
		return is_overdue(lane, c->opened_ns);
	return c->answered < c->begun &&
		is_overdue(lane, c->stamps[connection_oldest(c) & c->stamp_mask].sent_ns);
}

/* The connect may have succeeded since the thread last looked. */
static void end_connect(struct connection *c, struct lane *lane)
{
	struct pollfd p = {.fd = c->fd, .events = POLLOUT};

	if (poll(&p, 1, 0) > 0)
		conversation_ready(c, lane, (uint32_t)p.revents);
	else
		connecting_failed(c, lane, ETIMEDOUT);
}

/* The reply may have come since the thread last read. */
static void end_wait(struct connection *c, struct lane *lane)
{
	receiving_go_on(c, lane, false);
	if (c->state == CONNECTION_OPEN && is_reply_overdue(c, lane))
		ending_timeout(c, lane);
	conversation_pump(c, lane);
}

void conversation_check_timeout(struct connection *c, struct lane *lane)
{
	slot_give_up_overdue(&c->slot, lane);
	if (is_hopeless(c, lane))
		slot_give_up_rest(&c->slot, lane);
	if (c->state == CONNECTION_OPENING && is_overdue(lane, c->attempt_ns))
		end_connect(c, lane);
	else if (c->state == CONNECTION_OPEN && is_reply_overdue(c, lane))
		end_wait(c, lane);
}

void conversation_finish(struct connection *c, struct lane *lane, bool last_time)
{
	slot_give_up_due(&c->slot, lane);
	conversation_check_timeout(c, lane);
	if (last_time && c->state == CONNECTION_OPEN && c->answered < c->begun)
		ending_with_the_run(c, lane);
}

void conversation_mark(struct connection *c, struct lane *lane)
{
	if (c->state != CONNECTION_OPEN)
		return;
	c->marked = mark_acknowledged(lane->wire, c->checker.connection, c->sent, c->sent_offset,
		mark_unacknowledged(c->fd));
}
void conversation_close(struct connection *c, struct lane *lane)
{
	if (c->state != CONNECTION_CLOSED)
		ending_by_us(c, lane);
}
