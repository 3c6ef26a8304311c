/* SPDX-License-Identifier: ISC */
/* reload - the configuration read again while the server runs: all of it, or nothing. */
#include "client.h"
#include "supervisor.h"
#include "test/suite.h"

#include "common/deadline.h"
#include "common/socket.h"
#include "test/mode.h"
#include "test/unit/scratch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define MS    NS_PER_MS

#define LINES "{ name = \"lines\"; address = \"127.0.0.1:0\"; }"

/* The file, in a folder of the test's own. */

static void write_conf(const char *text)
{
	(void)rmdir("conf");
	scratch_write("conf", text);
}

/* One listener for lines, and the rest from line 2 on. */
static void configure(const char *rest)
{
	char text[4096];

	snprintf(text, sizeof text, "listeners = ( " LINES " );\n%s\n", rest);
	write_conf(text);
}

static void start(struct server *s, const char *rest)
{
	configure(rest);
	SERVER_START(s, "-c", "conf");
}

/* What is in the file now is in force.  Returns the line that says so, the caller's to free. */
static char *await_reload(struct server *s)
{
	server_signal(s, SIGHUP);
	return server_await_next(s, "event=reloaded");
}

static void reload(struct server *s, const char *rest)
{
	configure(rest);
	free(await_reload(s));
}

/* What is in the file is refused, with these words in the line that says so. */
static void fail_to_reload(struct server *s, const char *words)
{
	server_signal(s, SIGHUP);
	char *line = server_await_next(s, "event=reload_failed");
	ck_assert_msg(strstr(line, words), "no \"%s\" in: %s", words, line);
	free(line);
}

/* Clients. */

static void talk_behind(int fd, const char *prefix)
{
	char reply[64];

	CLIENT_SAY(fd, "hello\n");
	int len = snprintf(reply, sizeof reply, "%shello\n", prefix);
	client_expect(fd, reply, (size_t)len);
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

static void expect_words_and_end(int fd, const char *words)
{
	client_expect(fd, words, strlen(words));
	client_expect_end(fd);
	close(fd);
}

/* The reset may come before the client has seen its handshake through. */
static void expect_denial(const struct server *s)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char byte;

	ck_assert_int_ge(fd, 0);
	if (connect(fd, &s->addresses[0].any, address_size(&s->addresses[0])) == 0)
		ck_assert_int_eq(recv(fd, &byte, 1, 0), -1);
	ck_assert_int_eq(errno, ECONNRESET);
	close(fd);
}

#define TOO_MANY "error: too many connections, try again later\n"

static void await_active(struct server *s, int64_t count)
{
	int64_t deadline = deadline_after(SERVER_PATIENCE_NS);

	while (server_counter(s, "active") != count)
		ck_assert_int_lt(deadline_now(), deadline);
}

static void await_accepted(struct server *s, int64_t count)
{
	int64_t deadline = deadline_after(SERVER_PATIENCE_NS);

	while (server_counter(s, "accepted") != count)
		ck_assert_int_lt(deadline_now(), deadline);
}

static void leave(struct server *s, const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
	ck_assert_int_eq(server_stop(s), 0);
}

/* Limits. */

TEST_TIMED(a_raised_limit_lets_a_waiting_client_in_at_once)
{
	struct server s;

	start(&s, "limits: { max_connections = 1; };");
	int first = connect_and_talk(&s);
	int second = client_connect(&s);
	CLIENT_SAY(second, "hello\n");
	configure("limits: { max_connections = 2; };");
	client_expect_nothing(second);
	int64_t began = deadline_now();
	server_signal(&s, SIGHUP);
	CLIENT_EXPECT(second, "echo: hello\n");
	bound_check("B4", "a waiting client let in by a raised limit", deadline_now() - began,
		100 * MS);
	talk(first);
	leave(&s, (int[]){first, second}, 2);
}

TEST_TIMED(a_raised_limit_of_the_listener_lets_a_waiting_client_in_at_once)
{
	static const char form[] = "listeners = ( { name = \"lines\"; address = \"127.0.0.1:0\"; "
				   "max_connections = %d; } );";
	struct server s;
	char text[256];

	snprintf(text, sizeof text, form, 1);
	write_conf(text);
	SERVER_START(&s, "-c", "conf");
	int first = connect_and_talk(&s);
	int second = client_connect(&s);
	CLIENT_SAY(second, "hello\n");
	snprintf(text, sizeof text, form, 2);
	write_conf(text);
	client_expect_nothing(second);
	int64_t began = deadline_now();
	server_signal(&s, SIGHUP);
	CLIENT_EXPECT(second, "echo: hello\n");
	bound_check("B4", "a waiting client let in by its listener's raised limit",
		deadline_now() - began, 100 * MS);
	leave(&s, (int[]){first, second}, 2);
}

