/* SPDX-License-Identifier: ISC */
/* Proves worker: what its threads are like, and that they are parked and used again. */
#include "server/work/worker.h"

#include "capture.h"
#include "common/deadline.h"
#include "pair.h"
#include "peer.h"
#include "rig.h"
#include "server/log.h"
#include "server/service.h"
#include "server/signals.h"
#include "test/mode.h"
#include "test/suite.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A service that answers each line with its thread, the thread's stack, and how many signals the
 * thread may get. */
static void serve_who(struct stream *s, const struct connection *c)
{
	struct stream_message line;
	char text[128];
	pthread_attr_t attr;
	size_t stack = 0;
	sigset_t now;
	sigset_t all = signals_all();
	int open = 0;

	(void)c;
	(void)pthread_getattr_np(pthread_self(), &attr);
	(void)pthread_attr_getstacksize(&attr, &stack);
	(void)pthread_attr_destroy(&attr);
	(void)pthread_sigmask(SIG_SETMASK, NULL, &now);
	for (int i = 1; i < SIGRTMIN; i++)
		open += sigismember(&all, i) == 1 && i != SIGKILL && i != SIGSTOP &&
			!sigismember(&now, i);
	while (stream_read_line(s, &line)) {
		int len = snprintf(text, sizeof text, "%d %zu %d\n", (int)gettid(), stack, open);
		(void)stream_write(s, text, (size_t)len);
	}
}

static const struct service who_service = {
	.name = "who", .framing = STREAM_LINE, .serve = serve_who};

struct who {
	int thread;
	unsigned long stack;
	int open_signals;
};

static struct who ask_who(int fd)
{
	struct who who;
	char text[128];
	size_t len = 0;

	must_send_text(fd, "who\n");
	do {
		must_receive(fd, text + len, 1);
	} while (text[len++] != '\n' && len < sizeof text - 1);
	text[len] = '\0';
	ck_assert_int_eq(sscanf(text, "%d %lu %d", &who.thread, &who.stack, &who.open_signals), 3);
	return who;
}

/* A rig for that service, with one option of its own. */
static void begin(const char *key, const char *value)
{
	capture_begin(STDERR_FILENO);
	log_open(LOG_INFO, LOG_LOGFMT);
	rig_begin();
	rig_set(key, value);
	rig_add_endpoint("127.0.0.1:0", "line")->service = &who_service;
	rig_build();
}

/* A connection that is served.  Returns the client's end. */
static int must_connect(void)
{
	static const struct socket_options patient = {
		.receive_timeout_ns = 60 * NS_PER_S,
		.send_timeout_ns = 60 * NS_PER_S,
	};
	struct pair p = must_pair(&patient);

	ck_assert_int_eq(rig_serve(p.near), 0);
	return p.far;
}

static void hang_up(int fd)
{
	must_half_close(fd);
	ck_assert_int_eq(peer_reads_to_end(fd, NULL), 0);
	close(fd);
}

/* A connection from its first line to its end.  Returns its thread. */
static int pass_through(void)
{
	int fd = must_connect();
	int thread = ask_who(fd).thread;

	hang_up(fd);
	return thread;
}

/* A sanitizer may add to the stack. */
TEST(a_worker_has_the_stack_that_was_asked_for_and_no_signal_but_the_knock)
{
	begin("threads.stack", "512KiB");
	int fd = must_connect();
	struct who who = ask_who(fd);
	ck_assert_int_eq(who.open_signals, 1);
	ck_assert_uint_ge(who.stack, 512 * 1024);
	ck_assert_uint_lt(who.stack, 8 * 1024 * 1024);
	hang_up(fd);
}

static const char *const services[] = {"line", "frame", "echo"};

/* With the deepest calls: an error reply, and all is logged. */
TEST_ROWS(the_smallest_stack_is_enough_for_every_service, SUITE_COUNT(services))
{
	char reply[16];

	begin("threads.stack", "64KiB");
	log_choose(LOG_DEBUG, LOG_JSON);
	rig.settings->endpoints[0].service = service_find(services[_i]);
	rig.settings->endpoints[0].terms.framing = service_find(services[_i])->framing;
	int fd = must_connect();
	if (strcmp(services[_i], "frame") == 0) {
		must_send_frame(fd, "hello", 5);
		must_receive(fd, reply, 9);
		must_send(fd, "\xff\xff\xff\xff", 4);
	} else {
		must_send_text(fd, "hello\n");
		must_receive(fd, reply, 6);
	}
	hang_up(fd);
	rig_await_rest();
}

/* Parking. */

TEST(the_thread_parked_last_is_called_first)
{
	const int order[] = {1, 0, 2};
	int threads[3];
	int fds[3];

	begin("threads.parked", "3");
	for (int i = 0; i < 3; i++) {
		fds[i] = must_connect();
		threads[i] = ask_who(fds[i]).thread;
	}
	for (int i = 0; i < 3; i++) {
		hang_up(fds[order[i]]);
		rig_await_parked(i + 1);
	}
	for (int i = 2; i >= 0; i--) {
		fds[i] = must_connect();
		ck_assert_int_eq(ask_who(fds[i]).thread, threads[order[i]]);
	}
	ck_assert_uint_eq(rig_count(COUNTER_THREADS_STARTED), 3);
	for (int i = 0; i < 3; i++)
		hang_up(fds[i]);
}

TEST_ROWS(no_more_threads_are_parked_than_allowed, 3)
{
	static const char *const limits[] = {"0", "1", "2"};
	int fds[4];

	begin("threads.parked", limits[_i]);
	for (int i = 0; i < 4; i++)
		fds[i] = must_connect();
	rig_await_threads(4);
	for (int i = 0; i < 4; i++)
		hang_up(fds[i]);
	rig_await_threads((size_t)_i);
	rig_await_parked(_i);
	/* Each of them is of use, and then a thread is new. */
	for (int i = 0; i <= _i; i++) {
		fds[i] = must_connect();
		(void)ask_who(fds[i]);
		ck_assert_uint_eq(rig_count(COUNTER_THREADS_STARTED), i < _i ? 4 : 5);
	}
	for (int i = 0; i <= _i; i++)
		hang_up(fds[i]);
}

TEST(a_thread_parked_for_its_time_ends_and_not_before)
{
	begin("threads.park_time", "200ms");
	int fd = must_connect();
	int64_t before = deadline_now();
	hang_up(fd);
	rig_await_threads(0);
	ck_assert_int_ge(deadline_now() - before, 200 * NS_PER_MS);
	rig_await_parked(0);
	/* And the next one is served all the same. */
	(void)pass_through();
	ck_assert_uint_eq(rig_count(COUNTER_THREADS_STARTED), 2);
}

/* A park time that passes just when a connection comes: it is served, by one thread or another. */
TEST(a_connection_is_served_though_its_thread_was_about_to_end)
{
	const int times = mode_times(100, 10000);

	begin("threads.park_time", "1ms");
	for (int i = 0; i < times; i++)
		(void)pass_through();
	rig_await_rest();
	ck_assert_uint_eq(rig_count(counter_of_end(STREAM_EOF)), (uint64_t)times);
	rig_await_threads(0);
	rig_await_parked(0);
	rig_check_sum();
}
