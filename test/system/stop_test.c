/* SPDX-License-Identifier: ISC */
/* stop - every way of being stopped, and what clients see of it. */
#include "client.h"
#include "test/suite.h"

#include "common/deadline.h"
#include "common/socket.h"
#include "test/mode.h"
#include "test/unit/port.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANY "127.0.0.1:0"
#define MS  NS_PER_MS

/* For a stop that cuts nobody, however slow the machine is. */
#define PATIENT "-o", "drain.timeout=1min"

enum {
	MANY = 200
};

static void connect_many(const struct server *s, int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		fds[i] = client_connect(s);
}

/* One line each way on each, so that all are served and idle. */
static void talk(const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		CLIENT_SAY(fds[i], "hello\n");
	for (size_t i = 0; i < count; i++)
		CLIENT_EXPECT(fds[i], "echo: hello\n");
}

static void expect_ends(const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		client_expect_end(fds[i]);
		close(fds[i]);
	}
}

static char *stopped_line(struct server *s)
{
	return server_await_log(s, "event=stopped");
}

TEST_TIMED(two_hundred_idle_threads_leave_at_once)
{
	struct server s;
	int fds[MANY];

	SERVER_START(&s, "-l", ANY, PATIENT);
	connect_many(&s, fds, MANY);
	talk(fds, MANY);
	int64_t began = deadline_now();
	server_signal(&s, SIGTERM);
	expect_ends(fds, MANY);
	ck_assert_int_eq(server_wait(&s), 0);
	bound_check("B1", "stop with 200 idle connections", deadline_now() - began, 100 * MS);
	char *line = stopped_line(&s);
	/* One that had sent its reply, and not yet come to rest, ends of itself. */
	ck_assert_int_eq(server_field(line, "idle") + server_field(line, "drained"), MANY);
	ck_assert_int_eq(server_field(line, "cut"), 0);
	free(line);
}

TEST_TIMED(two_hundred_idle_threads_leave_though_their_peers_keep_the_connection_open)
{
	struct server s;
	int fds[MANY];

	SERVER_START(&s, "-l", ANY, PATIENT);
	connect_many(&s, fds, MANY);
	talk(fds, MANY);
	int64_t began = deadline_now();
	ck_assert_int_eq(server_stop(&s), 0);
	bound_check(
		"B1", "stop with 200 idle connections kept open", deadline_now() - began, 100 * MS);
	expect_ends(fds, MANY);
}

TEST_TIMED(those_that_never_said_a_word_leave_too_once_they_are_of_age)
{
	struct server s;
	int fds[MANY];

	SERVER_START(&s, "-l", ANY, PATIENT, "-o", "drain.first=300ms");
	connect_many(&s, fds, MANY - 1);
	int64_t born = deadline_now();
	fds[MANY - 1] = client_connect(&s);
	int64_t began = deadline_now();
	server_signal(&s, SIGTERM);
	struct pollfd p = {.fd = fds[MANY - 1], .events = POLLIN};
	/* The youngest is given its first word until then. */
	ck_assert_int_eq(poll(&p, 1, SERVER_PATIENCE_NS / MS), 1);
	ck_assert_int_ge(deadline_now() - born, 300 * MS);
	expect_ends(fds, MANY);
	ck_assert_int_eq(server_wait(&s), 0);
	bound_check("B1", "stop with 200 silent new connections", deadline_now() - began, 400 * MS);
}

TEST(a_client_that_has_just_connected_is_given_its_first_word)
{
	struct server s;

	SERVER_START(&s, "-l", ANY, "-o", "drain.first=1min", "-o", "drain.timeout=2min");
	int fd = client_connect(&s);
	while (server_counter(&s, "active") != 1)
		continue;
	server_signal(&s, SIGTERM);
	free(server_await_log(&s, "effect=draining"));
	CLIENT_SAY(fd, "first\n");
	CLIENT_EXPECT(fd, "echo: first\n");
	client_expect_end(fd);
	close(fd);
	ck_assert_int_eq(server_wait(&s), 0);
}

/*
 * A worker that cannot end in time: its peer takes no reply, and gives no end.  The request is there
 * before the stop; its reply is far larger than what the kernel takes.
 */
