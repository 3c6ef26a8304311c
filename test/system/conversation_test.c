/* SPDX-License-Identifier: ISC */
/* conversation - what the three services answer, and how each conversation ends. */
#include "client.h"
#include "test/suite.h"

#include "common/socket.h"
#include "test/mode.h"

#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANY "127.0.0.1:0"

/* The end= of the only connection's record. */
static void expect_record(struct server *s, const char *end)
{
	char text[64];

	snprintf(text, sizeof text, " end=%s ", end);
	char *line = server_await_log(s, "event=closed");
	ck_assert_msg(strstr(line, text), "not%sin: %s", text, line);
	free(line);
}

/* Lines. */

TEST(a_line_that_comes_in_one_byte_segments_is_answered)
{
	struct server s;

	SERVER_START(&s, "-l", ANY);
	int fd = client_connect(&s);
	client_send_slowly(fd, "slowly\n", 7);
	CLIENT_EXPECT(fd, "echo: slowly\n");
	close(fd);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(lines_keep_every_byte_but_their_end)
{
	struct server s;

	SERVER_START(&s, "-l", ANY);
	int fd = client_connect(&s);
	CLIENT_SAY(fd, "a\0b\n\r\n\nlast\xff");
	client_half_close(fd);
	CLIENT_EXPECT(fd, "echo: a\0b\necho: \r\necho: \necho: last\xff");
	client_expect_end(fd);
	expect_record(&s, "eof");
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(a_line_at_the_bound_is_answered_and_one_byte_more_is_refused)
{
	struct server s;
	char line[4097];

	SERVER_START(&s, "-l", ANY);
	int fd = client_connect(&s);
	memset(line, 'x', sizeof line);
	client_send(fd, line, 4096);
	CLIENT_SAY(fd, "\n");
	CLIENT_EXPECT(fd, "echo: ");
	client_expect(fd, line, 4096);
	CLIENT_EXPECT(fd, "\n");
	client_send(fd, line, 4097);
	CLIENT_EXPECT(fd, "error: line longer than 4096 bytes\n");
	client_expect_end(fd);
	close(fd);
	expect_record(&s, "too_long");
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(the_lines_before_one_that_is_too_long_are_answered)
{
	struct server s;

	SERVER_START(&s, "-l", ANY, "-o", "line.max_line=4B");
	int fd = client_connect(&s);
	CLIENT_SAY(fd, "one\ntwo\nthree\nfour\n");
	CLIENT_EXPECT(fd, "echo: one\necho: two\nerror: line longer than 4 bytes\n");
	client_expect_end(fd);
	ck_assert_int_eq(server_stop(&s), 0);
}

/* Frames. */

TEST(frames_come_back_as_they_are_an_empty_one_too)
{
	struct server s;

	SERVER_START(&s, "-l", ANY "=frame");
	int fd = client_connect(&s);
	CLIENT_SAY(fd, "\0\0\0\3abc\0\0\0\0\0\0\0\2\0\n");
	client_half_close(fd);
	CLIENT_EXPECT(fd, "\0\0\0\3abc\0\0\0\0\0\0\0\2\0\n");
	client_expect_end(fd);
	expect_record(&s, "eof");
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(a_frame_above_the_bound_is_refused_at_its_header)
{
	struct server s;

	SERVER_START(&s, "-l", ANY "=frame");
	int fd = client_connect(&s);
	CLIENT_SAY(fd, "\0\0\0\1x\0\x10\0\1");
	CLIENT_EXPECT(fd, "\0\0\0\1x\0\0\0\046error: frame longer than 1048576 bytes");
	client_expect_end(fd);
	close(fd);
	expect_record(&s, "too_long");
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(a_frame_at_the_bound_is_answered)
{
	struct server s;
	size_t len = 1 << 20;
	char *body = malloc(len);

	SERVER_START(&s, "-l", ANY "=frame");
	int fd = client_connect(&s);
	for (size_t i = 0; i < len; i++)
		body[i] = (char)(i * 31 + i / 251);
	CLIENT_SAY(fd, "\0\x10\0\0");
	client_send(fd, body, len);
	CLIENT_EXPECT(fd, "\0\x10\0\0");
	client_expect(fd, body, len);
	close(fd);
	free(body);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(a_frame_that_the_end_of_the_stream_cuts_off_gets_no_reply)
{
	struct server s;

	SERVER_START(&s, "-l", ANY "=frame");
	int fd = client_connect(&s);
	CLIENT_SAY(fd, "\0\0\0\2ok\0\0\0\5hel");
	client_half_close(fd);
	CLIENT_EXPECT(fd, "\0\0\0\2ok");
	client_expect_end(fd);
	expect_record(&s, "truncated");
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(a_header_that_the_end_of_the_stream_cuts_off_is_truncated_too)
{
	struct server s;

	SERVER_START(&s, "-l", ANY "=frame");
	int fd = client_connect(&s);
	CLIENT_SAY(fd, "\0\0");
	client_half_close(fd);
	client_expect_end(fd);
	expect_record(&s, "truncated");
	ck_assert_int_eq(server_stop(&s), 0);
}

/* Bytes. */

TEST(echo_returns_the_bytes_and_then_the_end)
{
	struct server s;

	SERVER_START(&s, "-l", ANY "=echo");
	int fd = client_connect(&s);
	CLIENT_SAY(fd, "no\0end");
	CLIENT_EXPECT(fd, "no\0end");
	client_half_close(fd);
	client_expect_end(fd);
	expect_record(&s, "eof");
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(urgent_bytes_are_bytes_like_the_others)
{
	struct server s;

	SERVER_START(&s, "-l", ANY);
	int fd = client_connect(&s);
	CLIENT_SAY(fd, "ab");
	ck_assert_int_eq(send(fd, "Z", 1, MSG_OOB), 1);
	CLIENT_SAY(fd, "cd\n");
	CLIENT_EXPECT(fd, "echo: abZcd\n");
	close(fd);
	ck_assert_int_eq(server_stop(&s), 0);
}

/* Full writing. */

struct flow {
	int fd;
	size_t frames;
	const char *body;
	size_t len;
};

static void *send_frames(void *arg)
{
	const struct flow *flow = arg;

	for (size_t i = 0; i < flow->frames; i++) {
		CLIENT_SAY(flow->fd, "\0\1\0\0");
		client_send(flow->fd, flow->body, flow->len);
	}
	client_half_close(flow->fd);
	return NULL;
}

/* 4 KiB at a time. */
static void expect_in_small_reads(int fd, const char *data, size_t len)
{
	for (size_t done = 0; done < len; done += 4096)
		client_expect(fd, data + done, len - done < 4096 ? len - done : 4096);
}

TEST(a_stream_to_a_reader_of_small_reads_arrives_whole)
{
	struct server s;
	pthread_t sender;
	char *body = malloc(65536);
	struct flow flow = {.frames = 128, .body = body, .len = 65536};

	SERVER_START(&s, "-l", ANY "=frame");
	for (size_t i = 0; i < flow.len; i++)
		body[i] = (char)(i * 7 + i / 253);
	flow.fd = client_connect_small(&s, 4096);
	ck_assert_int_eq(pthread_create(&sender, NULL, send_frames, &flow), 0);
	for (size_t i = 0; i < flow.frames; i++) {
		CLIENT_EXPECT(flow.fd, "\0\1\0\0");
		expect_in_small_reads(flow.fd, body, flow.len);
	}
	client_expect_end(flow.fd);
	pthread_join(sender, NULL);
	free(body);
	ck_assert_int_eq(server_stop(&s), 0);
}

/* Ends. */

TEST(a_client_that_goes_away_leaves_no_line_above_info)
{
	struct server s;
	struct linger reset = {.l_onoff = 1};

	SERVER_START(&s, "-l", ANY);
	int fd = client_connect(&s);
	CLIENT_SAY(fd, "half a line");
	close(fd);
	free(server_await_log(&s, "end=eof"));
	fd = client_connect(&s);
	CLIENT_SAY(fd, "line\n");
	CLIENT_EXPECT(fd, "echo: line\n");
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
	close(fd);
	free(server_await_log(&s, "end=reset"));
	ck_assert_int_eq(server_stop(&s), 0);
	ck_assert_uint_eq(server_count_log(&s, "level=warn"), 0);
	ck_assert_uint_eq(server_count_log(&s, "level=error"), 0);
}

TEST(send_half_close_then_read_gets_every_reply_and_the_end)
{
	struct server s;
	enum {
		LINES = 20000
	};

	SERVER_START(&s, "-l", ANY);
	int fd = client_connect_small(&s, 1 << 20);
	for (int i = 0; i < LINES; i++)
		CLIENT_SAY(fd, "line\n");
	client_half_close(fd);
	for (int i = 0; i < LINES; i++)
		CLIENT_EXPECT(fd, "echo: line\n");
	client_expect_end(fd);
	expect_record(&s, "eof");
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(a_refused_client_reads_its_error_before_the_end)
{
	const int times = mode_times(100, 10000);
	struct server s;
	char flood[8192];

	SERVER_START(&s, "-l", ANY, "-o", "linger.time=1min");
	memset(flood, 'x', sizeof flood);
	for (int i = 0; i < times; i++) {
		int fd = client_connect(&s);
		client_send(fd, flood, sizeof flood);
		CLIENT_EXPECT(fd, "error: line longer than 4096 bytes\n");
		client_expect_end(fd);
		close(fd);
	}
	ck_assert_int_eq(server_stop(&s), 0);
	ck_assert_uint_eq(server_count_log(&s, "end=too_long"), times);
}

TEST(replies_of_a_megabyte_and_then_the_error_are_read_whole)
{
	struct server s;
	size_t len = 1 << 20;
	char *body = calloc(1, len);

	SERVER_START(&s, "-l", ANY "=frame", "-o", "linger.time=1min");
	for (int i = 0; i < mode_times(20, 1000); i++) {
		int fd = client_connect(&s);
		CLIENT_SAY(fd, "\0\x10\0\0");
		client_send(fd, body, len);
		/* Refused, with input behind it that nobody reads. */
		CLIENT_SAY(fd, "\xff\xff\xff\xff and more, and more, and more");
		CLIENT_EXPECT(fd, "\0\x10\0\0");
		client_expect(fd, body, len);
		CLIENT_EXPECT(fd, "\0\0\0\046error: frame longer than 1048576 bytes");
		client_expect_end(fd);
		close(fd);
	}
	free(body);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(the_record_tells_all_of_a_connection)
{
	struct server s;
	char peer[32];
	struct address local;

	SERVER_START(&s, "-l", ANY);
	int fd = client_connect(&s);
	CLIENT_SAY(fd, "one\ntwo\n");
	CLIENT_EXPECT(fd, "echo: one\necho: two\n");
	ck_assert_int_eq(socket_local_address(fd, &local), 0);
	close(fd);
	char *line = server_await_log(&s, "event=closed");
	snprintf(peer, sizeof peer, " peer=127.0.0.1:%u ", address_port(&local));
	ck_assert_msg(strstr(line, peer), "not%sin: %s", peer, line);
	ck_assert_ptr_nonnull(strstr(line, "level=info"));
	ck_assert_ptr_nonnull(strstr(line, " listener=127.0.0.1:0 service=line "));
	ck_assert_ptr_nonnull(strstr(line, " end=eof "));
	ck_assert_ptr_nonnull(strstr(strstr(line, " id="), "-1 "));
	ck_assert_int_eq(server_field(line, "bytes_in"), 8);
	ck_assert_int_eq(server_field(line, "bytes_out"), 20);
	ck_assert_int_eq(server_field(line, "messages_in"), 2);
	ck_assert_int_eq(server_field(line, "messages_out"), 2);
	ck_assert_int_ge(server_field(line, "duration_ms"), 0);
	ck_assert_int_gt(server_field(line, "rtt_us"), 0);
	/* A machine that stands still makes the kernel send again. */
	ck_assert_int_ge(server_field(line, "retransmits"), 0);
	free(line);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(several_listeners_serve_at_once_each_with_its_own_terms)
{
	struct server s;

	SERVER_START(&s, "-l", ANY, "-l", ANY "=frame", "-l", "tcp4:" ANY "=echo");
	int line = client_connect_to(&s.addresses[0]);
	int frame = client_connect_to(&s.addresses[1]);
	int echo = client_connect_to(&s.addresses[2]);
	CLIENT_SAY(echo, "e");
	CLIENT_SAY(frame, "\0\0\0\1f");
	CLIENT_SAY(line, "l\n");
	CLIENT_EXPECT(line, "echo: l\n");
	CLIENT_EXPECT(frame, "\0\0\0\1f");
	CLIENT_EXPECT(echo, "e");
	ck_assert_int_eq(server_counter(&s, "active"), 3);
	ck_assert_int_eq(server_counter(&s, "accepted"), 3);
	close(line);
	close(frame);
	close(echo);
	ck_assert_int_eq(server_stop(&s), 0);
}