TEST(a_client_that_waits_is_told_at_once_when_the_policy_becomes_to_refuse)
{
	struct server s;

	start(&s, "limits: { max_connections = 1; };");
	int first = connect_and_talk(&s);
	int second = client_connect(&s);
	reload(&s, "limits: { max_connections = 1; policy = \"refuse\"; };");
	expect_words_and_end(second, TOO_MANY);
	talk(first);
	leave(&s, &first, 1);
}

TEST(a_lowered_limit_cuts_nobody_and_holds_for_those_who_come)
{
	struct server s;

	start(&s, "limits: { max_connections = 3; policy = \"refuse\"; };");
	int first = connect_and_talk(&s);
	int second = connect_and_talk(&s);
	reload(&s, "limits: { max_connections = 1; policy = \"refuse\"; };");
	expect_words_and_end(client_connect(&s), TOO_MANY);
	talk(first);
	talk(second);
	/* Down to the limit, which is full then. */
	close(second);
	await_active(&s, 1);
	expect_words_and_end(client_connect(&s), TOO_MANY);
	close(first);
	await_active(&s, 0);
	int third = connect_and_talk(&s);
	expect_words_and_end(client_connect(&s), TOO_MANY);
	leave(&s, &third, 1);
}

TEST(a_list_of_denied_addresses_holds_at_once_for_those_who_come)
{
	struct server s;

	start(&s, "");
	int before = connect_and_talk(&s);
	reload(&s, "limits: { deny = ( \"127.0.0.0/8\" ); };");
	expect_denial(&s);
	talk(before);
	reload(&s, "limits: { allow = ( \"192.0.2.1\" ); };");
	expect_denial(&s);
	reload(&s, "limits: { allow = ( \"127.0.0.1\" ); };");
	int after = connect_and_talk(&s);
	leave(&s, (int[]){before, after}, 2);
}

TEST(a_bound_on_connections_of_one_address_holds_at_once)
{
	static const char told[] = "error: too many connections from your address\n";
	struct server s;

	start(&s, "");
	int uncounted = connect_and_talk(&s);
	reload(&s, "limits: { per_address = 1; };");
	int first = connect_and_talk(&s);
	expect_words_and_end(client_connect(&s), told);
	reload(&s, "limits: { per_address = 2; };");
	int second = connect_and_talk(&s);
	expect_words_and_end(client_connect(&s), told);
	reload(&s, "");
	int third = connect_and_talk(&s);
	talk(uncounted);
	leave(&s, (int[]){uncounted, first, second, third}, 4);
}

/* From a source of its own, of the 127.0.0.0/8 that are all here. */
static int connect_from(const struct server *s, int source)
{
	struct sockaddr_in from = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + (uint32_t)source)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&from, sizeof from), 0);
	ck_assert_int_eq(connect(fd, &s->addresses[0].any, address_size(&s->addresses[0])), 0);
	socket_set_timeout(fd, SO_RCVTIMEO, SERVER_PATIENCE_NS / MS);
	return fd;
}

TEST(with_a_raised_limit_each_of_more_addresses_is_counted)
{
	enum {
		SOURCES = 20
	};
	struct server s;
	int fds[SOURCES];

	start(&s, "limits: { max_connections = 1; per_address = 1; };");
	reload(&s, "limits: { max_connections = 100; per_address = 1; };");
	for (int i = 0; i < SOURCES; i++) {
		fds[i] = connect_from(&s, i);
		talk(fds[i]);
	}
	for (int i = 0; i < SOURCES; i++)
		expect_words_and_end(
			connect_from(&s, i), "error: too many connections from your address\n");
	leave(&s, fds, SOURCES);
}

TEST(a_bound_on_the_rate_of_one_address_holds_at_once)
{
	static const char told[] =
		"error: too many new connections from your address, try again later\n";
	struct server s;

	start(&s, "");
	close(connect_and_talk(&s));
	reload(&s, "limits: { rate = 1; burst = 1; };");
	/* On a machine that is slow enough some more get in. */
	int64_t deadline = deadline_after(SERVER_PATIENCE_NS);
	char byte = 0;
	while (byte != 'e') {
		int fd = client_connect(&s);
		client_half_close(fd);
		byte = 0;
		if (recv(fd, &byte, 1, 0) == 1)
			expect_words_and_end(fd, told + 1);
		else
			close(fd);
		ck_assert_int_lt(deadline_now(), deadline);
	}
	reload(&s, "");
	int fds[20];
	for (int i = 0; i < 20; i++)
		fds[i] = connect_and_talk(&s);
	leave(&s, fds, 20);
}

