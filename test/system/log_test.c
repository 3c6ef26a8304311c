/* SPDX-License-Identifier: ISC */
/* log - a reader of the log that does not read, or is not there, delays no client. */
#include "test/client.h"
#include "test/server.h"
#include "test/suite.h"
#include "test/unit/port.h"

#include "common/deadline.h"
#include "common/socket.h"

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Start with its log going there.  Its ready line is not seen: it is told a reserved port. */
static void start_logging_to(struct server *s, int log_fd)
{
	struct address at = client_address("127.0.0.1", 0);
	int reserved = must_reserve(&at);
	int64_t deadline = deadline_after(PROCESS_PATIENCE_NS);
	char where[ADDRESS_TEXT_MAX];
	int fd;

	server_launch(s,
		&(struct server_plan){
			.arguments = (const char *const[]){"-l", address_format(&at, where), NULL},
			.log_to = log_fd,
		});
	s->addresses[0] = at;
	while ((fd = socket_dial(&at, deadline)) < 0)
		ck_assert_int_lt(deadline_now(), deadline);
	close(fd);
	close(reserved);
}

static void exchange_many(const struct server *s, int times)
{
	for (int i = 0; i < times; i++) {
		int fd = must_dial(s, NULL);
		must_talk(fd);
		shutdown(fd, SHUT_WR);
		must(client_expect_end(fd));
		close(fd);
	}
}

static void open_pipe(int ends[2])
{
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
}

static void open_socket(int ends[2])
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
}

static void open_terminal(int ends[2])
{
	ck_assert_int_eq(openpty(&ends[0], &ends[1], NULL, NULL, NULL), 0);
}

static void open_full_disk(int ends[2])
{
	ends[0] = open("/dev/full", O_RDONLY | O_CLOEXEC);
	ends[1] = open("/dev/full", O_WRONLY | O_CLOEXEC);
	ck_assert_int_ge(ends[1], 0);
}

/* Far more records than each of them holds. */
static const struct {
	void (*open)(int ends[2]);
	int times;
} readers[] = {
	{open_pipe, 1000},
	{open_socket, 2000},
	{open_terminal, 500},
	{open_full_disk, 100},
};

TEST_ROWS(a_log_that_is_not_read_and_then_has_no_reader_delays_no_client, SUITE_COUNT(readers))
{
	struct server s;
	int ends[2];

	readers[_i].open(ends);
	start_logging_to(&s, ends[1]);
	exchange_many(&s, readers[_i].times);
	/* Others that have this description find it as blocking as it was. */
	ck_assert_int_eq(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
	close(ends[0]);
	exchange_many(&s, 100);
	ck_assert_int_eq(server_stop(&s), 0);
	close(ends[1]);
}

TEST(what_the_log_drops_is_counted_and_its_lines_stay_whole)
{
	static char log[1 << 20];
	struct server s;
	int ends[2];

	open_pipe(ends);
	start_logging_to(&s, ends[1]);
	exchange_many(&s, 1000);
	/* Some room again: the next line gets through, and one after it tells of the others. */
	ssize_t n = read(ends[0], log, 32768);
	ck_assert_int_gt(n, 0);
	exchange_many(&s, 1);
	ck_assert_int_eq(server_stop(&s), 0);
	close(ends[1]);
	size_t len = (size_t)n;
	while ((n = read(ends[0], log + len, sizeof log - 1 - len)) > 0)
		len += (size_t)n;
	int64_t dropped = 0;
	for (char *line = strtok(log, "\n"); line; line = strtok(NULL, "\n")) {
		ck_assert_msg(strncmp(line, "time=", 5) == 0, "not a whole line: %s", line);
		if (server_line_has(line, "event=log_dropped"))
			dropped += server_number(line, "lines");
	}
	ck_assert_int_gt(dropped, 100);
	close(ends[0]);
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
			.arguments = (const char *const[]){"-c",
				"exec \"$0\" -l 127.0.0.1:0 <&- >&- 2>&-", BOBBIND, NULL},
		});
	/* It runs without a word; its port is known from /proc only: look at its descriptors there. */
	ck_assert(server_await(&s, "task", 2));
	ck_assert_int_ge(server_look(&s, "fd"), 4);
	for (int fd = 0; fd <= 2; fd++) {
		char path[64];
		char target[64] = "";
		snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)s.pid, fd);
		ck_assert_int_gt(readlink(path, target, sizeof target - 1), 0);
		ck_assert_str_eq(target, "/dev/null");
	}
	ck_assert_int_eq(server_stop(&s), 0);
}
