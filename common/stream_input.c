/* SPDX-License-Identifier: ISC */
/*
 * stream_input - waiting for a peer: deadlines, memory, and when another message may begin.
 *
 * From top to bottom: draining, memory, receiving.
 */
#include "stream_parts.h"

#include "deadline.h"
#include "quantity.h"
#include "tally.h"

#include <assert.h>
#include <errno.h>

/* A connection that has said nothing for so long rests, and gives its bulk buffers back. */
#define REST_NS (100 * NS_PER_MS)

/* Draining. */

bool stream_publish(struct stream *s, enum stream_state state)
{
	enum stream_state before = stream_status_publish(s->status, state);

	if (before == STATUS_FORCED)
		return stream_end_with(s, STREAM_FORCED, 0);
	if (before == STATUS_WOKEN && s->drain == DRAIN_NONE)
		s->drain = DRAIN_TOLD;
	return true;
}

/*
 * True once the owner drains.  The first look fixes what is still answered: all that has arrived by
 * then, so that a peer that goes on sending cannot hold up the stop.  A connection that has said
 * nothing yet is left to the owner's patience: a client that has just connected would otherwise be
 * turned away.
 */
static bool is_draining(struct stream *s)
{
	if (s->drain == DRAIN_SET)
		return true;
	uint64_t received = tally_read(&s->status->bytes_in);
	if (s->drain == DRAIN_NONE && (received == 0 || !atomic_load(s->status->draining)))
		return false;
	int64_t unread = socket_unread(s->transport.fd);
	s->drain_end = received + (uint64_t)(unread > 0 ? unread : 0);
	s->drain = DRAIN_SET;
	return true;
}

bool stream_may_begin(struct stream *s)
{
	if (s->end != STREAM_OPEN)
		return false;
	if (s->input_ended && buffer_held(&s->in) == 0)
		return stream_end_with(s, STREAM_EOF, 0);
	if (is_draining(s) &&
		tally_read(&s->status->bytes_in) - buffer_held(&s->in) >= s->drain_end)
		return stream_end_with(s, STREAM_DRAINED, 0);
	return true;
}

/* Memory. */

/* Give back the bulk buffers of a connection that waits between messages. */
static void rest(struct stream *s)
{
	assert(buffer_held(&s->in) == 0 && s->out.end == 0);
	buffer_release(&s->in);
	buffer_release(&s->out);
}

static bool holds_bulk(const struct stream *s)
{
	return !buffer_is_home(&s->in) || !buffer_is_home(&s->out);
}

/* The largest input buffer that these terms ever need. */
static size_t input_max(const struct stream_terms *terms)
{
	size_t message = framing_longest(terms->framing, stream_message_max(terms));

	if (terms->framing == STREAM_RAW)
		return STREAM_FLOOD_BYTES;
	return message > STREAM_BULK_BYTES ? buffer_whole_pages(message) : STREAM_BULK_BYTES;
}

size_t stream_memory_max(const struct stream_terms *terms)
{
	return input_max(terms) + STREAM_BULK_BYTES;
}

/*
 * Room for a message of need bytes, counted from in.start, and at least one byte to receive into.
 * False only if a message does not fit without more memory, and there is none.
 */
static bool make_room(struct stream *s, size_t need)
{
	struct buffer *in = &s->in;

	buffer_compact(in, need);
	if (in->size < need) {
		/* A frame says its length; a line does not, so its buffer doubles. */
		size_t most = input_max(s->terms);
		size_t doubled = 2 * in->size < most ? 2 * in->size : most;
		return buffer_grow(in, need > doubled ? need : doubled);
	}
	/*
	 * A recv that filled the buffer, and completed messages: this connection moves bulk.
	 * Without memory for that it goes on in small steps.
	 */
	if (s->filled && s->progressed && in->size < STREAM_BULK_BYTES)
		(void)buffer_grow(in, STREAM_BULK_BYTES);
	else if (s->filled && s->terms->framing == STREAM_RAW && in->size < STREAM_FLOOD_BYTES)
		(void)buffer_grow(in, STREAM_FLOOD_BYTES);
	return true;
}

/* Receiving. */

struct wait {
	bool idle; /* between messages */
	int64_t deadline;
	enum stream_end late; /* what it is called when the deadline passes */
};

/* What bounds the coming wait. */
static struct wait wait_for_input(struct stream *s, int64_t now)
{
	struct wait w = {.idle = buffer_held(&s->in) == 0, .late = STREAM_IDLE};

	if (w.idle) {
		w.deadline = deadline_from(now, s->terms->idle_ns);
	} else {
		if (s->message_deadline == 0)
			s->message_deadline = deadline_from(now, s->terms->message_ns);
		w.deadline = s->message_deadline;
		w.late = STREAM_MESSAGE_TIMEOUT;
	}
	if (s->lifetime_deadline < w.deadline) {
		w.deadline = s->lifetime_deadline;
		w.late = STREAM_LIFETIME;
	}
	return w;
}