#define STUCK "-o", "frame.max_frame=32MiB", "-o", "timeouts.reply=1h"

static int make_stuck_worker(struct server *s)
{
	static char body[32 << 20];
	int fd = client_connect_small(s, 4096);

	CLIENT_SAY(fd, "\2\0\0\0");
	client_send(fd, body, sizeof body);
	client_await_acknowledged(fd);
	return fd;
}

TEST_TIMED(a_stuck_worker_is_cut_at_the_bound_and_the_exit_status_says_so)
{
	struct server s;

	/* A late worker is not a stuck one. */
	SERVER_START(&s, "-l", ANY "=frame", STUCK, "-o", "drain.timeout=500ms", "-o",
		"drain.force=1min");
	int fd = make_stuck_worker(&s);
	int64_t began = deadline_now();
	server_signal(&s, SIGTERM);
	ck_assert_int_eq(server_wait(&s), 75);
	int64_t took = deadline_now() - began;
	ck_assert_int_ge(took, 500 * MS);
	bound_check("B1", "stop with a stuck worker, behind its bound of 500 ms", took - 500 * MS,
		100 * MS);
	client_expect_reset(fd);
	close(fd);
	char *line = stopped_line(&s);
	ck_assert_int_eq(server_field(line, "cut"), 1);
	ck_assert_int_eq(server_field(line, "stuck"), 0);
	free(line);
}

TEST_TIMED(a_second_signal_cuts_at_once)
{
	struct server s;

	SERVER_START(&s, "-l", ANY "=frame", STUCK, "-o", "drain.timeout=1h");
	int fd = make_stuck_worker(&s);
	server_signal(&s, SIGTERM);
	free(server_await_log(&s, "effect=draining"));
	int64_t began = deadline_now();
	server_signal(&s, SIGTERM);
	ck_assert_int_eq(server_wait(&s), 75);
	bound_check("B3", "second signal", deadline_now() - began, 100 * MS);
	close(fd);
}

TEST_TIMED(a_second_signal_during_the_grace_cuts_too)
{
	struct server s;

	/* A worker may be late on a busy machine, and would be counted as stuck. */
	SERVER_START(&s, "-l", ANY, "-o", "drain.grace=1h", "-o", "drain.force=1min");
	int fd = client_connect(&s);
	talk(&fd, 1);
	server_signal(&s, SIGTERM);
	free(server_await_log(&s, "effect=draining"));
	/* Grace: new clients are served as before. */
	int late = client_connect(&s);
	talk(&late, 1);
	int64_t began = deadline_now();
	server_signal(&s, SIGINT);
	/* Nothing was owed, even if a worker that has sent its reply has not come to rest yet. */
	ck_assert_int_eq(server_wait(&s), 0);
	bound_check("B3", "second signal in the grace", deadline_now() - began, 100 * MS);
	close(fd);
	close(late);
}

TEST_TIMED(a_third_signal_ends_the_process_on_the_spot)
{
	struct server s;

	SERVER_START(&s, "-l", ANY "=frame", STUCK, "-o", "drain.timeout=1h", "-o",
		"drain.force=1h", "-o", "linger.time=1h");
	/* Cut, a connection ends at once; so stop the process for the time between the signals. */
	int fd = make_stuck_worker(&s);
	server_signal(&s, SIGTERM);
	free(server_await_log(&s, "effect=draining"));
	int64_t began = deadline_now();
	server_signal(&s, SIGSTOP);
	server_signal(&s, SIGTERM);
	server_signal(&s, SIGINT);
	server_signal(&s, SIGCONT);
	ck_assert_int_eq(server_wait(&s), 75);
	bound_check("B3", "third signal", deadline_now() - began, 100 * MS);
	ck_assert_uint_eq(server_count_log(&s, "event=stopped"), 0);
	close(fd);
}

TEST(sigint_skips_the_grace)
{
	struct server s;

	SERVER_START(&s, "-l", ANY, "-o", "drain.grace=1h");
	server_signal(&s, SIGINT);
	ck_assert_int_eq(server_wait(&s), 0);
}

