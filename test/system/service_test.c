/* SPDX-License-Identifier: ISC */
/* service - a service in one file has framing, deadlines, limits, drain and the record for free. */
#include "client.h"
#include "test/suite.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void start(struct server *s, const char *listener, const char *option)
{
	const char *const arguments[] = {"-l", listener, "-o", option, NULL};

	server_launch(s, &(struct server_plan){.program = SUM_SERVER, .arguments = arguments});
	server_await_ready(s);
}

static void start_sum(struct server *s, const char *option)
{
	start(s, "127.0.0.1:0=sum", option);
}

TEST(it_answers)
{
	struct server s;

	start_sum(&s, "log.level=info");
	int fd = client_connect(&s);
	CLIENT_SAY(fd, "1 2 3\n40 2\n\n");
	client_half_close(fd);
	CLIENT_EXPECT(fd, "6\n42\n0\n");
	client_expect_end(fd);
	close(fd);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(it_refuses_in_its_framing)
{
	struct server s;

	start_sum(&s, "log.level=info");
	int fd = client_connect(&s);
	CLIENT_SAY(fd, "1 2\nthree\n4\n");
	CLIENT_EXPECT(fd, "3\nerror: only numbers and spaces can be added up\n");
	client_expect_end(fd);
	close(fd);
	free(server_await_log(&s, "end=refused"));
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(it_takes_the_lines_of_telnet)
{
	struct server s;

	start_sum(&s, "log.level=info");
	int fd = client_connect(&s);
	CLIENT_SAY(fd, " 1  2 -3 \r\n\r\n+40 2\r");
	client_half_close(fd);
	CLIENT_EXPECT(fd, "0\n0\n42\n");
	client_expect_end(fd);
	close(fd);
	ck_assert_int_eq(server_stop(&s), 0);
}

#define NOT_A_NUMBER  "error: only numbers and spaces can be added up\n"
#define TOO_LARGE     "error: the sum is too large\n"
#define MAX           "9223372036854775807"
#define MIN           "-9223372036854775808"
#define ZEROS_50      "00000000000000000000000000000000000000000000000000"

#define LINE(literal) literal, sizeof(literal) - 1

static const struct {
	const char *line;
	size_t len;
	const char *answer;
} lines[] = {
	{LINE("three\n"), NOT_A_NUMBER},
	{LINE("1 x 3\n"), NOT_A_NUMBER},
	{LINE("1 2x\n"), NOT_A_NUMBER},
	{LINE("1-2\n"), NOT_A_NUMBER},
	{LINE("-\n"), NOT_A_NUMBER},
	{LINE("1 2\r3\n"), NOT_A_NUMBER},
	{LINE("1 2\r\r\n"), NOT_A_NUMBER},
	{LINE("1 2\0junk\n"), "error: a line to add up has no NUL byte\n"},
	{LINE("\0\n"), "error: a line to add up has no NUL byte\n"},
	{LINE(MAX " 0 -1 1\n"), MAX "\n"},
	{LINE(MIN "\n"), MIN "\n"},
	{LINE(MIN " " MAX "\n"), "-1\n"},
	{LINE(MAX " 1\n"), TOO_LARGE},
	{LINE(MIN " -1\n"), TOO_LARGE},
	{LINE("9223372036854775808\n"), TOO_LARGE},
	{LINE("-99999999999999999999\n"), TOO_LARGE},
	{LINE(ZEROS_50 ZEROS_50 ZEROS_50 ZEROS_50 ZEROS_50 "00007\n"), "7\n"},
	{LINE(ZEROS_50 ZEROS_50 ZEROS_50 ZEROS_50 ZEROS_50 "000007\n"),
		"error: a line to add up has 255 bytes at most\n"},
};

TEST(it_adds_up_what_fits_and_says_what_is_wrong_with_the_rest)
{
	struct server s;

	start_sum(&s, "log.level=info");
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		int fd = client_connect(&s);
		client_send(fd, lines[i].line, lines[i].len);
		client_half_close(fd);
		client_expect(fd, lines[i].answer, strlen(lines[i].answer));
		client_expect_end(fd);
		close(fd);
	}
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(it_may_end_by_itself)
{
	struct server s;

	start(&s, "127.0.0.1:0=once", "log.level=info");
	int fd = client_connect(&s);
	CLIENT_SAY(fd, "1\n1\n");
	CLIENT_EXPECT(fd, "bye\n");
	client_expect_end(fd);
	close(fd);
	free(server_await_log(&s, "end=served"));
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(it_has_deadlines)
{
	struct server s;

	start_sum(&s, "timeouts.message=100ms");
	int fd = client_connect(&s);
	CLIENT_SAY(fd, "1 2");
	CLIENT_EXPECT(fd, "error: message not complete within 100ms\n");
	client_expect_end(fd);
	close(fd);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(it_has_limits)
{
	struct server s;

	start_sum(&s, "line.max_line=3B");
	int fd = client_connect(&s);
	CLIENT_SAY(fd, "1 2\n1 23\n");
	CLIENT_EXPECT(fd, "3\nerror: line longer than 3 bytes\n");
	client_expect_end(fd);
	close(fd);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(it_drains_and_leaves_a_record)
{
	struct server s;

	start_sum(&s, "log.level=info");
	int fd = client_connect(&s);
	CLIENT_SAY(fd, "1 2\n");
	CLIENT_EXPECT(fd, "3\n");
	server_signal(&s, SIGTERM);
	client_expect_end(fd);
	close(fd);
	ck_assert_int_eq(server_wait(&s), 0);
	char *line = server_await_log(&s, "event=closed");
	ck_assert_ptr_nonnull(strstr(line, " service=sum "));
	ck_assert_ptr_nonnull(strstr(line, " end=drained "));
	ck_assert_int_eq(server_field(line, "messages_in"), 1);
	free(line);
}