static bool too_late(struct stream *s, enum stream_end late)
{
	char text[QUANTITY_TEXT_MAX];

	if (late != STREAM_MESSAGE_TIMEOUT)
		return stream_end_with(s, late, 0);
	return stream_complain(s, late, "message not complete within %s",
		quantity_format_duration(s->terms->message_ns, text));
}

/*
 * The peer's end of stream, or what looks like it because the owner cut a connection that only
 * waited.  In the second case half a line is not a last line.
 */
static void end_of_input(struct stream *s)
{
	if (stream_is_cut(s)) {
		stream_end_with(s, STREAM_FORCED, 0);
	} else if (s->drain != DRAIN_NONE && !socket_fin_received(s->transport.fd)) {
		s->unanswered |= buffer_held(&s->in) > 0;
		stream_end_with(s, STREAM_DRAINED, 0);
	} else {
		s->input_ended = true;
	}
}

/* May the wait go on?  Yes, unless it was interrupted for a drain and there is nothing to answer. */
static bool heed_the_knock(struct stream *s, const struct wait *w)
{
	if (!w->idle || stream_status_state(s->status) != STATUS_WOKEN)
		return true;
	return stream_publish(s, STATUS_BUSY) && stream_may_begin(s);
}

/* Once, for at most room bytes; between messages, where it pays, by spinning first. */
static ssize_t receive_once(
	struct stream *s, const struct wait *w, size_t room, int64_t now, int64_t until)
{
	char *to = s->in.data + s->in.end;
	ssize_t n = -EAGAIN;

	/* A client that has connected and says nothing may be one of many. */
	if (w->idle && tally_read(&s->status->bytes_in) > 0)
		n = transport_spin(&s->transport, to, room);
	if (n == -EAGAIN)
		n = transport_receive(&s->transport, to, room, now, until);
	s->filled = n > 0 && (size_t)n == room;
	return n;
}

/*
 * Wait for input until the deadline, and for no more than most bytes at once.  A connection with
 * bulk buffers first waits only until it rests.  Returns the count, or -1 with the end set.
 */
static ssize_t receive(
	struct stream *s, const struct wait *w, int64_t now, size_t need, size_t most)
{
	for (;;) {
		int64_t until = w->idle && holds_bulk(s)
			? deadline_earlier(w->deadline, deadline_from(now, REST_NS))
			: w->deadline;
		if (!make_room(s, need)) {
			stream_complain(s, STREAM_NO_MEMORY, "out of memory");
			return -1;
		}
		size_t room = s->in.size - s->in.end;
		ssize_t n = receive_once(s, w, room < most ? room : most, now, until);
		if (n >= 0)
			return n;
		if (n != -EAGAIN && n != -EINTR) {
			stream_end_with_errno(s, (int)-n);
			return -1;
		}
		now = deadline_now();
		if (now >= w->deadline) {
			too_late(s, w->late);
			return -1;
		}
		/* Before the deadline this is the end of REST_NS, so the wait is an idle one. */
		if (n == -EAGAIN)
			rest(s);
		if (!heed_the_knock(s, w))
			return -1;
	}
}

/* Let the owner know of the wait, and receive.  Returns as receive() does. */
static ssize_t await_input(struct stream *s, size_t need, size_t most)
{
	int64_t now = deadline_now();
	struct wait w = wait_for_input(s, now);
	bool is_new = tally_read(&s->status->bytes_in) == 0;
	ssize_t n = -1;

	if (now >= w.deadline) {
		too_late(s, w.late);
		return -1;
	}
	if (w.idle && !stream_publish(s, is_new ? STATUS_NEW : STATUS_IDLE))
		return -1;
	/* Only after the state is out: an owner that sets its flag later finds it, and wakes us. */
	if (!w.idle || stream_may_begin(s))
		n = receive(s, &w, now, need, most);
	/* Before the result is looked at: it depends on whether the owner woke us. */
	if (w.idle && !stream_publish(s, STATUS_BUSY)) {
		s->unanswered |= n > 0;
		return -1;
	}
	return n;
}

bool stream_fill(struct stream *s, size_t need, size_t most)
{
	if (!stream_flush(s))
		return false;
	ssize_t n = await_input(s, need, most);
	s->progressed = false;
	if (n < 0)
		return false;
	if (n == 0) {
		end_of_input(s);
		return s->end == STREAM_OPEN;
	}
	s->in.end += (size_t)n;
	tally_add(&s->status->bytes_in, (uint64_t)n);
	return true;
}