/* The log. */

/* Until a client is answered so, which tells that what has that prefix is in force. */
static void await_prefix(struct server *s, const char *prefix)
{
	int64_t deadline = deadline_after(SERVER_PATIENCE_NS);
	char got[64] = "";

	while (strncmp(got, prefix, strlen(prefix)) != 0) {
		int fd = client_connect(s);
		CLIENT_SAY(fd, "hello\n");
		ck_assert_int_gt(recv(fd, got, sizeof got - 1, 0), 0);
		close(fd);
		ck_assert_int_lt(deadline_now(), deadline);
	}
}

TEST(the_log_has_another_level_at_once)
{
	struct server s;

	start(&s, "");
	close(connect_and_talk(&s));
	free(server_await_next(&s, "event=closed"));
	ck_assert_uint_eq(server_count_log(&s, "event=opened"), 0);
	reload(&s, "log: { level = \"debug\"; };");
	close(connect_and_talk(&s));
	free(server_await_next(&s, "event=opened"));
	free(server_await_next(&s, "event=closed"));
	/* This one is not told of at its own level. */
	configure("log: { level = \"error\"; }; line: { prefix = \"quiet: \"; };");
	server_signal(&s, SIGHUP);
	await_prefix(&s, "quiet: ");
	write_conf("listeners = (");
	fail_to_reload(&s, "the configuration has a mistake");
	size_t opened = server_count_log(&s, "event=opened");
	int fd = client_connect(&s);
	talk_behind(fd, "quiet: ");
	close(fd);
	ck_assert_int_eq(server_stop(&s), 0);
	ck_assert_uint_eq(server_count_log(&s, "event=opened"), opened);
	ck_assert_uint_eq(server_count_log(&s, "event=stopped"), 0);
}

TEST(the_log_has_another_format_at_once)
{
	struct server s;

	start(&s, "");
	configure("log: { format = \"json\"; };");
	server_signal(&s, SIGHUP);
	free(server_await_next(&s, "\"event\":\"reloaded\""));
	close(connect_and_talk(&s));
	char *line = server_await_next(&s, "\"event\":\"closed\"");
	ck_assert_int_eq(line[0], '{');
	free(line);
	reload(&s, "");
	close(connect_and_talk(&s));
	free(server_await_next(&s, "event=closed"));
	ck_assert_int_eq(server_stop(&s), 0);
}

/* What a connection has from its beginning to its end. */

TEST(those_who_come_have_the_new_prefix_and_those_who_were_there_keep_theirs)
{
	struct server s;

	start(&s, "instance = \"one\"; line: { prefix = \"{instance}: \"; };");
	int first = client_connect(&s);
	talk_behind(first, "one: ");
	reload(&s, "instance = \"two\"; line: { prefix = \"{instance}> \"; banner = \"hi\"; };");
	int second = client_connect(&s);
	CLIENT_EXPECT(second, "hi\n");
	talk_behind(second, "two> ");
	reload(&s, "line: { prefix = \"\"; };");
	int third = client_connect(&s);
	talk_behind(third, "");
	talk_behind(second, "two> ");
	talk_behind(first, "one: ");
	leave(&s, (int[]){first, second, third}, 3);
}

TEST(a_listener_may_have_another_service)
{
	struct server s;

	start(&s, "");
	int lines = connect_and_talk(&s);
	write_conf("listeners = ( { name = \"lines\"; address = \"127.0.0.1:0\"; "
		   "service = \"frame\"; } );");
	char *line = await_reload(&s);
	ck_assert_msg(strstr(line, " changed=service"), "%s", line);
	free(line);
	int frames = client_connect(&s);
	CLIENT_SAY(frames, "\0\0\0\5hello");
	CLIENT_EXPECT(frames, "\0\0\0\5hello");
	talk(lines);
	leave(&s, (int[]){lines, frames}, 2);
}

TEST_TIMED(timeouts_hold_for_those_who_come_and_those_who_were_there_keep_theirs)
{
	struct server s;

	start(&s, "timeouts: { idle = \"1h\"; };");
	int patient = connect_and_talk(&s);
	reload(&s, "timeouts: { idle = \"400ms\"; };");
	int64_t began = deadline_now();
	int hasty = client_connect(&s);
	client_expect_end(hasty);
	bound_check_window("B4", "idle since a reload", deadline_now() - began, 400 * MS);
	talk(patient);
	/* And the other way round. */
	began = deadline_now();
	close(hasty);
	hasty = client_connect(&s);
	await_accepted(&s, 3);
	reload(&s, "timeouts: { idle = \"1h\"; };");
	client_expect_end(hasty);
	ck_assert_int_ge(deadline_now() - began, 400 * MS);
	close(hasty);
	int late = connect_and_talk(&s);
	talk(patient);
	leave(&s, (int[]){patient, late}, 2);
}