/* Requests that were there before the stop. */

static void send_while_stopped(struct server *s, int *fds, size_t count)
{
	server_signal(s, SIGSTOP);
	connect_many(s, fds, count);
	for (size_t i = 0; i < count; i++) {
		CLIENT_SAY(fds[i], "one\ntwo\n");
		client_await_acknowledged(fds[i]);
	}
	server_signal(s, SIGTERM);
	server_signal(s, SIGCONT);
}

static void expect_answers(int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		CLIENT_EXPECT(fds[i], "echo: one\necho: two\n");
		client_expect_end(fds[i]);
		close(fds[i]);
	}
}

TEST(forty_clients_in_the_queue_are_answered)
{
	struct server s;
	int fds[40];

	SERVER_START(&s, "-l", ANY, PATIENT);
	send_while_stopped(&s, fds, 40);
	expect_answers(fds, 40);
	ck_assert_int_eq(server_wait(&s), 0);
}

TEST(forty_clients_in_the_queue_are_answered_at_the_connection_limit_too)
{
	struct server s;
	int fds[40];

	SERVER_START(&s, "-l", ANY, PATIENT, "-o", "limits.max_connections=2");
	send_while_stopped(&s, fds, 40);
	expect_answers(fds, 40);
	ck_assert_int_eq(server_wait(&s), 0);
}

TEST(clients_that_wait_behind_idle_ones_at_the_limit_are_answered)
{
	struct server s;
	int idle[2];
	int fds[40];

	SERVER_START(&s, "-l", ANY, PATIENT, "-o", "limits.max_connections=2");
	connect_many(&s, idle, 2);
	talk(idle, 2);
	send_while_stopped(&s, fds, 40);
	/* They keep their places until they see the end. */
	expect_ends(idle, 2);
	expect_answers(fds, 40);
	ck_assert_int_eq(server_wait(&s), 0);
}

TEST(clients_that_find_no_place_before_the_drain_deadline_are_told)
{
	struct server s;
	int fds[3];

	SERVER_START(&s, "-l", ANY "=frame", STUCK, "-o", "limits.max_connections=1", "-o",
		"drain.timeout=500ms");
	int stuck = make_stuck_worker(&s);
	connect_many(&s, fds, 3);
	server_signal(&s, SIGTERM);
	ck_assert_int_eq(server_wait(&s), 75);
	for (int i = 0; i < 3; i++) {
		CLIENT_EXPECT(fds[i],
			"\0\0\0\x1d"
			"error: the server is stopping");
		client_expect_end(fds[i]);
		close(fds[i]);
	}
	char *line = stopped_line(&s);
	ck_assert_int_eq(server_field(line, "refused"), 3);
	free(line);
	close(stuck);
}

TEST_TIMED(a_stop_without_a_descriptor_for_those_who_wait_keeps_to_its_bound)
{
	struct server s;
	int fds[30];

	SERVER_START(&s, "-l", ANY, "-o", "drain.timeout=300ms");
	client_take_descriptors(&s, fds, sizeof fds / sizeof *fds);
	for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
		CLIENT_SAY(fds[i], "never finished");
	int64_t began = deadline_now();
	server_signal(&s, SIGTERM);
	ck_assert_int_eq(server_wait(&s), 75);
	bound_check("B1", "stop without descriptors, behind its bound of 300 ms",
		deadline_now() - began - 300 * MS, 100 * MS);
	for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
		close(fds[i]);
}

TEST(a_message_begun_before_the_stop_may_be_finished)
{
	struct server s;

	SERVER_START(&s, "-l", ANY, PATIENT);
	int fd = client_connect(&s);
	int other = client_connect(&s);
	talk(&other, 1);
	/* The line was read together with the beginning behind it. */
	CLIENT_SAY(fd, "line\nbegun ");
	CLIENT_EXPECT(fd, "echo: line\n");
	server_signal(&s, SIGTERM);
	expect_ends(&other, 1);
	CLIENT_SAY(fd, "and finished\n");
	CLIENT_EXPECT(fd, "echo: begun and finished\n");
	client_expect_end(fd);
	close(fd);
	ck_assert_int_eq(server_wait(&s), 0);
}

