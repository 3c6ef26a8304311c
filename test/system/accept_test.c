/* SPDX-License-Identifier: ISC */
/* accept - many clients, too many clients, and what is left behind by them. */
#include "client.h"
#include "test/suite.h"

#include "common/deadline.h"
#include "test/mode.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define ANY "127.0.0.1:0"
#define MS  NS_PER_MS

/* As many descriptors as the system gives us. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void exchange(int fd)
{
	CLIENT_SAY(fd, "hello\n");
	CLIENT_EXPECT(fd, "echo: hello\n");
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a;
	int64_t y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

TEST_TIMED(a_thousand_idle_clients_do_not_delay_the_next)
{
	struct server s;
	enum {
		PROBES = 200
	};
	static int64_t took[PROBES];
	size_t idle = server_connections(1000);
	int *fds = calloc(idle, sizeof *fds);

	raise_descriptors();
	SERVER_START(&s, "-l", ANY, "-o", "drain.timeout=1min");
	for (size_t i = 0; i < idle; i++) {
		fds[i] = client_connect(&s);
		exchange(fds[i]);
	}
	for (int i = 0; i < PROBES; i++) {
		int64_t began = deadline_now();
		int fd = client_connect(&s);
		exchange(fd);
		took[i] = deadline_now() - began;
		close(fd);
	}
	qsort(took, PROBES, sizeof *took, by_size);
	bound_check("A11", "connect and first reply beside idle clients, p99",
		took[PROBES * 99 / 100], 10 * MS);
	for (size_t i = 0; i < idle; i++)
		close(fds[i]);
	free(fds);
	ck_assert_int_eq(server_stop(&s), 0);
}

/* The descriptor limit. */