TEST_TIMED(timeouts_hold_for_a_client_that_was_queued_before_the_reload)
{
	struct server s;

	start(&s, "limits: { max_connections = 1; }; timeouts: { idle = \"1h\"; };");
	int first = connect_and_talk(&s);
	/* Its socket has the hour from the listener already. */
	int queued = client_connect(&s);
	int64_t began = deadline_now();
	reload(&s, "limits: { max_connections = 2; }; timeouts: { idle = \"500ms\"; };");
	client_expect_end(queued);
	bound_check_window("B4", "idle, for one who was queued before a reload",
		deadline_now() - began, 500 * MS);
	close(queued);
	leave(&s, &first, 1);
}

TEST(the_other_timeouts_hold_too)
{
	struct server s;

	start(&s, "");
	int before = connect_and_talk(&s);
	reload(&s, "timeouts: { message = \"300ms\"; };");
	int64_t began = deadline_now();
	int slow = client_connect(&s);
	CLIENT_SAY(slow, "begun");
	CLIENT_SAY(before, "begun ");
	client_drain(slow);
	ck_assert_int_ge(deadline_now() - began, 300 * MS);
	close(slow);
	CLIENT_SAY(before, "too\n");
	CLIENT_EXPECT(before, "echo: begun too\n");
	reload(&s, "timeouts: { lifetime = \"300ms\"; };");
	began = deadline_now();
	int mortal = client_connect(&s);
	client_drain(mortal);
	ck_assert_int_ge(deadline_now() - began, 300 * MS);
	close(mortal);
	talk(before);
	leave(&s, &before, 1);
}

/* Of the server's end, or -1 where we may not ask. */
static int64_t option_of(const struct server *s, int client, int level, int name)
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

static void check_options(const struct server *s, int client, bool nodelay, int dead_after_ms)
{
	ck_assert_int_eq(!!option_of(s, client, IPPROTO_TCP, TCP_NODELAY), nodelay);
	ck_assert_int_eq(!!option_of(s, client, SOL_SOCKET, SO_KEEPALIVE), dead_after_ms > 0);
	ck_assert_int_eq(option_of(s, client, IPPROTO_TCP, TCP_USER_TIMEOUT), dead_after_ms);
}

TEST(a_queue_that_is_longer_than_the_new_backlog_has_the_new_timeouts_too)
{
	struct server s;
	int queued[8];

	start(&s,
		"limits: { max_connections = 1; }; timeouts: { idle = \"1h\"; }; "
		"listen: { backlog = 64; };");
	int first = connect_and_talk(&s);
	for (int i = 0; i < 8; i++)
		queued[i] = client_connect(&s);
	reload(&s,
		"limits: { max_connections = 20; }; timeouts: { idle = \"300ms\"; }; "
		"listen: { backlog = 1; };");
	for (int i = 0; i < 8; i++) {
		client_expect_end(queued[i]);
		close(queued[i]);
	}
	leave(&s, &first, 1);
}

TEST(the_options_are_on_the_sockets_of_those_who_come_queued_before_or_not)
{
	struct server s;

	start(&s, "limits: { max_connections = 1; }; tcp: { dead_after = \"1min\"; };");
	int first = connect_and_talk(&s);
	int queued = client_connect(&s);
	if (option_of(&s, first, IPPROTO_TCP, TCP_NODELAY) < 0)
		SUITE_SKIP("another process's descriptors may not be looked at (run it as root)");
	check_options(&s, first, true, 60000);
	reload(&s, "tcp: { nodelay = false; dead_after = \"30s\"; };");
	talk(queued);
	check_options(&s, queued, false, 30000);
	int late = connect_and_talk(&s);
	check_options(&s, late, false, 30000);
	check_options(&s, first, true, 60000);
	reload(&s, "tcp: { dead_after = 0; };");
	int last = connect_and_talk(&s);
	check_options(&s, last, true, 0);
	leave(&s, (int[]){first, queued, late, last}, 4);
}

