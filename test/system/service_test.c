/* SPDX-License-Identifier: ISC */
/* service - a service in one file has framing, deadlines, limits, drain and the record for free. */
#include "client.h"
#include "suite.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void start_sum(struct server *s, const char *option)
{
	const char *const arguments[] = {"-l", "127.0.0.1:0=sum", "-o", option, NULL};

	server_launch(s, &(struct server_plan){.program = SUM_SERVER, .arguments = arguments});
	server_await_ready(s);
}

START_TEST(it_answers)
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
END_TEST

START_TEST(it_refuses_in_its_framing)
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
END_TEST

START_TEST(it_may_end_by_itself)
{
	struct server s;

	start_sum(&s, "log.level=info");
	int fd = client_connect(&s);
	CLIENT_SAY(fd, "1\nbye\n1\n");
	CLIENT_EXPECT(fd, "1\n");
	client_expect_end(fd);
	close(fd);
	free(server_await_log(&s, "end=served"));
	ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(it_has_deadlines)
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
END_TEST

START_TEST(it_has_limits)
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
END_TEST

START_TEST(it_drains_and_leaves_a_record)
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
END_TEST

int main(void)
{
	return suite_run("service",
		(const struct suite_test[]){
			{it_answers, false},
			{it_refuses_in_its_framing, false},
			{it_may_end_by_itself, false},
			{it_has_deadlines, false},
			{it_has_limits, false},
			{it_drains_and_leaves_a_record, false},
			{NULL, false},
		});
}