TEST_TIMED(at_the_descriptor_limit_it_rests_and_serves_again_when_one_is_freed)
{
	struct server s;
	enum {
		MORE = 4
	};
	int held[32];
	int waiting[MORE];
	int count = 0;

	SERVER_START(&s, "-l", ANY, "-o", "threads.parked=0");
	int64_t born = deadline_now();
	rlim_t limit = server_count_proc(&s, "fd") + 8;
	struct rlimit few = {.rlim_cur = limit, .rlim_max = limit};
	ck_assert_int_eq(prlimit(s.pid, RLIMIT_NOFILE, &few, NULL), 0);
	while (server_count_proc(&s, "fd") < limit) {
		held[count] = client_connect(&s);
		exchange(held[count++]);
	}
	for (int i = 0; i < MORE; i++) {
		waiting[i] = client_connect(&s);
		CLIENT_SAY(waiting[i], "hello\n");
	}
	free(server_await_log(&s, "event=accept_shortage"));
	/* A second and a half in which nothing happens, and little may be done about it. */
	int64_t cpu = server_cpu_ns(&s);
	int64_t began = deadline_now();
	struct pollfd p = {.fd = waiting[0], .events = POLLIN};
	ck_assert_int_eq(poll(&p, 1, 1500), 0);
	int64_t used = server_cpu_ns(&s) - cpu;
	int64_t elapsed = deadline_now() - began;
	printf("figure A10: CPU at the descriptor limit: %.2f %% (bound 5 %%)\n",
		100.0 * (double)used / (double)elapsed);
	if (mode_is_timing())
		ck_assert_int_lt(used * 20, elapsed);
	/* Rests of 5, 10, ..., 640 ms, and then of 1 s; and a line a second. */
	int64_t tries = server_counter(&s, "accept_shortages");
	ck_assert_int_le(tries, 9 + (deadline_now() - born) / NS_PER_S);
	size_t told = server_count_log(&s, "event=accept_shortage");
	ck_assert_uint_le(told, 1 + (size_t)((deadline_now() - born) / NS_PER_S));
	began = deadline_now();
	close(held[--count]);
	CLIENT_EXPECT(waiting[0], "echo: hello\n");
	bound_check("A10", "served after a descriptor was freed", deadline_now() - began, 100 * MS);
	close(waiting[0]);
	for (int i = 1; i < MORE; i++) {
		CLIENT_EXPECT(waiting[i], "echo: hello\n");
		close(waiting[i]);
	}
	while (count > 0)
		close(held[--count]);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(without_threads_to_be_had_that_connection_alone_is_lost)
{
	struct server s;
	/* The whole address space: no room for another stack. */
	struct rlimit space;

	if (server_is_instrumented())
		SUITE_SKIP("a sanitizer needs more address space than any limit leaves");
	SERVER_START(&s, "-l", ANY, "-o", "threads.stack=64MiB", "-o", "threads.parked=0");
	int first = client_connect(&s);
	exchange(first);
	space.rlim_max = RLIM_INFINITY;
	space.rlim_cur = (rlim_t)server_status_kb(&s, "VmSize") * 1024 + (32 << 20);
	ck_assert_int_eq(prlimit(s.pid, RLIMIT_AS, &space, NULL), 0);
	int second = client_connect(&s);
	client_expect_end(second);
	free(server_await_log(&s, "event=thread_shortage"));
	exchange(first);
	space.rlim_cur = RLIM_INFINITY;
	ck_assert_int_eq(prlimit(s.pid, RLIMIT_AS, &space, NULL), 0);
	int third = client_connect(&s);
	exchange(third);
	ck_assert_int_eq(server_counter(&s, "threads_failed"), 1);
	ck_assert_int_eq(server_counter(&s, "refused"), 1);
	ck_assert_int_eq(server_counter(&s, "accepted"), 3);
	ck_assert_int_eq(server_counter(&s, "active"), 2);
	close(first);
	close(second);
	close(third);
	ck_assert_int_eq(server_stop(&s), 0);
}

/* The connection limit. */

TEST(at_the_limit_clients_wait_in_the_queue_and_are_served_as_places_get_free)
{
	struct server s;
	int fds[6];

	SERVER_START(&s, "-l", ANY, "-o", "limits.max_connections=2");
	for (int i = 0; i < 6; i++) {
		fds[i] = client_connect(&s);
		CLIENT_SAY(fds[i], "hello\n");
	}
	CLIENT_EXPECT(fds[0], "echo: hello\n");
	CLIENT_EXPECT(fds[1], "echo: hello\n");
	ck_assert_int_eq(server_counter(&s, "accepted"), 2);
	for (int i = 2; i < 6; i++)
		client_expect_nothing(fds[i]);
	for (int i = 0; i < 6; i++) {
		if (i >= 2)
			CLIENT_EXPECT(fds[i], "echo: hello\n");
		close(fds[i]);
	}
	ck_assert_int_eq(server_stop(&s), 0);
}

/* What is left behind. */

TEST(connections_errors_among_them_leave_no_descriptor)
{
	const int count = mode_times(1000, 10000);
	struct server s;
	struct linger reset = {.l_onoff = 1};
	static char flood[5000];

	memset(flood, 'x', sizeof flood);
	SERVER_START(&s, "-l", ANY);
	/* Once around, for what a first connection may open for good. */
	int first = client_connect(&s);
	exchange(first);
	close(first);
	free(server_await_log(&s, "event=closed"));
	size_t before = server_count_proc(&s, "fd");
	for (int i = 0; i < count; i++) {
		int fd = client_connect(&s);
		if (i % 4 == 0)
			exchange(fd);
		if (i % 4 == 1)
			client_send(fd, flood, sizeof flood);
		if (i % 4 == 2)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
		close(fd);
	}
	server_await_proc(&s, "fd", before);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(short_connections_do_not_pay_for_a_thread_each)
{
	struct server s;

	SERVER_START(&s, "-l", ANY);
	for (int i = 0; i < 200; i++) {
		int fd = client_connect(&s);
		exchange(fd);
		close(fd);
		char closed[32];
		snprintf(closed, sizeof closed, "-%d listener=", i + 1);
		free(server_await_log(&s, closed));
	}
	ck_assert_int_lt(server_counter(&s, "threads_started"), 20);
	ck_assert_int_eq(server_counter(&s, "accepted"), 200);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(parked_threads_end_when_nobody_comes)
{
	struct server s;
	int fds[20];

	SERVER_START(&s, "-l", ANY, "-o", "threads.parked=8", "-o", "threads.park_time=200ms");
	size_t before = server_count_proc(&s, "task");
	for (int i = 0; i < 20; i++) {
		fds[i] = client_connect(&s);
		exchange(fds[i]);
	}
	ck_assert_uint_eq(server_count_proc(&s, "task"), before + 20);
	for (int i = 0; i < 20; i++)
		close(fds[i]);
	server_await_proc(&s, "task", before);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST_TIMED(connections_held_at_once_are_each_answered)
{
	struct server s;
	char most[48];
	size_t count = server_connections((size_t)mode_times(1000, 10000));
	int *fds = calloc(count, sizeof *fds);

	raise_descriptors();
	snprintf(most, sizeof most, "limits.max_connections=%zu", count + 100);
	SERVER_START(&s, "-l", ANY, "-o", most, "-o", "drain.timeout=1min");
	for (size_t i = 0; i < count; i++)
		fds[i] = client_connect(&s);
	for (size_t i = 0; i < count; i++)
		CLIENT_SAY(fds[i], "all at once\n");
	for (size_t i = 0; i < count; i++)
		CLIENT_EXPECT(fds[i], "echo: all at once\n");
	/* Held: every one is served by a thread of its own at this moment. */
	ck_assert_int_eq(server_counter(&s, "active"), (int64_t)count);
	printf("figure -: %zu connections held: %.1f KiB resident each\n", count,
		(double)server_status_kb(&s, "VmRSS") / (double)count);
	for (size_t i = count; i > 0; i--)
		exchange(fds[i - 1]);
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
	free(fds);
	ck_assert_int_eq(server_stop(&s), 0);
}

/* Memory. */

/* The server's memory once 100 clients have sent so many times 4 KiB of a line, and been refused. */
static int64_t memory_of_endless(size_t times)
{
	static char flood[4096];
	struct server s;
	int fds[100];
	enum {
		COUNT = sizeof fds / sizeof *fds
	};

	memset(flood, 'x', sizeof flood);
	SERVER_START(&s, "-l", ANY, "-o", "linger.time=1h", "-o", "timeouts.idle=1h");
	for (int i = 0; i < COUNT; i++) {
		fds[i] = client_connect(&s);
		for (size_t n = 0; n < times; n++)
			client_send(fds[i], flood, sizeof flood);
		/* With its last words a stream has given back all but its stack. */
		CLIENT_EXPECT(fds[i], "error: line longer than 4096 bytes\n");
	}
	for (int i = 0; i < COUNT; i++)
		client_await_acknowledged(fds[i]);
	int64_t kb = server_status_kb(&s, "RssAnon");
	for (int i = 0; i < COUNT; i++)
		close(fds[i]);
	ck_assert_int_eq(server_stop(&s), 0);
	return kb;
}

TEST_TIMED(an_endless_line_costs_no_more_memory_the_longer_it_is)
{
	int64_t few = memory_of_endless(2);
	int64_t many = memory_of_endless(32);

	printf("figure A16: 100 lines of 8 KiB %lld KiB, of 128 KiB %lld KiB (bound 64 KiB more)\n",
		(long long)few, (long long)many);
	if (!server_is_instrumented())
		ck_assert_int_le(many, few + 64);
}

TEST(the_memory_of_a_connection_is_printed_at_the_start)
{
	struct server s;

	SERVER_START(
		&s, "-l", ANY "=frame", "-o", "frame.max_frame=2MiB", "-o", "threads.stack=1MiB");
	char *line = server_await_log(&s, "event=budget");
	/* The stack, 2 MiB and 4 bytes in whole pages, and 64 KiB of replies. */
	ck_assert_ptr_nonnull(strstr(line, " connection_memory_max=3140KiB"));
	ck_assert_ptr_nonnull(strstr(line, " binding="));
	ck_assert_int_gt(server_field(line, "descriptors"), 0);
	ck_assert_int_gt(server_field(line, "mappings"), 0);
	free(line);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(a_limit_that_the_system_does_not_allow_is_warned_of)
{
	struct server s;

	SERVER_START(&s, "-l", ANY, "-o", "limits.max_connections=1000000");
	char *line = server_await_log(&s, "event=budget");
	ck_assert_ptr_nonnull(strstr(line, "level=warn"));
	ck_assert_int_lt(server_field(line, "allowed"), 1000000);
	free(line);
	ck_assert_int_eq(server_stop(&s), 0);
}