TEST(threads_that_are_started_from_now_on_have_the_new_stack)
{
	struct server s;

	if (server_is_instrumented())
		SUITE_SKIP("the stack is given on the command line");
	start(&s, "threads: { parked = 0; };");
	int before = connect_and_talk(&s);
	reload(&s, "threads: { parked = 0; stack = \"64MiB\"; };");
	int64_t size = server_status_kb(&s, "VmSize");
	int after = connect_and_talk(&s);
	ck_assert_int_ge(server_status_kb(&s, "VmSize") - size, 64 << 10);
	leave(&s, (int[]){before, after}, 2);
}

TEST(threads_that_are_parked_leave_when_none_may_wait_any_more)
{
	struct server s;

	start(&s, "threads: { parked = 8; park_time = \"1h\"; };");
	size_t threads = server_count_proc(&s, "task");
	close(connect_and_talk(&s));
	free(server_await_next(&s, "event=closed"));
	reload(&s, "threads: { parked = 0; };");
	/* The one that is parked takes another connection, and then there is no place to park. */
	close(connect_and_talk(&s));
	server_await_proc(&s, "task", threads);
	ck_assert_int_eq(server_stop(&s), 0);
}

/* What cannot be taken. */

static const struct {
	const char *text; /* NULL: no file at all; "": a folder in its place */
	const char *fault;
} mistakes[] = {
	{"listeners = ( " LINES " );\nlimits: { max_connections = 1;\n", "what=\"conf:"},
	{"listeners = ( " LINES " );\n\ntimeouts: { idel = \"1s\"; };\n",
		"what=\"conf:3: there is no option timeouts.idel"},
	{"listeners = ( " LINES " );\nlimits: { max_connections = \"many\"; };\n",
		"what=\"conf:2: limits.max_connections"},
	{"listeners = ( " LINES " );\nlimits: { max_connections = 0; };\n",
		"what=\"conf:2: limits.max_connections is 0; it must be"},
	{"listeners = ( " LINES ",\n{ address = \"nowhere\"; } );\n", "what=\"conf:2:"},
	{"listeners = ( " LINES " );\nlimits: { deny = ( \"127.0.0.1/33\" ); };\n",
		"what=\"conf:2: limits.deny"},
	{"listeners = ( " LINES " );\n@include \"nothing\"\n", "what=\"conf:"},
	{NULL, "No such file or directory"},
	{"", "Is a directory"},
};

enum {
	MISTAKES = sizeof mistakes / sizeof *mistakes
};

static void make(const char *text)
{
	if (text && *text) {
		write_conf(text);
		return;
	}
	(void)remove("conf");
	if (text)
		ck_assert_int_eq(mkdir("conf", 0700), 0);
}

TEST(a_file_with_a_mistake_of_any_kind_is_told_with_its_line_and_changes_nothing)
{
	static const char good[] = "limits: { max_connections = 2; policy = \"refuse\"; };"
				   "line: { prefix = \"good: \"; };";
	struct server s;

	start(&s, good);
	int first = client_connect(&s);
	for (int i = 0; i < MISTAKES; i++) {
		make(mistakes[i].text);
		server_signal(&s, SIGHUP);
		char *line = server_await_next(&s, "event=configuration_mistake");
		ck_assert_msg(strstr(line, mistakes[i].fault), "%d: %s", i, line);
		ck_assert_msg(strstr(line, "level=error"), "%s", line);
		free(line);
		line = server_await_next(&s, "event=reload_failed");
		ck_assert_msg(strstr(line, "effect=\"everything stays as it was\""), "%s", line);
		free(line);
		talk_behind(first, "good: ");
		int second = client_connect(&s);
		talk_behind(second, "good: ");
		expect_words_and_end(client_connect(&s), TOO_MANY);
		close(second);
		await_active(&s, 1);
	}
	ck_assert_int_eq(server_counter(&s, "reloads"), 0);
	ck_assert_int_eq(server_counter(&s, "reloads_failed"), MISTAKES);
	reload(&s, good);
	ck_assert_int_eq(server_counter(&s, "reloads"), 1);
	ck_assert_int_eq(server_counter(&s, "reloads_failed"), MISTAKES);
	leave(&s, &first, 1);
}

