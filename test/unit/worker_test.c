/* SPDX-License-Identifier: ISC */
/* Proves worker: one connection from socket to record, and the threads that are parked and used
 * again. */
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
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct socket_options options = {
	.receive_timeout_ns = 60 * NS_PER_S,
	.send_timeout_ns = 60 * NS_PER_S,
};

static void begin(void)
{
	capture_begin(STDERR_FILENO);
	log_open(LOG_INFO, LOG_LOGFMT);
	rig_begin();
	rig_add_endpoint("127.0.0.1:0", "line");
}

/* A service that answers each line with the thread that serves, its stack and what signals it may
 * get. */
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
		if (!stream_write(s, text, (size_t)len))
			return;
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

static void begin_who(void)
{
	begin();
	rig.settings->endpoints[0].service = &who_service;
}

/* A connection that is served.  Returns the client's end. */
static int must_connect(void)
{
	struct pair p = must_pair(&options);

	ck_assert_int_eq(rig_serve(p.near), 0);
	return p.far;
}

static void hang_up(int fd)
{
	must_half_close(fd);
	ck_assert_int_eq(peer_reads_to_end(fd, NULL), 0);
	close(fd);
}

static uint64_t started(void)
{
	return rig_count(COUNTER_THREADS_STARTED);
}

/* One connection. */

TEST(a_connection_is_served_recorded_counted_and_closed)
{
	begin();
	rig_build();
	size_t before = open_descriptors();
	int fd = must_connect();
	must_send_text(fd, "one\ntwo");
	must_half_close(fd);
	peer_expects_last_text(fd, "echo: one\necho: two");
	close(fd);
	rig_await_rest();
	ck_assert_uint_eq(open_descriptors(), before);

	struct counts c = rig_counts();
	ck_assert_uint_eq(c.of[COUNTER_ACCEPTED], 1);
	ck_assert_uint_eq(c.of[COUNTER_ACTIVE], 0);
	ck_assert_uint_eq(c.of[counter_of_end(STREAM_EOF)], 1);
	ck_assert_uint_eq(c.of[COUNTER_BYTES_IN], 7);
	ck_assert_uint_eq(c.of[COUNTER_BYTES_OUT], 19);
	ck_assert_uint_eq(c.of[COUNTER_MESSAGES_IN], 2);
	ck_assert_uint_eq(c.of[COUNTER_MESSAGES_OUT], 2);
	rig_check_sum();
}

TEST(the_record_has_all_that_is_known_of_the_connection)
{
	begin();
	rig_build();
	int fd = must_connect();
	must_send_text(fd, "one\n");
	hang_up(fd);
	rig_await_rest();
	ck_assert_uint_eq(capture_count(STDERR_FILENO, "\n"), 1);
	char head[256];
	snprintf(head, sizeof head,
		" level=info event=closed id=%s-1 listener=127.0.0.1:0 service=line peer=0.0.0.0:0"
		" end=eof duration_ms=",
		rig.identity.run);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, head), 1);
	ck_assert_int_eq(capture_number(STDERR_FILENO, "bytes_in"), 4);
	ck_assert_int_eq(capture_number(STDERR_FILENO, "bytes_out"), 10);
	ck_assert_int_eq(capture_number(STDERR_FILENO, "messages_in"), 1);
	ck_assert_int_eq(capture_number(STDERR_FILENO, "messages_out"), 1);
	ck_assert_int_gt(capture_number(STDERR_FILENO, "rtt_us"), 0);
	ck_assert_int_eq(capture_number(STDERR_FILENO, "retransmits"), 0);
}

TEST(a_record_that_nobody_wants_is_not_written)
{
	begin();
	log_open(LOG_WARN, LOG_LOGFMT);
	rig_build();
	hang_up(must_connect());
	rig_await_rest();
	ck_assert_str_eq(capture_text(STDERR_FILENO), "");
}

TEST(a_service_that_returns_ends_the_connection_and_not_the_thread)
{
	begin();
	rig_set("line.max_line", "4KiB");
	rig.settings->endpoints[0].terms.max_line = 4;
	rig_build();
	int fd = must_connect();
	must_send_text(fd, "too long\n");
	must_half_close(fd);
	peer_expects_last_text(fd, "error: line longer than 4 bytes\n");
	close(fd);
	rig_await_rest();
	ck_assert_uint_eq(rig_count(counter_of_end(STREAM_TOO_LONG)), 1);
	rig_await_parked(1);
}

TEST(a_worker_gets_no_signal_but_the_knock)
{
	begin_who();
	rig_build();
	int fd = must_connect();
	ck_assert_int_eq(ask_who(fd).open_signals, 1);
	hang_up(fd);
}