TEST_TIMED(a_message_that_is_never_finished_holds_the_stop_up_to_its_bound)
{
	struct server s;

	SERVER_START(&s, "-l", ANY, "-o", "drain.timeout=400ms");
	int fd = client_connect(&s);
	CLIENT_SAY(fd, "line\nnever finished");
	CLIENT_EXPECT(fd, "echo: line\n");
	int64_t began = deadline_now();
	server_signal(&s, SIGTERM);
	ck_assert_int_eq(server_wait(&s), 75);
	int64_t took = deadline_now() - began;
	ck_assert_int_ge(took, 400 * MS);
	bound_check("B1", "stop with half a message, behind its bound of 400 ms", took - 400 * MS,
		100 * MS);
	close(fd);
}

/* A flood. */

struct flood {
	int fd;
	atomic_bool enough;
};

static void *flood(void *arg)
{
	struct flood *f = arg;
	static char lines[1 << 16];

	for (size_t i = 0; i < sizeof lines; i++)
		lines[i] = i % 8 == 7 ? '\n' : 'x';
	while (!atomic_load(&f->enough) && send(f->fd, lines, sizeof lines, MSG_NOSIGNAL) > 0)
		continue;
	shutdown(f->fd, SHUT_WR);
	return NULL;
}

TEST_TIMED(a_client_that_floods_cannot_hold_the_stop_up)
{
	struct server s;
	struct flood f = {.fd = -1};
	pthread_t sender;
	char got[65536];
	ssize_t n;
	size_t all = 0;

	SERVER_START(&s, "-l", ANY, PATIENT);
	f.fd = client_connect(&s);
	ck_assert_int_eq(pthread_create(&sender, NULL, flood, &f), 0);
	int64_t began = 0;
	while ((n = recv(f.fd, got, sizeof got, 0)) > 0) {
		all += (size_t)n;
		if (all > 4 << 20 && began == 0) {
			began = deadline_now();
			server_signal(&s, SIGTERM);
		}
	}
	/* The end of the stream, and not a reset: the server read on while we stopped sending. */
	ck_assert_int_eq(n, 0);
	atomic_store(&f.enough, true);
	pthread_join(sender, NULL);
	close(f.fd);
	ck_assert_int_eq(server_wait(&s), 0);
	bound_check("B1", "stop under a flood", deadline_now() - began, 1000 * MS);
}

TEST(a_client_that_ends_when_it_sees_the_end_never_sees_a_reset)
{
	struct server s;
	int fds[MANY];
	char got[256];

	SERVER_START(&s, "-l", ANY, PATIENT);
	connect_many(&s, fds, MANY);
	talk(fds, MANY);
	server_signal(&s, SIGTERM);
	/* Each goes on asking until it sees the end. */
	for (size_t i = 0; i < MANY; i++) {
		ssize_t n;
		do {
			CLIENT_SAY(fds[i], "again\n");
			n = recv(fds[i], got, sizeof got, 0);
		} while (n > 0);
		ck_assert_int_eq(n, 0);
		close(fds[i]);
	}
	ck_assert_int_eq(server_wait(&s), 0);
}

TEST(a_flooding_client_that_reads_slowly_gets_every_reply_and_the_end)
{
	struct server s;
	struct flood f = {.fd = -1};
	pthread_t sender;
	char got[16384];
	ssize_t n;
	int64_t all = 0;

	/* A small bound: the server stops reading the flood long before its replies are taken. */
	SERVER_START(&s, "-l", ANY "=echo", "-o", "drain.timeout=1min", "-o", "linger.time=1min",
		"-o", "linger.bytes=64KiB");
	f.fd = client_connect_small(&s, 65536);
	ck_assert_int_eq(pthread_create(&sender, NULL, flood, &f), 0);
	while ((n = recv(f.fd, got, sizeof got, 0)) > 0) {
		if (all < 1 << 20 && all + n >= 1 << 20)
			server_signal(&s, SIGTERM);
		all += n;
		if (all > 1 << 20)
			poll(NULL, 0, 1);
	}
	ck_assert_int_eq(n, 0);
	atomic_store(&f.enough, true);
	shutdown(f.fd, SHUT_RDWR);
	pthread_join(sender, NULL);
	close(f.fd);
	ck_assert_int_eq(server_wait(&s), 0);
	char *line = server_await_log(&s, "event=closed");
	ck_assert_int_eq(server_field(line, "bytes_out"), all);
	free(line);
}

