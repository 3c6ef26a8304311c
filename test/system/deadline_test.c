/* SPDX-License-Identifier: ISC */
/* deadline - what is cut when, as a peer sees it. */
#include "client.h"
#include "test/suite.h"

#include "common/deadline.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANY "127.0.0.1:0"
#define MS  NS_PER_MS

/* The record of the only connection says so. */
static void expect_end(struct server *s, const char *end)
{
	char text[64];

	snprintf(text, sizeof text, " end=%s ", end);
	free(server_await_log(s, text));
	ck_assert_int_eq(server_stop(s), 0);
}

/*
 * A client whose first words are there before the server can accept it, so that its deadlines begin
 * with them, however slow either is.  *began is before that.
 */
static int connect_and_say(struct server *s, const char *words, int64_t *began)
{
	server_signal(s, SIGSTOP);
	int fd = client_connect(s);
	client_send(fd, words, strlen(words));
	*began = deadline_now();
	server_signal(s, SIGCONT);
	return fd;
}

/* Send a byte each 100 ms until the server says something. */
static void drip(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	do {
		CLIENT_SAY(fd, "x");
	} while (poll(&p, 1, 100) == 0);
}

TEST_TIMED(a_client_that_drips_a_byte_per_100_ms_is_cut_at_the_messages_deadline)
{
	struct server s;

	SERVER_START(&s, "-l", ANY, "-o", "timeouts.message=1s", "-o", "timeouts.idle=500ms");
	int64_t began;
	int fd = connect_and_say(&s, "x", &began);
	drip(fd);
	int64_t took = deadline_now() - began;
	CLIENT_EXPECT(fd, "error: message not complete within 1s\n");
	client_expect_end(fd);
	close(fd);
	bound_check_window("A18", "dripping client cut", took, 1000 * MS);
	expect_end(&s, "message_timeout");
}

TEST_TIMED(a_frame_has_one_deadline_too_and_its_error_comes_as_a_frame)
{
	struct server s;

	SERVER_START(&s, "-l", ANY "=frame", "-o", "timeouts.message=400ms");
	int fd = client_connect(&s);
	int64_t began = deadline_now();
	CLIENT_SAY(fd, "\0\0\1\0");
	drip(fd);
	bound_check_window("A18", "dripping frame cut", deadline_now() - began, 400 * MS);
	CLIENT_EXPECT(fd, "\0\0\0\050error: message not complete within 400ms");
	client_expect_end(fd);
	close(fd);
	expect_end(&s, "message_timeout");
}

TEST_TIMED(an_idle_client_is_cut_at_the_idle_time_though_messages_may_take_longer)
{
	struct server s;

	SERVER_START(&s, "-l", ANY, "-o", "timeouts.idle=400ms", "-o", "timeouts.message=1h");
	int64_t began;
	int fd = connect_and_say(&s, "line\n", &began);
	CLIENT_EXPECT(fd, "echo: line\n");
	client_expect_end(fd);
	bound_check_window("A19", "idle client cut", deadline_now() - began, 400 * MS);
	close(fd);
	expect_end(&s, "idle");
}

TEST_TIMED(a_slow_message_is_cut_at_its_own_time_though_the_pause_may_take_longer)
{
	struct server s;

	SERVER_START(&s, "-l", ANY, "-o", "timeouts.idle=1h", "-o", "timeouts.message=400ms");
	int fd = client_connect(&s);
	int64_t began = deadline_now();
	CLIENT_SAY(fd, "half");
	CLIENT_EXPECT(fd, "error: message not complete within 400ms\n");
	bound_check_window("A19", "half a message cut", deadline_now() - began, 400 * MS);
	client_expect_end(fd);
	close(fd);
	expect_end(&s, "message_timeout");
}

TEST_TIMED(after_a_slow_message_the_pause_has_its_own_time_again)
{
	struct server s;

	/* Its last byte may come 2 s late. */
	SERVER_START(&s, "-l", ANY, "-o", "timeouts.idle=2500ms", "-o", "timeouts.message=2s");
	int fd = client_connect(&s);
	client_send_slowly(fd, "slow", 4);
	int64_t began = deadline_now();
	CLIENT_SAY(fd, "\n");
	CLIENT_EXPECT(fd, "echo: slow\n");
	client_expect_end(fd);
	bound_check_window("A19", "idle after a slow message", deadline_now() - began, 2500 * MS);
	close(fd);
	expect_end(&s, "idle");
}

