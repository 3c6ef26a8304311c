/* SPDX-License-Identifier: ISC */
/* log - a reader of the log that does not read, or is not there, holds nobody up. */
#include "client.h"
#include "test/suite.h"

#include "common/deadline.h"

#include "common/socket.h"
#include "test/unit/port.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * The ready line does not come through here when the log goes elsewhere: the server is told a free port, which is
 * reserved until it has started.
 */
static int reserve_port(struct server *s, char where[32])
{
	struct address at = client_address("127.0.0.1", 0);
	int fd = must_reserve(&at);

	snprintf(where, 32, "127.0.0.1:%u", (unsigned)address_port(&at));
	s->addresses[0] = at;
	return fd;
}

/* Start with its log going to fd, and wait until it serves. */
static void start_logging_to(struct server *s, int log_fd)
{
	struct address at;
	char where[32];
	int reserved = reserve_port(s, where);

	at = s->addresses[0];
	server_launch(s,
		&(struct server_plan){
			.arguments = (const char *const[]){"-l", where, NULL},
			.log_to = log_fd,
		});
	s->addresses[0] = at;
	s->listeners = 1;
	s->pid = s->child;
	int64_t deadline = deadline_after(SERVER_PATIENCE_NS);
	int fd;
	while ((fd = socket_dial(&at, deadline)) < 0)
		ck_assert_int_lt(deadline_now(), deadline);
	close(fd);
	close(reserved);
}

static void exchange_many(struct server *s, int times)
{
	for (int i = 0; i < times; i++) {
		int fd = client_connect(s);
		CLIENT_SAY(fd, "hello\n");
		CLIENT_EXPECT(fd, "echo: hello\n");
		client_half_close(fd);
		client_expect_end(fd);
		close(fd);
	}
}

TEST(a_pipe_that_nobody_reads_holds_nobody_up_and_what_is_dropped_is_counted)
{
	struct server s;
	int ends[2];
	static char log[1 << 20];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	start_logging_to(&s, ends[1]);
	/* Far more records than a pipe holds. */
	exchange_many(&s, 1000);
	/* Some room again: the next line gets through, and one behind it tells of the others. */
	ssize_t n = read(ends[0], log, 32768);
	ck_assert_int_gt(n, 0);
	exchange_many(&s, 1);
	ck_assert_int_eq(server_stop(&s), 0);
	close(ends[1]);
	size_t len = (size_t)n;
	while ((n = read(ends[0], log + len, sizeof log - 1 - len)) > 0)
		len += (size_t)n;
	log[len] = '\0';
	const char *dropped = strstr(log, "event=log_dropped lines=");
	ck_assert_ptr_nonnull(dropped);
	ck_assert_int_gt(strtol(dropped + strlen("event=log_dropped lines="), NULL, 10), 100);
	/* Lines are whole: each starts with a time. */
	for (char *line = strtok(log, "\n"); line; line = strtok(NULL, "\n"))
		ck_assert_msg(strncmp(line, "time=", 5) == 0, "not a whole line: %s", line);
	close(ends[0]);
}

TEST(a_pipe_whose_reader_has_gone_ends_nothing)
{
	struct server s;
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	start_logging_to(&s, ends[1]);
	close(ends[0]);
	exchange_many(&s, 100);
	ck_assert_int_eq(server_stop(&s), 0);
	close(ends[1]);
}

TEST(a_full_disk_ends_nothing)
{
	struct server s;
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	ck_assert_int_ge(full, 0);
	start_logging_to(&s, full);
	exchange_many(&s, 100);
	ck_assert_int_eq(server_stop(&s), 0);
	close(full);
}