TEST_TIMED(a_client_that_writes_once_more_and_stays_holds_the_stop_up_for_a_moment_only)
{
	struct server s;

	SERVER_START(&s, "-l", ANY, PATIENT);
	int fd = client_connect(&s);
	talk(&fd, 1);
	int64_t began = deadline_now();
	server_signal(&s, SIGTERM);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ck_assert_int_eq(poll(&p, 1, SERVER_PATIENCE_NS / MS), 1);
	CLIENT_SAY(fd, "once more\n");
	ck_assert_int_eq(server_wait(&s), 0);
	bound_check(
		"B1", "stop with a client that writes into it", deadline_now() - began, 200 * MS);
	client_expect_end(fd);
	close(fd);
}

TEST_TIMED(a_stop_while_every_listener_is_at_the_limit_ends)
{
	struct server s;

	SERVER_START(
		&s, "-l", ANY, "-l", ANY, "-l", ANY, PATIENT, "-o", "limits.max_connections=1");
	int fd = client_connect(&s);
	talk(&fd, 1);
	int waiting[3];
	for (int i = 0; i < 3; i++)
		waiting[i] = client_connect_to(&s.addresses[i]);
	int64_t began = deadline_now();
	server_signal(&s, SIGTERM);
	expect_ends(&fd, 1);
	expect_ends(waiting, 3);
	ck_assert_int_eq(server_wait(&s), 0);
	bound_check(
		"B1", "stop with three listeners at the limit", deadline_now() - began, 1000 * MS);
}

TEST_TIMED(an_unused_server_stops_at_once)
{
	const int times = mode_is_timing() ? 100 : mode_times(3, 100);
	int64_t worst = 0;

	for (int i = 0; i < times; i++) {
		struct server s;
		SERVER_START(&s, "-l", ANY, "-l", ANY);
		int64_t began = deadline_now();
		ck_assert_int_eq(server_stop(&s), 0);
		int64_t took = deadline_now() - began;
		worst = took > worst ? took : worst;
	}
	bound_check("B1", "worst stop of an unused server", worst, 100 * MS);
}

TEST(the_port_is_free_for_a_successor_and_the_queue_is_not_reset)
{
	struct server first;
	struct server second;
	struct address at = client_address("127.0.0.1", 0);
	int reserved = must_reserve(&at);
	char where[32];

	snprintf(where, sizeof where, "127.0.0.1:%u", (unsigned)address_port(&at));
	for (int i = 0; i < mode_times(3, 20); i++) {
		SERVER_START(&first, "-l", where);
		int fd = client_connect(&first);
		ck_assert_int_eq(server_stop(&first), 0);
		client_expect_end(fd);
		/* We closed first: the old connection is in TIME_WAIT (A5). */
		SERVER_START(&second, "-l", where);
		close(fd);
		ck_assert_int_eq(server_stop(&second), 0);
	}
	close(reserved);
}

TEST(the_counters_add_up)
{
	struct server s;
	int fds[5];

	SERVER_START(&s, "-l", ANY, PATIENT);
	connect_many(&s, fds, 5);
	talk(fds, 5);
	close(fds[0]);
	close(fds[1]);
	free(server_await_log(&s, "event=closed"));
	while (server_counter(&s, "ended") != 2)
		continue;
	ck_assert_int_eq(server_counter(&s, "accepted"), 5);
	ck_assert_int_eq(server_counter(&s, "active"), 3);
	ck_assert_int_eq(server_counter(&s, "refused"), 0);
	ck_assert_int_eq(server_counter(&s, "end_eof"), 2);
	ck_assert_int_eq(server_counter(&s, "messages_in"), 5);
	ck_assert_int_eq(server_stop(&s), 0);
}
