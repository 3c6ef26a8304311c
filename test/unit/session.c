/* SPDX-License-Identifier: ISC */
/* session - a stream on the near end of a pair, with a gate and an owner. */
#include "session.h"

#include "common/deadline.h"
#include "common/lock.h"

#include <check.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#define PATIENCE_NS (60 * NS_PER_S)

struct stream_terms session_terms(enum stream_framing framing)
{
	return (struct stream_terms){
		.framing = framing,
		.idle_ns = PATIENCE_NS,
		.message_ns = PATIENCE_NS,
		.reply_ns = PATIENCE_NS,
		.lifetime_ns = 0,
		.linger_time_ns = PATIENCE_NS,
		.linger_bytes = INT64_C(64) << 20,
		.max_line = 4096,
		.max_frame = 1 << 20,
	};
}

void session_open(struct session *s, const struct stream_terms *terms)
{
	struct socket_options options = stream_socket_options(terms, true, 0);

	s->terms = *terms;
	s->pair = must_pair(&options);
	s->rested = false;
	s->started = false;
	atomic_init(&s->draining, false);
	spin_init(&s->permits);
	stream_status_init(&s->status, &s->draining, &s->permits);
	atomic_store(&s->status.state, STATUS_NEW);
	lock_init(&s->lock);
	stream_init(&s->stream, s->pair.near, &s->terms, &s->status);
}

void session_open_plain(struct session *s, enum stream_framing framing)
{
	struct stream_terms terms = session_terms(framing);

	session_open(s, &terms);
}

void session_finish(struct session *s)
{
	stream_finish(&s->stream);
	lock_take(&s->lock);
	int fd = s->pair.near;
	s->pair.near = -1;
	lock_drop(&s->lock);
	close(fd);
}

void session_close(struct session *s)
{
	pair_close(&s->pair);
}

static void *run(void *arg)
{
	struct session *s = arg;

	s->serve(&s->stream);
	s->rested = s->stream.in.data == s->stream.in_inline &&
		s->stream.out.data == s->stream.out_inline;
	session_finish(s);
	return NULL;
}

static void ignore(int signal)
{
	(void)signal;
}

void session_start(struct session *s, void (*serve)(struct stream *s))
{
	struct sigaction knock = {.sa_handler = ignore};

	sigemptyset(&knock.sa_mask);
	ck_assert_int_eq(sigaction(SIGURG, &knock, NULL), 0);
	s->serve = serve;
	s->started = true;
	ck_assert_int_eq(pthread_create(&s->thread, NULL, run, s), 0);
}

void session_join(struct session *s)
{
	ck_assert_int_eq(pthread_join(s->thread, NULL), 0);
}

void session_await_state(struct session *s, enum stream_state state)
{
	int64_t deadline = deadline_after(PATIENCE_NS);

	while (atomic_load(&s->status.state) != (int)state) {
		ck_assert_int_lt(deadline_now(), deadline);
		sched_yield();
	}
}

static int64_t unread(struct session *s)
{
	lock_take(&s->lock);
	int64_t bytes = s->pair.near >= 0 ? socket_unread(s->pair.near) : 0;
	lock_drop(&s->lock);
	return bytes;
}

void session_await_taken(struct session *s)
{
	int64_t deadline = deadline_after(PATIENCE_NS);

	while (unread(s) > 0) {
		ck_assert_int_lt(deadline_now(), deadline);
		sched_yield();
	}
}

void session_raise_flag(struct session *s)
{
	atomic_store(&s->draining, true);
}

static void shut(struct session *s, int how)
{
	lock_take(&s->lock);
	if (s->pair.near >= 0)
		shutdown(s->pair.near, how);
	lock_drop(&s->lock);
}

bool session_wake(struct session *s, enum stream_state state)
{
	int seen = state;
	bool was = atomic_compare_exchange_strong(&s->status.state, &seen, STATUS_WOKEN);

	while (was && s->started && atomic_load(&s->status.state) == STATUS_WOKEN) {
		pthread_kill(s->thread, SIGURG);
		sched_yield();
	}
	return was;
}

void session_cut(struct session *s)
{
	atomic_store(&s->status.state, STATUS_FORCED);
	shut(s, SHUT_RDWR);
}

void session_cut_woken(struct session *s)
{
	shut(s, SHUT_RDWR);
}

void echo_lines(struct stream *s)
{
	struct stream_message line;

	while (stream_read_line(s, &line)) {
		if (!stream_write(s, line.data, line.len + line.end))
			return;
	}
}

void echo_frames(struct stream *s)
{
	struct stream_message frame;

	while (stream_read_frame(s, &frame)) {
		if (!stream_write_frame(s, frame.data, frame.len))
			return;
	}
}

void echo_bytes(struct stream *s)
{
	struct stream_message bytes;

	while (stream_read_some(s, &bytes)) {
		if (!stream_write(s, bytes.data, bytes.len))
			return;
	}
}
