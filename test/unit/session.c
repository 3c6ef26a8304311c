/* SPDX-License-Identifier: ISC */
/* session - a stream on the near end of a pair, with a status and an owner. */
#include "session.h"

#include "common/deadline.h"
#include "common/lock.h"
#include "peer.h"
#include "test/suite.h"

#include <sched.h>
#include <signal.h>
#include <string.h>
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

	*s = (struct session){.terms = *terms, .pair = must_pair(&options)};
	spin_init(&s->permits);
	stream_status_init(&s->status, &s->draining, &s->permits);
	atomic_store(&s->status.state, STATUS_NEW);
	lock_init(&s->lock);
	stream_init(&s->stream, s->pair.near, &s->terms, &s->status);
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
	s->rested = buffer_is_home(&s->stream.in) && buffer_is_home(&s->stream.out);
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
	int unused = STATUS_NEW;

	/* From now on STATUS_NEW is what the thread says. */
	(void)atomic_compare_exchange_strong(&s->status.state, &unused, STATUS_BUSY);
	sigemptyset(&knock.sa_mask);
	ck_assert_int_eq(sigaction(SIGURG, &knock, NULL), 0);
	s->serve = serve;
	s->started = true;
	ck_assert_int_eq(pthread_create(&s->thread, NULL, run, s), 0);
}

void session_ends_as(struct session *s, const char *end)
{
	if (s->pair.far >= 0)
		(void)shutdown(s->pair.far, SHUT_WR);
	if (s->started)
		ck_assert_int_eq(pthread_join(s->thread, NULL), 0);
	else if (s->pair.near >= 0)
		session_finish(s);
	ck_assert_str_eq(stream_end_name(s->stream.end), end);
	session_close(s);
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

static void shut(struct session *s)
{
	lock_take(&s->lock);
	if (s->pair.near >= 0)
		shutdown(s->pair.near, SHUT_RDWR);
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
	shut(s);
}

bool session_read(struct stream *s, struct stream_message *message)
{
	if (s->terms->framing == STREAM_LINE)
		return stream_read_line(s, message);
	if (s->terms->framing == STREAM_FRAME)
		return stream_read_frame(s, message);
	return stream_read_some(s, message);
}

bool session_answer(struct stream *s, const struct stream_message *message)
{
	if (s->terms->framing == STREAM_FRAME)
		return stream_write_frame(s, message->data, message->len);
	return stream_write(s, message->data, message->len + message->end);
}

void session_echo(struct stream *s)
{
	struct stream_message message;

	while (session_read(s, &message) && session_answer(s, &message))
		continue;
}

/* Scenes. */

size_t session_bytes(const char *text, size_t len, char *out)
{
	for (size_t i = 0; i < len; i++) {
		out[i] = text[i];
		if (text[i] == '~')
			out[i] = '\0';
	}
	return len;
}

static bool read_is(struct session *s, const char *text, size_t len)
{
	struct stream_message m;

	return session_read(&s->stream, &m) && m.len == len && memcmp(m.data, text, len) == 0 &&
		session_answer(&s->stream, &m);
}

static bool receives(int fd, const char *text, size_t len)
{
	char got[4096];

	must_receive(fd, got, len);
	return memcmp(got, text, len) == 0;
}

static bool is(const char *step, size_t len, const char *word)
{
	return strlen(word) == len && memcmp(step, word, len) == 0;
}

static bool take_state(struct session *s, const char *step, size_t len)
{
	static const char *const names[] = {"new", "idle", "busy", "lingers"};

	for (size_t i = 0; i < SUITE_COUNT(names); i++) {
		if (is(step, len, names[i])) {
			session_await_state(s, (enum stream_state)(STATUS_NEW + i));
			return true;
		}
	}
	return false;
}

static bool take(struct session *s, const char *step, size_t len)
{
	struct stream_message none;
	char text[4096];
	size_t text_len = session_bytes(step + 1, len - 1, text);

	if (*step == '>')
		must_send(s->pair.far, text, text_len);
	else if (*step == '<')
		return receives(s->pair.far, text, text_len);
	else if (*step == '=')
		return read_is(s, text, text_len);
	else if (is(step, len, "$"))
		peer_expects_last(s->pair.far, "", 0);
	else if (is(step, len, "fin"))
		must_half_close(s->pair.far);
	else if (is(step, len, "rst"))
		peer_resets(&s->pair.far);
	else if (is(step, len, "silent"))
		return socket_unread(s->pair.far) == 0;
	else if (is(step, len, "start"))
		session_start(s, session_echo);
	else if (is(step, len, "over"))
		return !session_read(&s->stream, &none) && !session_read(&s->stream, &none);
	else if (is(step, len, "taken"))
		session_await_taken(s);
	else if (is(step, len, "flag"))
		atomic_store(&s->draining, true);
	else if (is(step, len, "wake"))
		return session_wake(s, STATUS_IDLE) || session_wake(s, STATUS_NEW);
	else if (is(step, len, "busy?"))
		return !session_wake(s, STATUS_IDLE) && !session_wake(s, STATUS_NEW);
	else if (is(step, len, "cut"))
		session_cut(s);
	else if (is(step, len, "finish"))
		session_finish(s);
	else if (is(step, len, "shut"))
		shut(s);
	else
		return is(step, len, "owed") || is(step, len, "unanswered") ||
			take_state(s, step, len);
	return true;
}

void session_play(const struct session_scene *scene, void (*serve)(struct stream *s))
{
	static struct session s;
	struct stream_terms terms = session_terms(scene->framing);
	size_t len;

	bool owed = strstr(scene->script, "|owed");
	bool unanswered = owed || strstr(scene->script, "|unanswered");
	session_open(&s, &terms);
	if (serve)
		session_start(&s, serve);
	for (const char *step = scene->script; *step; step += len + (step[len] == '|')) {
		len = strcspn(step, "|");
		ck_assert_msg(take(&s, step, len), "%s: \"%.*s\"", scene->name, (int)len, step);
	}
	/* A cut ends the thread by itself, and the reset shows before the peer ends too. */
	if (strcmp(scene->end, "forced") == 0) {
		ck_assert_int_eq(pthread_join(s.thread, NULL), 0);
		s.started = false;
		ck_assert_msg(peer_is_reset_within(s.pair.far, owed ? PATIENCE_NS : 0) == owed,
			"%s: reset or not", scene->name);
	}
	session_ends_as(&s, scene->end);
	ck_assert_msg(s.stream.unanswered == unanswered, "%s: unanswered", scene->name);
}
