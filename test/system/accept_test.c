/* SPDX-License-Identifier: ISC */
/* accept - what many clients cost the next one, and what it costs to have no descriptor left. */
#include "test/client.h"
#include "test/mode.h"
#include "test/server.h"
#include "test/suite.h"
#include "test/unit/scratch.h"

#include "common/deadline.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define MS NS_PER_MS

static void check_bound(const char *what, int64_t took_ns, int64_t bound_ns)
{
	printf("figure %s: %.1f ms (bound %.1f ms)\n", what, (double)took_ns / MS,
		(double)bound_ns / MS);
	mode_check_most(took_ns, bound_ns);
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a;
	int64_t y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

TEST_TIMED(a_thousand_idle_clients_do_not_delay_the_next)
{
	enum {
		IDLE = 1000,
		PROBES = 200
	};
	static int64_t took[PROBES];
	static int fds[IDLE];
	struct server s;
	struct rlimit limit;
	const char *cap = getenv("BOBBIN_TEST_CONNECTIONS_MAX");
	size_t idle = cap && atoi(cap) < IDLE ? (size_t)atoi(cap) : IDLE;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	SERVER_START(&s, "-l", "127.0.0.1:0", "-o", "drain.timeout=1min");
	for (size_t i = 0; i < idle; i++) {
		fds[i] = must_dial(&s, NULL);
		must_talk(fds[i]);
	}
	for (int i = 0; i < PROBES; i++) {
		int64_t began = deadline_now();
		int fd = must_dial(&s, NULL);
		must_talk(fd);
		took[i] = deadline_now() - began;
		close(fd);
	}
	qsort(took, PROBES, sizeof *took, by_size);
	check_bound("connect and first reply beside idle clients, p99", took[PROBES * 99 / 100],
		10 * MS);
	for (size_t i = 0; i < idle; i++)
		close(fds[i]);
	ck_assert_int_eq(server_stop(&s), 0);
}

/* From now on it has descriptors for so many more. */
static int64_t limit_descriptors(struct server *s, int more)
{
	rlim_t limit = (rlim_t)(server_look(s, "fd") + more);
	const struct rlimit few = {.rlim_cur = limit, .rlim_max = limit};

	ck_assert_int_eq(prlimit(s->pid, RLIMIT_NOFILE, &few, NULL), 0);
	return (int64_t)limit;
}

TEST_TIMED(at_the_descriptor_limit_it_rests_and_serves_again_when_one_is_freed)
{
	struct server s;
	int held[32];
	int waiting[4];
	int count = 0;

	SERVER_START(&s, "-l", "127.0.0.1:0", "-o", "threads.parked=0");
	int64_t born = deadline_now();
	int64_t limit = limit_descriptors(&s, 8);
	while (server_look(&s, "fd") < limit) {
		held[count] = must_dial(&s, NULL);
		must_talk(held[count++]);
	}
	for (size_t i = 0; i < SUITE_COUNT(waiting); i++) {
		waiting[i] = must_dial(&s, NULL);
		must(client_send(waiting[i], "hello\n", strlen("hello\n")));
	}
	free(server_next(&s, "event=accept_shortage"));
	/* A second and a half in which nothing happens, and little may be done about it. */
	int64_t cpu = server_cpu_ns(&s);
	int64_t began = deadline_now();
	ck_assert_int_eq(poll(&(struct pollfd){.fd = waiting[0], .events = POLLIN}, 1, 1500), 0);
	int64_t used = server_cpu_ns(&s) - cpu;
	int64_t elapsed = deadline_now() - began;
	printf("figure CPU at the descriptor limit: %.2f %% (bound 5 %%)\n",
		100.0 * (double)used / (double)elapsed);
	if (mode_is_timing())
		ck_assert_int_lt(used * 20, elapsed);
	/* Rests of 5, 10, ..., 640 ms, and then of 1 s; and a line a second. */
	ck_assert_int_le(
		server_counter(&s, "accept_shortages"), 9 + (deadline_now() - born) / NS_PER_S);
	size_t told = server_count(&s, (const char *const[]){"event=accept_shortage", NULL});
	ck_assert_uint_le(told, 1 + (size_t)((deadline_now() - born) / NS_PER_S));
	began = deadline_now();
	close(held[--count]);
	must(client_expect(waiting[0], "echo: hello\n", strlen("echo: hello\n")));
	check_bound("served after a descriptor was freed", deadline_now() - began, 100 * MS);
	close(waiting[0]);
	for (size_t i = 1; i < SUITE_COUNT(waiting); i++) {
		must(client_expect(waiting[i], "echo: hello\n", strlen("echo: hello\n")));
		close(waiting[i]);
	}
	ck_assert_int_eq(server_stop(&s), 0);
}

#define CONF_LINES "listeners = ( { name = \"lines\"; address = \"127.0.0.1:0\"; } );\n"

/*
 * A file that is a pipe is open for as long as its writer takes, and includes two more then, of
 * which the second is open beside the first.  Meanwhile a client leaves, and those that wait would
 * get the descriptors one after the other.  None is accepted for 1 s: a machine that stood still
 * for longer has proved nothing, and false is returned.
 */
static bool reload_as_a_client_leaves(void)
{
	static const char text[] = CONF_LINES "@include \"more\"\n";
	struct server s;
	int fds[20];

	(void)unlink("conf");
	scratch_write("conf", CONF_LINES);
	scratch_write("more", "@include \"most\"\n");
	scratch_write("most", "line: { prefix = \"second: \"; };\n");
	SERVER_START(&s, "-c", "conf");
	(void)limit_descriptors(&s, 8);
	for (size_t i = 0; i < SUITE_COUNT(fds); i++)
		fds[i] = must_dial(&s, NULL);
	free(server_next(&s, "event=accept_shortage"));
	ck_assert_int_eq(unlink("conf"), 0);
	ck_assert_int_eq(mkfifo("conf", 0600), 0);
	int64_t began = deadline_now();
	server_signal(&s, SIGHUP);
	int conf = open("conf", O_WRONLY | O_CLOEXEC);
	ck_assert_int_ge(conf, 0);
	close(fds[0]);
	free(server_next(&s, "event=closed"));
	/* Long enough for that, and far less than the moment for which none is accepted. */
	for (int64_t until = deadline_after(50 * MS); deadline_now() < until;)
		sched_yield();
	ck_assert_int_eq(write(conf, text, sizeof text - 1), sizeof text - 1);
	close(conf);
	char *line = server_next(&s, "event=reload*");
	bool in_time = deadline_now() - began < NS_PER_S;
	ck_assert_ptr_nonnull(line);
	bool reloaded = server_line_has(line, "event=reloaded");
	ck_assert_msg(reloaded || !in_time, "%s", line);
	free(line);
	for (size_t i = 1; i < SUITE_COUNT(fds); i++)
		close(fds[i]);
	ck_assert_int_eq(server_stop(&s), 0);
	return reloaded;
}

TEST(clients_that_wait_do_not_take_the_descriptors_of_a_reload)
{
	int64_t deadline = deadline_after(PROCESS_PATIENCE_NS);

	while (!reload_as_a_client_leaves())
		ck_assert_int_lt(deadline_now(), deadline);
}