TEST(every_mistake_of_a_file_has_a_line_of_its_own)
{
	struct server s;

	start(&s, "");
	configure("timeouts: { idel = \"1s\"; };\nlimits: { max_connections = 0; };");
	fail_to_reload(&s, "the configuration has a mistake");
	ck_assert_uint_eq(server_count_log(&s, "event=configuration_mistake what=\"conf:2:"), 1);
	ck_assert_uint_eq(server_count_log(&s, "event=configuration_mistake what=\"conf:3:"), 1);
	ck_assert_uint_eq(server_count_log(&s, "event=configuration_mistake"), 2);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(a_file_that_may_not_be_read_changes_nothing)
{
	struct server s;

	start(&s, "");
	ck_assert_int_eq(chmod("conf", 0), 0);
	if (access("conf", R_OK) == 0)
		SUITE_SKIP("this user may read every file (run it as another than root)");
	server_signal(&s, SIGHUP);
	free(server_await_next(&s, "Permission denied"));
	free(server_await_next(&s, "event=reload_failed"));
	close(connect_and_talk(&s));
	ck_assert_int_eq(server_stop(&s), 0);
}

static const struct {
	const char *listeners;
	const char *reason;
	const char *name;
} needing_succession[] = {
	{LINES ", { name = \"more\"; address = \"127.0.0.1:0\"; }, { name = \"other\"; address = "
	       "\"127.0.0.1:0\"; }",
		"reason=\"a listener has been added: needs SIGUSR2\"", "listener=more"},
	{LINES, "reason=\"a listener has gone: needs SIGUSR2\"", "listener=other"},
	{LINES ", { name = \"other\"; address = \"127.0.0.1:1\"; }", "needs SIGUSR2",
		"listener=other"},
	{LINES ", { name = \"other\"; address = \"127.0.0.2:0\"; }", "needs SIGUSR2",
		"listener=other"},
	{LINES ", { name = \"renamed\"; address = \"127.0.0.1:0\"; }", "needs SIGUSR2",
		"listener=renamed"},
	{LINES ", { name = \"other\"; address = \"127.0.0.1:0\"; network = \"tcp4\"; }",
		"needs SIGUSR2", "listener=other"},
	{LINES ", { name = \"other\"; address = \"127.0.0.1:0\"; listen: { reuse_port = true; }; }",
		"reason=\"listen.reuse_port has changed: needs a stop and a start\"",
		"listener=other"},
};

enum {
	NEEDING_SUCCESSION = sizeof needing_succession / sizeof *needing_succession
};

TEST(other_listeners_are_refused_by_name_and_nothing_of_the_file_is_taken)
{
	struct server s;
	char text[1024];

	write_conf("listeners = ( " LINES ", { name = \"other\"; address = \"127.0.0.1:0\"; } );");
	SERVER_START(&s, "-c", "conf");
	int fds[2] = {client_connect(&s), client_connect_to(&s.addresses[1])};
	for (int i = 0; i < NEEDING_SUCCESSION; i++) {
		snprintf(text, sizeof text,
			"listeners = ( %s );\nline: { prefix = \"other: \"; };\n",
			needing_succession[i].listeners);
		write_conf(text);
		server_signal(&s, SIGHUP);
		char *line = server_await_next(&s, "event=reload_failed");
		ck_assert_msg(strstr(line, needing_succession[i].reason), "%d: %s", i, line);
		ck_assert_msg(strstr(line, needing_succession[i].name), "%d: %s", i, line);
		free(line);
		close(connect_and_talk(&s));
		int other = client_connect_to(&s.addresses[1]);
		talk(other);
		close(other);
	}
	talk(fds[0]);
	talk(fds[1]);
	ck_assert_int_eq(server_counter(&s, "reloads_failed"), NEEDING_SUCCESSION);
	/* In another order they are the same. */
	write_conf("listeners = ( { name = \"other\"; address = \"127.0.0.1:0\"; }, " LINES " );"
		   "line: { prefix = \"other: \"; };");
	free(await_reload(&s));
	for (int i = 0; i < 2; i++) {
		int fd = client_connect_to(&s.addresses[i]);
		talk_behind(fd, "other: ");
		close(fd);
	}
	leave(&s, fds, 2);
}

TEST(the_keys_that_have_changed_are_named)
{
	struct server s;

	start(&s, "");
	configure("limits: { max_connections = 77; }; timeouts: { idle = \"2min\"; };");
	char *line = await_reload(&s);
	ck_assert_msg(strstr(line, "changed=\"limits.max_connections timeouts.idle\""), "%s", line);
	free(line);
	line = await_reload(&s);
	ck_assert_msg(strstr(line, "changed=\"\""), "%s", line);
	free(line);
	write_conf("listeners = ( { name = \"lines\"; address = \"127.0.0.1:0\"; "
		   "line: { prefix = \"x\"; }; timeouts: { idle = \"2min\"; }; } ); "
		   "limits: { max_connections = 77; };");
	line = await_reload(&s);
	ck_assert_msg(strstr(line, "changed=line.prefix"), "%s", line);
	free(line);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(options_and_listeners_of_the_command_line_hold_as_before)
{
	struct server s;

	configure("");
	SERVER_START(&s, "-c", "conf", "-o", "line.prefix=typed: ", "-l", "127.0.0.1:0", "-o",
		"limits.policy=refuse");
	/* The listeners of the file were never ours, and so may change. */
	write_conf("listeners = ( { address = \"127.0.0.1:1\"; }, { address = \"127.0.0.1:2\"; } );"
		   "line: { prefix = \"written: \"; }; limits: { max_connections = 1; };");
	char *line = await_reload(&s);
	ck_assert_msg(strstr(line, "changed=limits.max_connections"), "%s", line);
	free(line);
	int fd = client_connect(&s);
	talk_behind(fd, "typed: ");
	expect_words_and_end(client_connect(&s), TOO_MANY);
	leave(&s, &fd, 1);
}

TEST(a_reload_without_a_file_changes_nothing)
{
	struct server s;

	SERVER_START(&s, "-l", "127.0.0.1:0");
	int fd = connect_and_talk(&s);
	char *line = await_reload(&s);
	ck_assert_msg(strstr(line, "changed=\"\""), "%s", line);
	free(line);
	talk(fd);
	leave(&s, &fd, 1);
}

/* Sockets of a supervisor. */

TEST(a_socket_of_a_supervisor_that_no_listener_names_stays_and_has_the_new_defaults)
{
	struct server s;
	struct supervisor v;

	supervisor_open(&v);
	v.names = "spare";
	in_port_t port = supervisor_listen(&v);
	configure("");
	SUPERVISOR_START(&v, &s, "-c", "conf");
	ck_assert_uint_eq(s.listeners, 2);
	ck_assert_uint_eq(address_port(&s.addresses[1]), port);
	int before = client_connect_to(&s.addresses[1]);
	talk(before);
	for (int i = 0; i < 3; i++) {
		char rest[64];
		snprintf(rest, sizeof rest, "line: { prefix = \"%d: \"; };", i);
		reload(&s, rest);
		snprintf(rest, sizeof rest, "%d: ", i);
		for (int at = 0; at < 2; at++) {
			int fd = client_connect_to(&s.addresses[at]);
			talk_behind(fd, rest);
			close(fd);
		}
	}
	talk(before);
	leave(&s, &before, 1);
	supervisor_close(&v);
}

TEST(a_socket_that_stands_in_for_the_built_in_listener_stays_too)
{
	struct server s;
	struct supervisor v;

	supervisor_open(&v);
	in_port_t port = supervisor_listen(&v);
	write_conf("");
	SUPERVISOR_START(&v, &s, "-c", "conf");
	ck_assert_uint_eq(s.listeners, 1);
	write_conf("line: { prefix = \"new: \"; };");
	free(await_reload(&s));
	ck_assert_uint_eq(server_port(&s), port);
	int fd = client_connect(&s);
	talk_behind(fd, "new: ");
	/* A listener that the file asks for now would be a new one. */
	configure("");
	fail_to_reload(&s, "a listener has been added: needs SIGUSR2");
	leave(&s, &fd, 1);
	supervisor_close(&v);
}

/* At the wrong moment, and very often. */

TEST(a_reload_during_a_stop_is_ignored_with_the_reason)
{
	struct server s;

	start(&s, "drain: { grace = \"1h\"; };");
	server_signal(&s, SIGTERM);
	free(server_await_next(&s, "effect=draining"));
	configure("drain: { grace = \"1h\"; }; line: { prefix = \"other: \"; };");
	server_signal(&s, SIGHUP);
	char *line = server_await_next(&s, "event=signal_ignored");
	ck_assert_msg(strstr(line, "signal=SIGHUP effect=\"not during a stop\""), "%s", line);
	free(line);
	int fd = connect_and_talk(&s);
	close(fd);
	await_active(&s, 0);
	server_signal(&s, SIGINT);
	ck_assert_int_eq(server_wait(&s), 0);
	ck_assert_uint_eq(server_count_log(&s, "event=reloaded"), 0);
}

/* A right file and then a wrong one, so often; the last right one has the last number as its prefix. */
static void reload_often(struct server *s, int first, int behind)
{
	char rest[64];

	for (int i = first; i < behind; i++) {
		snprintf(rest, sizeof rest, "line: { prefix = \"%d: \"; };", i);
		reload(s, rest);
		write_conf("listeners = ( " LINES " );\nnonsense = 1;\n");
		fail_to_reload(s, "the configuration has a mistake");
	}
}

TEST(reloads_leave_descriptors_and_memory_as_they_were)
{
	enum {
		CONNECTIONS = 30,
		WARM_UP = 5 * CONNECTIONS,
		GROWTH_KB = 256
	};
	const int reloads = WARM_UP + mode_times(100, 4000);
	struct server s;
	char prefix[16];
	int fds[CONNECTIONS];

	start(&s, "line: { prefix = \"first: \"; };");
	size_t descriptors = server_count_proc(&s, "fd");
	int first = client_connect(&s);
	talk_behind(first, "first: ");
	/* Each connection is the only one with its settings. */
	for (int i = 0; i < CONNECTIONS; i++) {
		reload_often(&s, 5 * i, 5 * i + 5);
		fds[i] = client_connect(&s);
		snprintf(prefix, sizeof prefix, "%d: ", 5 * i + 4);
		talk_behind(fds[i], prefix);
	}
	int64_t memory = server_status_kb(&s, "VmRSS");
	reload_often(&s, WARM_UP, reloads);
	if (!server_is_instrumented())
		ck_assert_int_le(server_status_kb(&s, "VmRSS") - memory, GROWTH_KB);
	for (int i = 0; i < CONNECTIONS; i++) {
		snprintf(prefix, sizeof prefix, "%d: ", 5 * i + 4);
		talk_behind(fds[i], prefix);
		close(fds[i]);
	}
	talk_behind(first, "first: ");
	close(first);
	server_await_proc(&s, "fd", descriptors);
	ck_assert_int_eq(server_counter(&s, "reloads"), reloads);
	ck_assert_int_eq(server_counter(&s, "reloads_failed"), reloads);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(there_is_a_descriptor_for_a_reload_when_clients_have_all_of_them)
{
	enum {
		CLIENTS = 20
	};
	struct server s;
	int fds[CLIENTS];

	start(&s, "");
	client_take_descriptors(&s, fds, CLIENTS);
	/* Again, for they are kept again. */
	for (int i = 0; i < 3; i++)
		reload(&s, i % 2 ? "" : "line: { prefix = \"second: \"; };");
	/* Who is served already has the old settings, and who waited the new ones. */
	talk_behind(fds[0], "echo: ");
	for (int i = 0; i < CLIENTS - 1; i++)
		close(fds[i]);
	talk_behind(fds[CLIENTS - 1], "second: ");
	close(fds[CLIENTS - 1]);
	ck_assert_int_eq(server_stop(&s), 0);
}

/*
 * A file that is a pipe is open for as long as its writer takes, and includes two more then, of
 * which the second is open beside the first.  Meanwhile a client leaves, and those who wait would
 * get the descriptors one after the other.  Nobody is accepted for 1 s: a machine that stood still
 * for longer has proved nothing, and false is returned.
 */
static bool reload_as_a_client_leaves(void)
{
	static const char text[] = "listeners = ( " LINES " );\n@include \"more\"\n";
	enum {
		CLIENTS = 20
	};
	struct server s;
	int fds[CLIENTS];

	(void)unlink("conf");
	start(&s, "");
	client_take_descriptors(&s, fds, CLIENTS);
	scratch_write("more", "@include \"most\"\n");
	scratch_write("most", "line: { prefix = \"second: \"; };\n");
	ck_assert_int_eq(unlink("conf"), 0);
	ck_assert_int_eq(mkfifo("conf", 0600), 0);
	int64_t began = deadline_now();
	server_signal(&s, SIGHUP);
	int conf = open("conf", O_WRONLY);
	ck_assert_int_ge(conf, 0);
	close(fds[0]);
	free(server_await_log(&s, "event=closed"));
	/* Long enough for that, and far less than the moment for which nobody is accepted. */
	for (int64_t until = deadline_after(50 * MS); deadline_now() < until;)
		sched_yield();
	ck_assert_int_eq(write(conf, text, sizeof text - 1), sizeof text - 1);
	close(conf);
	char *line = server_await_next(&s, "event=reload");
	bool in_time = deadline_now() - began < NS_PER_S;
	bool reloaded = strstr(line, "event=reloaded");
	ck_assert_msg(reloaded || !in_time, "%s", line);
	free(line);
	for (int i = 1; i < CLIENTS; i++)
		close(fds[i]);
	ck_assert_int_eq(server_stop(&s), 0);
	return reloaded;
}

TEST(clients_who_wait_do_not_take_the_descriptors_of_a_reload)
{
	int64_t deadline = deadline_after(SERVER_PATIENCE_NS);

	while (!reload_as_a_client_leaves())
		ck_assert_int_lt(deadline_now(), deadline);
}