/* A sanitizer may add to it. */
TEST(a_worker_has_the_stack_that_was_asked_for)
{
	begin_who();
	rig_set("threads.stack", "512KiB");
	rig_build();
	int fd = must_connect();
	unsigned long stack = ask_who(fd).stack;
	ck_assert_uint_ge(stack, 512 * 1024);
	ck_assert_uint_lt(stack, 8 * 1024 * 1024);
	hang_up(fd);
}

/* On the smallest stack that can be configured, with the deepest calls: an error reply, all logged.
 */
static const char *const services[] = {"line", "frame", "echo"};

TEST_ROWS(the_smallest_stack_is_enough_for_every_service, SUITE_COUNT(services))
{
	char reply[16];

	capture_begin(STDERR_FILENO);
	log_open(LOG_DEBUG, LOG_JSON);
	rig_begin();
	rig_set("threads.stack", "64KiB");
	rig_add_endpoint("127.0.0.1:0", services[_i]);
	rig_build();
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

TEST(a_thread_that_is_parked_serves_the_next_connection)
{
	begin_who();
	rig_build();
	int thread = 0;
	for (int i = 0; i < 20; i++) {
		int fd = must_connect();
		int now = ask_who(fd).thread;
		ck_assert(thread == 0 || now == thread);
		thread = now;
		hang_up(fd);
		rig_await_rest();
		rig_await_parked(1);
	}
	ck_assert_uint_eq(started(), 1);
	ck_assert_uint_eq(rig_count(COUNTER_ACCEPTED), 20);
	rig_check_sum();
}

TEST(a_connection_has_a_thread_of_its_own_while_others_talk)
{
	begin_who();
	rig_build();
	int one = must_connect();
	int two = must_connect();
	ck_assert_int_ne(ask_who(one).thread, ask_who(two).thread);
	ck_assert_uint_eq(started(), 2);
	hang_up(one);
	hang_up(two);
}

TEST(the_thread_parked_last_is_called_first)
{
	int threads[3];
	int fds[3];

	begin_who();
	rig_build();
	for (int i = 0; i < 3; i++) {
		fds[i] = must_connect();
		threads[i] = ask_who(fds[i]).thread;
	}
	const int order[] = {1, 0, 2};
	for (int i = 0; i < 3; i++) {
		hang_up(fds[order[i]]);
		rig_await_parked(i + 1);
	}
	for (int i = 2; i >= 0; i--) {
		fds[i] = must_connect();
		ck_assert_int_eq(ask_who(fds[i]).thread, threads[order[i]]);
	}
	ck_assert_uint_eq(started(), 3);
	for (int i = 0; i < 3; i++)
		hang_up(fds[i]);
}

TEST(no_more_threads_are_parked_than_allowed)
{
	int fds[4];

	begin();
	rig_set("threads.parked", "2");
	rig_build();
	for (int i = 0; i < 4; i++)
		fds[i] = must_connect();
	rig_await_threads(4);
	for (int i = 0; i < 4; i++)
		hang_up(fds[i]);
	rig_await_threads(2);
	rig_await_parked(2);
	/* Both are of use. */
	fds[0] = must_connect();
	fds[1] = must_connect();
	ck_assert_uint_eq(started(), 4);
	fds[2] = must_connect();
	must_send_text(fds[2], "x\n");
	peer_expects(fds[2], "echo: x\n");
	ck_assert_uint_eq(started(), 5);
	for (int i = 0; i < 3; i++)
		hang_up(fds[i]);
}

TEST(with_no_parking_each_connection_has_a_new_thread)
{
	begin();
	rig_set("threads.parked", "0");
	rig_build();
	for (int i = 0; i < 3; i++) {
		hang_up(must_connect());
		rig_await_threads(0);
	}
	ck_assert_uint_eq(started(), 3);
}

TEST(a_thread_parked_for_its_time_ends_and_not_before)
{
	const int64_t time = 200 * NS_PER_MS;

	begin();
	rig_set("threads.park_time", "200ms");
	rig_build();
	int fd = must_connect();
	int64_t before = deadline_now();
	hang_up(fd);
	rig_await_threads(0);
	ck_assert_int_ge(deadline_now() - before, time);
	rig_await_parked(0);
	/* And the next one is served all the same. */
	hang_up(must_connect());
	ck_assert_uint_eq(started(), 2);
}

/* A park time that passes just when a connection comes: it is served, by one thread or another. */
TEST(a_connection_is_served_though_its_thread_was_about_to_end)
{
	begin();
	rig_set("threads.park_time", "1ms");
	rig_build();
	const int times = mode_times(100, 10000);
	for (int i = 0; i < times; i++) {
		int fd = must_connect();
		must_send_text(fd, "x\n");
		peer_expects(fd, "echo: x\n");
		hang_up(fd);
	}
	rig_await_rest();
	ck_assert_uint_eq(rig_count(counter_of_end(STREAM_EOF)), (uint64_t)times);
	rig_await_threads(0);
	rig_await_parked(0);
	rig_check_sum();
}