TEST_TIMED(a_lifetime_ends_a_busy_connection)
{
	struct server s;
	struct pollfd p;
	char got[4096];

	SERVER_START(&s, "-l", ANY, "-o", "timeouts.lifetime=500ms");
	int64_t began = deadline_now();
	int fd = client_connect(&s);
	p = (struct pollfd){.fd = fd, .events = POLLIN};
	ssize_t n = 1;
	while (n > 0) {
		CLIENT_SAY(fd, "line\n");
		ck_assert_int_eq(poll(&p, 1, SERVER_PATIENCE_NS / MS), 1);
		n = recv(fd, got, sizeof got, 0);
	}
	ck_assert_int_eq(n, 0);
	bound_check_window("-", "lifetime over", deadline_now() - began, 500 * MS);
	close(fd);
	expect_end(&s, "lifetime");
}

/* Send frames without ever reading a reply, until the server resets the connection. */
static void stuff(int fd)
{
	static const char frame[4 + 65536] = "\0\1\0\0";

	while (send(fd, frame, sizeof frame, MSG_NOSIGNAL) > 0)
		continue;
}

TEST(a_client_that_never_reads_is_cut_and_its_thread_ends)
{
	struct server s;

	SERVER_START(
		&s, "-l", ANY "=frame", "-o", "timeouts.reply=300ms", "-o", "threads.parked=0");
	size_t threads = server_count_proc(&s, "task");
	int fd = client_connect_small(&s, 4096);
	stuff(fd);
	char *line = server_await_log(&s, "event=closed");
	ck_assert_msg(strstr(line, " end=reply_timeout "), "%s", line);
	free(line);
	server_await_proc(&s, "task", threads);
	close(fd);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST_TIMED(the_cut_comes_in_the_replys_window)
{
	struct server s;
	static char reply[4 << 20];
	enum {
		LEN = sizeof reply
	};

	/* One reply that cannot go: its deadline begins when the request is complete. */
	SERVER_START(&s, "-l", ANY "=frame", "-o", "timeouts.reply=400ms", "-o",
		"frame.max_frame=64MiB");
	int fd = client_connect_small(&s, 4096);
	CLIENT_SAY(fd, "\2\0\0\0");
	for (int i = 0; i < 7; i++)
		client_send(fd, reply, LEN);
	client_send(fd, reply, LEN - 1);
	client_await_acknowledged(fd);
	int64_t began = deadline_now();
	CLIENT_SAY(fd, "!");
	struct pollfd p = {.fd = fd, .events = POLLRDHUP};
	while (!(p.revents & (POLLHUP | POLLERR)) && poll(&p, 1, SERVER_PATIENCE_NS / MS) == 1)
		p.events = 0;
	int64_t took = deadline_now() - began;
	client_expect_reset(fd);
	close(fd);
	bound_check_window("A20", "client that never reads cut", took, 400 * MS);
	expect_end(&s, "reply_timeout");
}

TEST_TIMED(a_refused_client_that_does_not_close_is_left_after_the_linger)
{
	struct server s;

	SERVER_START(&s, "-l", ANY, "-o", "line.max_line=1B", "-o", "linger.time=400ms");
	int fd = client_connect(&s);
	int64_t began = deadline_now();
	CLIENT_SAY(fd, "much\n");
	CLIENT_EXPECT(fd, "error: line longer than 1 bytes\n");
	client_expect_end(fd);
	free(server_await_log(&s, "event=closed"));
	bound_check_window("-", "linger over", deadline_now() - began, 400 * MS);
	close(fd);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(lingering_reads_no_more_than_its_bytes)
{
	struct server s;
	static char flood[1 << 20];

	SERVER_START(&s, "-l", ANY, "-o", "line.max_line=1B", "-o", "linger.bytes=64KiB", "-o",
		"linger.time=1h");
	int fd = client_connect(&s);
	for (int i = 0; i < 64 && send(fd, flood, sizeof flood, MSG_NOSIGNAL) > 0; i++)
		continue;
	char *line = server_await_log(&s, "event=closed");
	ck_assert_int_ge(server_field(line, "bytes_dropped"), 64 << 10);
	ck_assert_int_le(server_field(line, "bytes_dropped"), 80 << 10);
	free(line);
	close(fd);
	ck_assert_int_eq(server_stop(&s), 0);
}
