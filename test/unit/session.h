/* SPDX-License-Identifier: ISC */
/*
 * session - a stream on the near end of a pair, with a gate and an owner, as a worker has it.
 *
 * A test either uses session.stream itself, in its own thread, or has a service run on it in
 * another one, which ends as a worker does: finish, forget the descriptor under the lock, close.
 */
#ifndef BOBBIN_TEST_UNIT_SESSION_H
#define BOBBIN_TEST_UNIT_SESSION_H

#include "common/stream.h"
#include "pair.h"

#include <pthread.h>
#include <stdatomic.h>

struct session {
	struct pair pair;          /* .near [lock], .far the test's */
	struct stream_terms terms; /* [const] */
	atomic_bool draining;      /* [atomic] */
	struct spin_permits permits;
	struct stream_status status;
	struct stream stream; /* the service's thread's, until session_join() */
	bool rested;          /* the service's: its buffers were the inline ones when it returned */
	void (*serve)(struct stream *s);
	bool started; /* thread runs the service */
	pthread_mutex_t lock;
	pthread_t thread;
};

/* Terms under which nothing is late and nothing too long unless a test wants it. */
struct stream_terms session_terms(enum stream_framing framing);

/* A connected stream. */
void session_open(struct session *s, const struct stream_terms *terms);

/* The same, with the framing's usual terms. */
void session_open_plain(struct session *s, enum stream_framing framing);

/* In this thread: the last words, and close the near end. */
void session_finish(struct session *s);

/* Close what is left. */
void session_close(struct session *s);

/* In another thread: serve, the last words, close the near end. */
void session_start(struct session *s, void (*serve)(struct stream *s));

/* Wait for that thread.  From now on the test may look at the stream. */
void session_join(struct session *s);

/* Wait until the stream publishes this state, or has read all that the peer sent. */
void session_await_state(struct session *s, enum stream_state state);
void session_await_taken(struct session *s);

/*
 * The owner: raise the flag; wake a stream that is in this state, true if it was; cut; cut a woken
 * one.
 */
void session_raise_flag(struct session *s);
bool session_wake(struct session *s, enum stream_state state);
void session_cut(struct session *s);
void session_cut_woken(struct session *s);

/* Services: each message is its own reply, a line's end included. */
void echo_lines(struct stream *s);
void echo_frames(struct stream *s);
void echo_bytes(struct stream *s);

#endif
