/* SPDX-License-Identifier: ISC */
/* handover - a successor takes the listeners over, and nobody notices; or it fails, and nothing changes. */
#include "client.h"
#include "test/suite.h"

#include "common/deadline.h"
#include "test/mode.h"
#include "test/unit/scratch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define MS    NS_PER_MS

#define LINES "{ name = \"lines\"; address = \"127.0.0.1:0\"; }"
#define OTHER "{ name = \"other\"; address = \"127.0.0.1:0\"; }"

/* The file, in a folder of the test's own. */

static void configure(const char *listeners, const char *rest)
{
	char text[4096];

	/* A successor may be slow, unless the test says otherwise. */
	snprintf(text, sizeof text, "listeners = ( %s );\n%s\n%s", listeners, rest,
		strstr(rest, "handover:") ? "" : "handover: { timeout = \"1min\"; };\n");
	scratch_write("conf", text);
}

static void start(struct server *s, const char *rest)
{
	configure(LINES, rest);
	SERVER_START(s, "-c", "conf");
}

/* A program that can be replaced. */

static void copy_program(const char *to)
{
	struct stat st;
	int from = open(BOBBIND, O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(from, 0);
	ck_assert_int_eq(fstat(from, &st), 0);
	scratch_write("new", "");
	int fd = open("new", O_WRONLY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	for (off_t at = 0; at < st.st_size;)
		ck_assert_int_gt(sendfile(fd, from, &at, (size_t)(st.st_size - at)), 0);
	close(fd);
	close(from);
	ck_assert_int_eq(chmod("new", 0755), 0);
	ck_assert_int_eq(rename("new", to), 0);
}

/* A script in its place, as an upgrade would put it there. */
static void install(const char *to, const char *script)
{
	char text[2048];

	snprintf(text, sizeof text, "#!/bin/bash\n%s\n", script);
	scratch_write("new", text);
	ck_assert_int_eq(chmod("new", 0755), 0);
	ck_assert_int_eq(rename("new", to), 0);
}

/*
 * What an upgraded bobbind is here: a script that does something, and goes on as the real one, which
 * takes itself to have been started from where the script is.
 */
static void upgrade(const char *to, const char *something)
{
	char script[2048];

	snprintf(script, sizeof script, "%s\nexec -a \"$0\" \"" BOBBIND "\" \"$@\"", something);
	install(to, script);
}

static void launch(struct server *s, const char *program, const char *const *arguments)
{
	server_launch(s, &(struct server_plan){.program = program, .arguments = arguments});
	server_await_ready(s);
}

#define LAUNCH(s, program, ...) launch(s, program, (const char *const[]){__VA_ARGS__, NULL})

/* From a copy of bobbind that is the test's. */
static void start_copy(struct server *s, const char *rest)
{
	configure(LINES, rest);
	copy_program("bobbind");
	LAUNCH(s, "./bobbind", "-c", "conf");
}

/* Clients. */

static void expect_reply(int fd, const char *prefix)
{
	char reply[64];
	int len = snprintf(reply, sizeof reply, "%shello\n", prefix);

	client_expect(fd, reply, (size_t)len);
}

static void talk_behind(int fd, const char *prefix)
{
	CLIENT_SAY(fd, "hello\n");
	expect_reply(fd, prefix);
}

static void talk(int fd)
{
	talk_behind(fd, "echo: ");
}

static int connect_and_talk(const struct server *s)
{
	int fd = client_connect(s);

	talk(fd);
	return fd;
}

static void expect_refused(const struct address *a)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(connect(fd, &a->any, address_size(a)), -1);
	ck_assert_int_eq(errno, ECONNREFUSED);
	close(fd);
}

static bool is_listened_on(const struct address *a)
{
	char row[32];
	char line[256];
	bool found = false;
	FILE *table = fopen("/proc/net/tcp", "re");

	ck_assert_ptr_nonnull(table);
	/* Local port, no peer, and the state LISTEN. */
	snprintf(row, sizeof row, ":%04X 00000000:0000 0A ", (unsigned)address_port(a));
	while (!found && fgets(line, sizeof line, table))
		found = strstr(line, row);
	fclose(table);
	return found;
}

/* Without a try to connect, which would be one more in the queue. */
static void await_closed(const struct address *a)
{
	int64_t deadline = deadline_after(SERVER_PATIENCE_NS);

	while (is_listened_on(a)) {
		ck_assert_int_lt(deadline_now(), deadline);
		poll(NULL, 0, 2);
	}
}

static void expect_ended(struct server *s, pid_t pid, int status)
{
	int got = server_wait_for(s, pid);

	ck_assert_int_eq(got, status);
}

/* Who serves whom. */

TEST(connections_of_the_old_copy_live_on_and_new_ones_go_to_the_successor)
{
	struct server s;

	start(&s, "");
	in_port_t port = server_port(&s);
	int before = connect_and_talk(&s);
	int silent = client_connect(&s);
	configure(LINES, "line: { prefix = \"new: \"; };");
	pid_t old = server_hand_over(&s);
	ck_assert_uint_eq(server_port(&s), port);
	int after = client_connect(&s);
	talk_behind(after, "new: ");
	talk(before);
	talk(silent);
	talk_behind(after, "new: ");
	ck_assert_int_eq(server_counter(&s, "accepted"), 1);
	close(before);
	talk(silent);
	/* Its last one. */
	close(silent);
	expect_ended(&s, old, 0);
	talk_behind(after, "new: ");
	close(after);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST_TIMED(an_old_copy_without_connections_ends_at_once)
{
	struct server s;

	start(&s, "");
	int64_t began = deadline_now();
	pid_t old = server_hand_over(&s);
	expect_ended(&s, old, 0);
	bound_check(
		"B5", "handover of an idle server, and its end", deadline_now() - began, 500 * MS);
	close(connect_and_talk(&s));
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(whoever_connects_while_the_server_stands_still_is_served_by_one_of_the_two)
{
	struct server s;
	int fds[40];

	start(&s, "");
	for (int round = 0; round < mode_times(2, 50); round++) {
		server_signal(&s, SIGSTOP);
		for (int i = 0; i < 40; i++) {
			fds[i] = client_connect(&s);
			CLIENT_SAY(fds[i], "hello\n");
		}
		server_signal(&s, SIGUSR2);
		server_signal(&s, SIGCONT);
		for (int i = 0; i < 40; i++)
			expect_reply(fds[i], "echo: ");
		pid_t old = server_follow(&s);
		for (int i = 0; i < 40; i++)
			talk(fds[i]);
		for (int i = 0; i < 40; i++)
			close(fds[i]);
		expect_ended(&s, old, 0);
	}
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(whoever_waits_in_the_queue_is_served_by_the_successor)
{
	struct server s;
	int fds[20];

	start(&s, "limits: { max_connections = 1; };");
	int first = connect_and_talk(&s);
	for (int i = 0; i < 20; i++) {
		fds[i] = client_connect(&s);
		CLIENT_SAY(fds[i], "hello\n");
	}
	configure(LINES, "line: { prefix = \"new: \"; };");
	pid_t old = server_hand_over(&s);
	for (int i = 0; i < 20; i++)
		expect_reply(fds[i], "new: ");
	talk(first);
	close(first);
	expect_ended(&s, old, 0);
	ck_assert_int_eq(server_stop(&s), 0);
	for (int i = 0; i < 20; i++)
		close(fds[i]);
}

TEST(a_client_that_was_queued_has_the_successors_deadlines)
{
	struct server s;

	start(&s, "limits: { max_connections = 1; }; timeouts: { idle = \"1h\"; };");
	int first = connect_and_talk(&s);
	int queued = client_connect(&s);
	configure(LINES, "timeouts: { idle = \"500ms\"; };");
	pid_t old = server_hand_over(&s);
	client_expect_end(queued);
	close(queued);
	/* And one that stayed has still its own. */
	talk(first);
	close(first);
	expect_ended(&s, old, 0);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(the_port_is_the_successors_alone)
{
	struct server s;

	start(&s, "");
	int first = connect_and_talk(&s);
	pid_t old = server_hand_over(&s);
	server_signal(&s, SIGTERM);
	/* Its status is for the old copy, which lives on. */
	server_await_end(&s, s.pid);
	expect_refused(&s.addresses[0]);
	talk(first);
	close(first);
	expect_ended(&s, old, 0);
	ck_assert_int_eq(server_wait(&s), 0);
}

/* The end of the old copy. */

TEST_TIMED(after_handover_drain_the_old_copy_stops)
{
	struct server s;

	start(&s, "handover: { drain = \"500ms\"; };");
	int idle = connect_and_talk(&s);
	/* Of the new file that is not: these are the old copy's rules. */
	configure(LINES, "handover: { drain = \"1h\"; };");
	int64_t began = deadline_now();
	pid_t old = server_hand_over(&s);
	client_expect_end(idle);
	int64_t took = deadline_now() - began;
	ck_assert_int_ge(took, 500 * MS);
	bound_check("B5", "the old copy's stop behind handover.drain of 500 ms", took - 500 * MS,
		200 * MS);
	close(idle);
	expect_ended(&s, old, 0);
	close(connect_and_talk(&s));
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(a_connection_that_is_owed_an_answer_after_handover_drain_is_cut_by_the_rules)
{
	struct server s;

	start(&s,
		"handover: { drain = \"200ms\"; }; "
		"drain: { timeout = \"300ms\"; force = \"1min\"; };");
	int half = client_connect(&s);
	CLIENT_SAY(half, "hello\nhalf a line");
	expect_reply(half, "echo: ");
	pid_t old = server_hand_over(&s);
	expect_ended(&s, old, 75);
	char *line = server_await_log(&s, "event=stopped");
	ck_assert_int_eq(server_field(line, "cut"), 1);
	free(line);
	close(half);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(sigterm_to_the_old_copy_drains_it_and_leaves_the_successor_alone)
{
	struct server s;

	start(&s, "drain: { grace = \"1h\"; };");
	int idle = connect_and_talk(&s);
	int busy = client_connect(&s);
	CLIENT_SAY(busy, "hello\nbegun ");
	expect_reply(busy, "echo: ");
	pid_t old = server_hand_over(&s);
	ck_assert_int_eq(kill(old, SIGTERM), 0);
	client_expect_end(idle);
	CLIENT_SAY(busy, "and finished\n");
	CLIENT_EXPECT(busy, "echo: begun and finished\n");
	client_expect_end(busy);
	/* The grace is for who accepts. */
	expect_ended(&s, old, 0);
	close(idle);
	close(busy);
	close(connect_and_talk(&s));
	server_signal(&s, SIGINT);
	ck_assert_int_eq(server_wait(&s), 0);
}

/* A successor that fails. */

static void remove_program(void)
{
	ck_assert_int_eq(unlink("bobbind"), 0);
}

static void make_program_unexecutable(void)
{
	ck_assert_int_eq(chmod("bobbind", 0644), 0);
}

static void make_mistake(void)
{
	configure(LINES, "nonsense = 1;");
}

static void install_failing(void)
{
	install("bobbind", "exit 3");
}

static void install_killed(void)
{
	install("bobbind", "kill -KILL $$");
}

static void install_hanging(void)
{
	install("bobbind", "exec sleep 1000");
}

/* It closes the pipe, and lives on. */
static void install_deserter(void)
{
	install("bobbind", "exec 3>&- 4>&- 5>&- 6>&-\nexec sleep 1000");
}

static const struct {
	void (*prepare)(void);
	const char *reason;
	const char *detail;
} failures[] = {
	{remove_program, "the successor ended before it was ready",
		"error=\"No such file or directory\""},
	{make_program_unexecutable, "the successor ended before it was ready",
		"error=\"Permission denied\""},
	{make_mistake, "the successor ended before it was ready", "exit_status=78"},
	{install_failing, "the successor ended before it was ready", "exit_status=3"},
	{install_killed, "the successor ended before it was ready", "signal=SIGKILL"},
	{install_deserter, "the successor ended before it was ready", "signal=SIGKILL"},
};

/* One that took too long is ended after that was told. */
static void await_no_child(const struct server *s)
{
	int64_t deadline = deadline_after(SERVER_PATIENCE_NS);

	while (server_child(s) != 0) {
		ck_assert_int_lt(deadline_now(), deadline);
		poll(NULL, 0, 2);
	}
}

enum {
	FAILURES = sizeof failures / sizeof *failures
};

TEST(when_the_successor_fails_the_old_copy_says_why_and_serves_on)
{
	static const char conf[] = "handover: { timeout = \"1min\"; };";
	struct server s;

	start_copy(&s, conf);
	int first = connect_and_talk(&s);
	size_t descriptors = server_count_proc(&s, "fd");
	for (int i = 0; i < FAILURES; i++) {
		failures[i].prepare();
		server_signal(&s, SIGUSR2);
		char *line = server_await_next(&s, "event=handover_failed");
		ck_assert_msg(strstr(line, failures[i].reason), "%d: %s", i, line);
		ck_assert_msg(strstr(line, failures[i].detail), "%d: %s", i, line);
		ck_assert_msg(strstr(line, "effect=\"this server goes on\""), "%s", line);
		free(line);
		await_no_child(&s);
		talk(first);
		int second = connect_and_talk(&s);
		ck_assert_int_eq(server_counter(&s, "handovers_failed"), i + 1);
		close(second);
		server_await_proc(&s, "fd", descriptors);
		configure(LINES, conf);
		copy_program("bobbind");
	}
	/* The mistake was told by the one that met it. */
	ck_assert_uint_eq(server_count_log(&s, "conf:2: there is no option nonsense"), 1);
	pid_t old = server_hand_over(&s);
	talk(first);
	close(first);
	expect_ended(&s, old, 0);
	close(connect_and_talk(&s));
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST_TIMED(a_successor_that_is_not_ready_in_time_is_ended)
{
	struct server s;

	start_copy(&s, "handover: { timeout = \"300ms\"; };");
	int first = connect_and_talk(&s);
	install_hanging();
	int64_t began = deadline_now();
	server_signal(&s, SIGUSR2);
	char *line = server_await_next(&s, "event=handover_failed");
	bound_check_window("B5", "a successor given up", deadline_now() - began, 300 * MS);
	ck_assert_msg(
		strstr(line, "the successor was not ready within handover.timeout"), "%s", line);
	free(line);
	await_no_child(&s);
	talk(first);
	close(first);
	close(connect_and_talk(&s));
	ck_assert_int_eq(server_stop(&s), 0);
}

/* A port that is taken: a successor that is to listen there has set up the others by then. */
static int take_port(char *conf, size_t size)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	snprintf(conf, size, LINES ", { name = \"taken\"; address = \"127.0.0.1:%u\"; }",
		(unsigned)ntohs(a.sin_port));
	return fd;
}

static int option_of(const struct server *s, int client, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof value;
	int end = server_end_of(s, client);

	if (end < 0)
		return -1;
	ck_assert_int_eq(getsockopt(end, level, name, &value, &len), 0);
	close(end);
	return value;
}

TEST_TIMED(after_a_failed_handover_the_listeners_have_their_own_options_again)
{
	struct server s;
	char listeners[256];

	/* Long enough to look at the options of three in it. */
	start(&s, "timeouts: { idle = \"3s\"; }; tcp: { dead_after = \"1min\"; };");
	int taken = take_port(listeners, sizeof listeners);
	configure(listeners,
		"timeouts: { idle = \"1h\"; }; tcp: { nodelay = false; dead_after = 0; };");
	server_signal(&s, SIGUSR2);
	char *line = server_await_next(&s, "event=handover_failed");
	ck_assert_msg(strstr(line, "exit_status=69"), "%s", line);
	free(line);
	int64_t began = deadline_now();
	int fds[3];
	for (int i = 0; i < 3; i++) {
		fds[i] = connect_and_talk(&s);
		int nodelay = option_of(&s, fds[i], IPPROTO_TCP, TCP_NODELAY);
		if (nodelay < 0)
			continue;
		ck_assert_int_ne(nodelay, 0);
		ck_assert_int_eq(option_of(&s, fds[i], IPPROTO_TCP, TCP_USER_TIMEOUT), 60000);
	}
	for (int i = 0; i < 3; i++) {
		client_expect_end(fds[i]);
		close(fds[i]);
	}
	bound_check_window(
		"B5", "idle after a failed handover", deadline_now() - began, 3 * NS_PER_S);
	close(taken);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(sigterm_during_the_wait_ends_the_successor_and_stops)
{
	struct server s;

	start_copy(&s, "handover: { timeout = \"1h\"; };");
	int first = connect_and_talk(&s);
	install_hanging();
	server_signal(&s, SIGUSR2);
	pid_t successor = 0;
	int64_t deadline = deadline_after(SERVER_PATIENCE_NS);
	while ((successor = server_child(&s)) == 0)
		ck_assert_int_lt(deadline_now(), deadline);
	/* Meanwhile it serves. */
	int second = connect_and_talk(&s);
	server_signal(&s, SIGTERM);
	char *line = server_await_next(&s, "event=handover_failed");
	ck_assert_msg(strstr(line, "reason=\"asked to stop meanwhile\""), "%s", line);
	free(line);
	client_expect_end(first);
	client_expect_end(second);
	ck_assert_int_eq(server_wait(&s), 0);
	/* It was waited for. */
	ck_assert_int_eq(kill(successor, 0), -1);
	ck_assert_int_eq(errno, ESRCH);
	close(first);
	close(second);
}

/* Signals that come at the wrong moment. */

static void expect_ignored(struct server *s, const char *words)
{
	char *line = server_await_next(s, "event=signal_ignored");

	ck_assert_msg(strstr(line, words), "no %s in: %s", words, line);
	free(line);
}

TEST(during_a_stop_a_handover_is_ignored_with_the_reason)
{
	struct server s;

	start(&s, "drain: { grace = \"1h\"; };");
	server_signal(&s, SIGTERM);
	free(server_await_next(&s, "effect=draining"));
	server_signal(&s, SIGUSR2);
	expect_ignored(&s, "signal=SIGUSR2 effect=\"not during a stop\"");
	server_signal(&s, SIGINT);
	ck_assert_int_eq(server_wait(&s), 0);
	ck_assert_uint_eq(server_count_log(&s, "event=ready"), 1);
}

TEST(during_a_handover_and_after_it_changes_are_ignored_with_the_reason)
{
	struct server s;

	start_copy(&s, "handover: { timeout = \"1h\"; };");
	int first = connect_and_talk(&s);
	/* It goes on to the real one when the test says so. */
	ck_assert_int_eq(mkfifo("go", 0600), 0);
	int go = open("go", O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(go, 0);
	upgrade("bobbind", "read -r <go");
	server_signal(&s, SIGUSR2);
	free(server_await_next(&s, "event=handover "));
	server_signal(&s, SIGUSR2);
	expect_ignored(&s, "signal=SIGUSR2 effect=\"a successor is being started\"");
	server_signal(&s, SIGHUP);
	expect_ignored(&s, "signal=SIGHUP effect=\"a successor is being started\"");
	int second = connect_and_talk(&s);
	ck_assert_int_eq(write(go, "\n", 1), 1);
	pid_t old = server_follow(&s);
	ck_assert_int_eq(kill(old, SIGUSR2), 0);
	expect_ignored(&s, "signal=SIGUSR2 effect=\"a successor ");
	ck_assert_int_eq(kill(old, SIGHUP), 0);
	expect_ignored(&s, "signal=SIGHUP effect=\"a successor ");
	/* The successor takes both. */
	server_signal(&s, SIGHUP);
	free(server_await_next(&s, "event=reloaded"));
	talk(first);
	talk(second);
	close(first);
	close(second);
	expect_ended(&s, old, 0);
	ck_assert_int_eq(server_stop(&s), 0);
}

/* What is started. */

TEST(what_is_at_the_path_by_then_is_what_starts)
{
	struct server s;
	char folder[512];
	char path[sizeof folder + sizeof "/bobbind"];

	configure(LINES, "");
	copy_program("bobbind");
	ck_assert_ptr_nonnull(getcwd(folder, sizeof folder));
	snprintf(path, sizeof path, "%s/bobbind", folder);
	LAUNCH(&s, path, "-c", "conf");
	for (int i = 1; i <= 3; i++) {
		char words[32];
		snprintf(words, sizeof words, "echo upgrade-%d >&2", i);
		upgrade("bobbind", words);
		pid_t old = server_hand_over(&s);
		expect_ended(&s, old, 0);
		close(connect_and_talk(&s));
	}
	for (int i = 1; i <= 3; i++) {
		char words[32];
		snprintf(words, sizeof words, "upgrade-%d", i);
		ck_assert_uint_eq(server_count_log(&s, words), 1);
	}
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(a_symbolic_link_is_followed_anew)
{
	struct server s;

	configure(LINES, "");
	scratch_write("one/nothing", "");
	scratch_write("two/nothing", "");
	copy_program("one/bobbind");
	upgrade("two/bobbind", "echo the-second >&2");
	ck_assert_int_eq(symlink("one", "current"), 0);
	LAUNCH(&s, "current/bobbind", "-c", "conf");
	ck_assert_int_eq(symlink("two", "next"), 0);
	ck_assert_int_eq(rename("next", "current"), 0);
	pid_t old = server_hand_over(&s);
	ck_assert_uint_eq(server_count_log(&s, "the-second"), 1);
	expect_ended(&s, old, 0);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(a_program_that_was_found_in_path_is_started_from_there)
{
	struct server s;
	char path[4096];

	configure(LINES, "");
	scratch_write("folder/nothing", "");
	copy_program("folder/bobbind");
	/* A relative folder, and others before and behind it. */
	snprintf(path, sizeof path, "/nonexistent:folder:%s", getenv("PATH"));
	setenv("PATH", path, 1);
	LAUNCH(&s, "bobbind", "-c", "conf");
	upgrade("folder/bobbind", "echo found-in-path >&2");
	pid_t old = server_hand_over(&s);
	ck_assert_uint_eq(server_count_log(&s, "found-in-path"), 1);
	expect_ended(&s, old, 0);
	ck_assert_int_eq(server_stop(&s), 0);
}

/* What the successor is given. */

/* Whether a signal is in a mask, as a line of /proc/PID/status has it. */
static bool has_signal(const char *line, const char *key, int signal)
{
	const char *found = strstr(line, key);

	ck_assert_msg(found, "no %s in %s", key, line);
	return strtoull(found + strlen(key), NULL, 16) >> (signal - 1) & 1;
}

TEST(each_successor_has_the_environment_the_mask_and_sigpipe_of_a_first_start)
{
	static const char look[] =
		"echo \"given $$ pid=$LISTEN_PID fds=$LISTEN_FDS names=$LISTEN_FDNAMES"
		" over=$BOBBIN_HANDOVER kept=$KEPT"
		" count=$(tr '\\0' '\\n' </proc/$$/environ |"
		" grep -c -e '^LISTEN_' -e '^BOBBIN_HANDOVER=')"
		" $(grep -e SigBlk -e SigIgn /proc/self/status | tr -d '\\t' | tr '\\n' ' ')\" >&2";
	struct server s;
	char expected[128];
	pid_t olds[3];

	setenv("KEPT", "yes", 1);
	configure(LINES ", " OTHER, "");
	copy_program("bobbind");
	LAUNCH(&s, "./bobbind", "-c", "conf");
	upgrade("bobbind", look);
	for (int i = 0; i < 3; i++) {
		server_signal(&s, SIGUSR2);
		char *line = server_await_next(&s, "given ");
		long pid = strtol(line + strlen("given "), NULL, 10);
		snprintf(expected, sizeof expected,
			"pid=%ld fds=2 names=lines:other over=5:oo kept=yes count=4 ", pid);
		ck_assert_msg(strstr(line, expected), "no %s in: %s", expected, line);
		ck_assert_msg(!has_signal(line, "SigIgn:", SIGPIPE), "%s", line);
		for (int signal = 1; signal < 32; signal++)
			ck_assert_msg(!has_signal(line, "SigBlk:", signal), "%s", line);
		free(line);
		olds[i] = server_follow(&s);
		ck_assert_int_eq(s.pid, pid);
	}
	for (int i = 0; i < 3; i++)
		expect_ended(&s, olds[i], 0);
	close(connect_and_talk(&s));
	ck_assert_int_eq(server_stop(&s), 0);
}

/* What is blocked, ignored and caught in the first thread. */
static void read_masks(const struct server *s, char *text, size_t size)
{
	char path[64];
	char line[128];
	size_t len = 0;

	snprintf(path, sizeof path, "/proc/%d/status", (int)s->pid);
	FILE *file = fopen(path, "re");
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof line, file)) {
		if (strncmp(line, "SigBlk", 6) == 0 || strncmp(line, "SigIgn", 6) == 0 ||
			strncmp(line, "SigCgt", 6) == 0)
			len += (size_t)snprintf(text + len, size - len, "%s", line);
	}
	fclose(file);
}

TEST(a_successor_treats_signals_as_the_first_one_does)
{
	struct server s;
	char first[512];
	char second[512];

	start(&s, "");
	/* At rest: a thread that starts another one blocks all signals for a moment. */
	read_masks(&s, first, sizeof first);
	pid_t old = server_hand_over(&s);
	expect_ended(&s, old, 0);
	read_masks(&s, second, sizeof second);
	ck_assert_str_eq(first, second);
	ck_assert_int_eq(server_stop(&s), 0);
}

/* Other listeners. */

TEST(a_listener_that_is_gone_from_the_file_is_drained_by_the_old_copy_and_closed)
{
	struct server s;
	int queued[3];

	configure(LINES ", { name = \"other\"; address = \"127.0.0.1:0\"; max_connections = 1; "
			"line: { prefix = \"old: \"; }; }",
		"");
	SERVER_START(&s, "-c", "conf");
	struct address gone = s.addresses[1];
	int occupant = client_connect_to(&gone);
	talk_behind(occupant, "old: ");
	for (int i = 0; i < 3; i++) {
		queued[i] = client_connect_to(&gone);
		CLIENT_SAY(queued[i], "hello\n");
	}
	configure(LINES, "");
	pid_t old = server_hand_over(&s);
	ck_assert_uint_eq(s.listeners, 1);
	char *line = server_await_log(&s, "event=handed_over_socket_unused");
	ck_assert_msg(strstr(line, " name=other"), "%s", line);
	free(line);
	close(connect_and_talk(&s));
	/* One place: each comes in when the one before has left. */
	talk_behind(occupant, "old: ");
	close(occupant);
	for (int i = 0; i < 3; i++) {
		expect_reply(queued[i], "old: ");
		if (i < 2)
			close(queued[i]);
	}
	/* Nobody waits there any more, so it is closed, while the last one stays. */
	await_closed(&gone);
	expect_refused(&gone);
	talk_behind(queued[2], "old: ");
	close(queued[2]);
	expect_ended(&s, old, 0);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST_TIMED(a_queue_that_does_not_get_shorter_holds_the_old_copy_up_to_handover_drain)
{
	struct server s;

	configure(LINES ", { name = \"other\"; address = \"127.0.0.1:0\"; max_connections = 1; }",
		"handover: { drain = \"300ms\"; };");
	SERVER_START(&s, "-c", "conf");
	struct address gone = s.addresses[1];
	int occupant = client_connect_to(&gone);
	talk(occupant);
	int queued = client_connect_to(&gone);
	CLIENT_SAY(queued, "hello\n");
	configure(LINES, "handover: { drain = \"300ms\"; };");
	pid_t old = server_hand_over(&s);
	int64_t began = deadline_now();
	client_expect_end(occupant);
	bound_check("B5", "stop of an old copy at its limit, behind its 300 ms",
		deadline_now() - began - 300 * NS_PER_MS, 100 * NS_PER_MS);
	close(occupant);
	/* The stop gives it the place. */
	expect_reply(queued, "echo: ");
	client_expect_end(queued);
	close(queued);
	expect_ended(&s, old, 0);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(a_listener_that_the_file_has_now_is_opened_and_those_on_port_0_keep_their_ports)
{
	struct server s;

	configure(LINES ", " OTHER, "");
	SERVER_START(&s, "-c", "conf");
	in_port_t ports[2] = {address_port(&s.addresses[0]), address_port(&s.addresses[1])};
	configure("{ name = \"added\"; address = \"127.0.0.1:0\"; service = \"frame\"; }, " OTHER
		  ", " LINES,
		"");
	pid_t old = server_hand_over(&s);
	expect_ended(&s, old, 0);
	ck_assert_uint_eq(s.listeners, 3);
	/* In the order of the file. */
	ck_assert_uint_eq(address_port(&s.addresses[1]), ports[1]);
	ck_assert_uint_eq(address_port(&s.addresses[2]), ports[0]);
	int fd = client_connect_to(&s.addresses[0]);
	CLIENT_SAY(fd, "\0\0\0\5hello");
	CLIENT_EXPECT(fd, "\0\0\0\5hello");
	close(fd);
	for (int i = 1; i < 3; i++) {
		fd = client_connect_to(&s.addresses[i]);
		talk(fd);
		close(fd);
	}
	ck_assert_int_eq(server_stop(&s), 0);
}

/* Again and again. */

TEST(ten_handovers_in_a_row_and_a_connection_of_each_copy_lives_on)
{
	enum {
		COPIES = 10
	};
	struct server s;
	int fds[COPIES + 1];
	pid_t olds[COPIES];
	char rest[64];

	start(&s, "line: { prefix = \"0: \"; };");
	in_port_t port = server_port(&s);
	for (int i = 0; i <= COPIES; i++) {
		for (int j = 0; j < i; j++) {
			snprintf(rest, sizeof rest, "%d: ", j);
			talk_behind(fds[j], rest);
		}
		fds[i] = client_connect(&s);
		snprintf(rest, sizeof rest, "%d: ", i);
		talk_behind(fds[i], rest);
		ck_assert_int_eq(server_counter(&s, "accepted"), 1);
		if (i == COPIES)
			break;
		snprintf(rest, sizeof rest, "line: { prefix = \"%d: \"; };", i + 1);
		configure(LINES, rest);
		olds[i] = server_hand_over(&s);
		ck_assert_uint_eq(server_port(&s), port);
	}
	for (int i = 0; i < COPIES; i++) {
		close(fds[i]);
		expect_ended(&s, olds[i], 0);
	}
	talk_behind(fds[COPIES], "10: ");
	close(fds[COPIES]);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(there_is_a_descriptor_for_a_handover_when_clients_have_all_of_them)
{
	enum {
		CLIENTS = 20
	};
	struct server s;
	int fds[CLIENTS];

	start_copy(&s, "");
	client_take_descriptors(&s, fds, CLIENTS);
	pid_t old = server_hand_over(&s);
	talk(fds[0]);
	/* Who waited in the queue is the successor's. */
	for (int i = 0; i < CLIENTS - 1; i++)
		close(fds[i]);
	talk(fds[CLIENTS - 1]);
	close(fds[CLIENTS - 1]);
	expect_ended(&s, old, 0);
	ck_assert_int_eq(server_stop(&s), 0);
}
