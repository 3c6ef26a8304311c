/* SPDX-License-Identifier: ISC */
/*
 * session - a stream on the near end of a pair, with a status and an owner, as a worker has it.
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

void session_open(struct session *s, const struct stream_terms *terms);

/* In this thread: the last words, and close the near end. */
void session_finish(struct session *s);

/* Close what is left. */
void session_close(struct session *s);

/* In another thread: serve, the last words, close the near end. */
void session_start(struct session *s, void (*serve)(struct stream *s));

/* The peer sends no more; wait for that thread, and close.  The conversation ended like this. */
void session_ends_as(struct session *s, const char *end);

/* Wait until the stream publishes this state, or has read all that the peer sent. */
void session_await_state(struct session *s, enum stream_state state);
void session_await_taken(struct session *s);

/* The owner: wake a stream that is in this state, true if it was; cut it. */
bool session_wake(struct session *s, enum stream_state state);
void session_cut(struct session *s);

/* In any framing: the next message; a message as its own reply; all of them. */
bool session_read(struct stream *s, struct stream_message *message);
bool session_answer(struct stream *s, const struct stream_message *message);
void session_echo(struct stream *s);

/*
 * A scene, as steps with '|' between them; a '~' in a text is a zero byte.
 *
 *	>TEXT    the peer sends		<TEXT    the peer receives exactly this
 *	fin      the peer ends		$        the peer receives FIN and nothing else before
 *	rst      the peer resets	silent   nothing has arrived at the peer
 *	start    the service echoes	lingers, new, idle, busy    wait for this state
 *	=TEXT    in this thread: the next message is TEXT, and is written back
 *	over     in this thread: there is no next message
 *	taken    wait until the stream has received all
 *	flag     the owner drains	wake     the stream was waiting and is woken
 *	busy?    it was not waiting	cut      the owner cuts
 *	shut     the owner shuts the socket of a stream that it has woken
 *	finish   in this thread: the last words
 *	unanswered    something was unanswered
 *	owed     the same, and the peer of a stream that was cut is reset
 */
struct session_scene {
	const char *name;
	enum stream_framing framing;
	const char *script;
	const char *end; /* the name of the end */
};

/* Play it with this service, which is started first; NULL: in this thread until "start". */
void session_play(const struct session_scene *scene, void (*serve)(struct stream *s));

/* Write text to out with each '~' as a zero byte.  Returns its length. */
size_t session_bytes(const char *text, size_t len, char *out);

#endif