TEST(a_terminal_that_is_stopped_and_then_closed_holds_nobody_up)
{
	struct server s;
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	ck_assert_int_ge(master, 0);
	ck_assert_int_eq(grantpt(master), 0);
	ck_assert_int_eq(unlockpt(master), 0);
	int terminal = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_ge(terminal, 0);
	start_logging_to(&s, terminal);
	/* Nobody reads the master: the terminal fills up like a pipe. */
	exchange_many(&s, 500);
	/* The shell's description is as blocking as it was. */
	ck_assert_int_eq(fcntl(terminal, F_GETFL) & O_NONBLOCK, 0);
	close(master);
	exchange_many(&s, 100);
	ck_assert_int_eq(server_stop(&s), 0);
	close(terminal);
}

TEST(a_socket_that_nobody_reads_holds_nobody_up)
{
	struct server s;
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	start_logging_to(&s, ends[1]);
	exchange_many(&s, 2000);
	ck_assert_int_eq(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_eq(server_stop(&s), 0);
	close(ends[0]);
	close(ends[1]);
}

TEST(closed_standard_descriptors_never_become_a_clients)
{
	struct server s;

	if (server_is_instrumented())
		SUITE_SKIP("a sanitizer takes the closed descriptors for itself");
	/* A shell closes all three; what the server says must not reach a client. */
	server_launch(&s,
		&(struct server_plan){
			.program = "sh",
			.bare = true,
			.arguments = (const char *const[]){"-c",
				"exec \"$0\" -l 127.0.0.1:0 <&- >&- 2>&-", BOBBIND, NULL},
		});
	/* It runs without a word; its port is known from /proc only, so look at its descriptors there. */
	s.pid = s.child;
	server_await_proc(&s, "task", 2);
	ck_assert_uint_ge(server_count_proc(&s, "fd"), 4);
	for (int fd = 0; fd <= 2; fd++) {
		char path[64];
		char target[64];
		snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)s.pid, fd);
		ssize_t n = readlink(path, target, sizeof target - 1);
		ck_assert_int_gt(n, 0);
		target[n] = '\0';
		ck_assert_str_eq(target, "/dev/null");
	}
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(asked_for_more_the_log_tells_when_a_connection_opens)
{
	struct server s;

	SERVER_START(&s, "-l", "127.0.0.1:0", "-v");
	int fd = client_connect(&s);
	char *line = server_await_log(&s, "event=opened");
	ck_assert_ptr_nonnull(strstr(line, "level=debug"));
	ck_assert_ptr_nonnull(strstr(strstr(line, " id="), "-1 "));
	free(line);
	close(fd);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(the_log_can_be_json)
{
	struct server s;

	server_launch(&s,
		&(struct server_plan){.arguments = (const char *const[]){
					      "-l", "127.0.0.1:0", "-o", "log.format=json", NULL}});
	char *line = server_await_log(&s, "\"event\":\"ready\"");
	ck_assert_int_eq(line[0], '{');
	ck_assert_int_eq(line[strlen(line) - 1], '}');
	free(line);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(the_counters_have_what_live_connections_have_moved)
{
	static const char *const keys[] = {"bytes_in", "bytes_out", "messages_in", "messages_out"};
	static const int64_t moved[] = {6, 12, 1, 1};
	struct server s;

	SERVER_START(&s, "-l", "127.0.0.1:0");
	int fd = client_connect(&s);
	CLIENT_SAY(fd, "hello\n");
	CLIENT_EXPECT(fd, "echo: hello\n");
	/* The reply may be here before the server has counted it. */
	for (size_t i = 0; i < SUITE_COUNT(keys); i++) {
		while (server_counter(&s, keys[i]) < moved[i])
			continue;
		ck_assert_int_eq(server_counter(&s, keys[i]), moved[i]);
	}
	client_half_close(fd);
	client_expect_end(fd);
	while (server_counter(&s, "ended") == 0)
		continue;
	for (size_t i = 0; i < SUITE_COUNT(keys); i++)
		ck_assert_int_eq(server_counter(&s, keys[i]), moved[i]);
	close(fd);
	ck_assert_int_eq(server_stop(&s), 0);
}
