/* SPDX-License-Identifier: ISC */
/* activation - what a service manager passes and is told: sockets, names, and the words of sd_notify(3). */
#include "client.h"
#include "supervisor.h"
#include "test/suite.h"

#include "common/deadline.h"
#include "test/unit/scratch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ANY   "127.0.0.1:0"
#define LINES "{ name = \"lines\"; address = \"127.0.0.1:0\"; }"

static void configure(const char *listeners, const char *rest)
{
	char text[4096];

	snprintf(text, sizeof text, "listeners = ( %s );\n%s\n", listeners, rest);
	scratch_write("conf", text);
}

static void talk_behind(int fd, const char *prefix)
{
	char reply[64];
	int len = snprintf(reply, sizeof reply, "%shello\n", prefix);

	CLIENT_SAY(fd, "hello\n");
	client_expect(fd, reply, (size_t)len);
}

static void talk(int fd)
{
	talk_behind(fd, "echo: ");
}

static int connect_port(in_port_t port)
{
	struct address a = {.in4 = {.sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				    .sin_port = htons(port)}};

	return client_connect_to(&a);
}

/* The next datagram, whatever it is. */
static struct supervisor_word next_word(struct supervisor *v)
{
	return supervisor_await(v, "=");
}

/* The number behind key= at the beginning of a line. */
static long long number_in(const struct supervisor_word *word, const char *key)
{
	const char *found = strstr(word->text, key);

	ck_assert_msg(found && (found == word->text || found[-1] == '\n'), "no %s in: %s", key,
		word->text);
	return strtoll(found + strlen(key), NULL, 10);
}

/* From the process, and exactly so. */
static void expect_word(struct supervisor *v, pid_t pid, const char *text)
{
	struct supervisor_word word = next_word(v);

	ck_assert_int_eq(word.pid, pid);
	ck_assert_str_eq(word.text, text);
}

static void expect_ready(struct supervisor *v, struct server *s)
{
	char text[128];
	char where[ADDRESS_TEXT_MAX];

	snprintf(text, sizeof text, "READY=1\nSTATUS=Listening on %s",
		address_format(&s->addresses[0], where));
	expect_word(v, s->pid, text);
}

/* What is told. */

TEST(ready_is_told_with_the_addresses_once_it_listens)
{
	struct supervisor v;
	struct server s;

	supervisor_open(&v);
	supervisor_launch(&v, &s,
		&(struct server_plan){
			.arguments = (const char *const[]){"-l", ANY, "-l", ANY, NULL}});
	struct supervisor_word word = next_word(&v);
	ck_assert_int_eq(strncmp(word.text, "READY=1\nSTATUS=Listening on 127.0.0.1:", 38), 0);
	/* Nothing of the log was waited for: what the word says must do. */
	const char *first = word.text + 38;
	const char *second = strstr(first, ", 127.0.0.1:");
	ck_assert_ptr_nonnull(second);
	const char *const ports[] = {first, second + strlen(", 127.0.0.1:")};
	ck_assert_ptr_null(strstr(ports[1], ","));
	for (int i = 0; i < 2; i++) {
		int fd = connect_port((in_port_t)strtoul(ports[i], NULL, 10));
		talk(fd);
		close(fd);
	}
	server_await_ready(&s);
	ck_assert_int_eq(word.pid, s.pid);
	supervisor_expect_nothing(&v);
	ck_assert_int_eq(server_stop(&s), 0);
	supervisor_close(&v);
}

static void expect_reloading(struct supervisor *v, const struct server *s, int64_t began)
{
	struct supervisor_word word = next_word(v);

	ck_assert_int_eq(word.pid, s->pid);
	ck_assert_int_eq(strncmp(word.text, "RELOADING=1\n", 12), 0);
	long long us = number_in(&word, "MONOTONIC_USEC=");
	ck_assert_int_ge(us, began / NS_PER_US);
	ck_assert_int_le(us, deadline_now() / NS_PER_US);
}

TEST(a_reload_is_told_at_its_beginning_and_its_end_and_so_is_one_that_fails)
{
	struct supervisor v;
	struct server s;

	supervisor_open(&v);
	configure(LINES, "");
	SUPERVISOR_START(&v, &s, "-c", "conf");
	expect_ready(&v, &s);
	for (int i = 0; i < 4; i++) {
		int64_t began = deadline_now();
		configure(LINES, i % 2 ? "nonsense = 1;" : "timeouts: { idle = \"2min\"; };");
		server_signal(&s, SIGHUP);
		expect_reloading(&v, &s, began);
		expect_ready(&v, &s);
		free(server_await_next(&s, i % 2 ? "event=reload_failed" : "event=reloaded"));
	}
	supervisor_expect_nothing(&v);
	ck_assert_int_eq(server_stop(&s), 0);
	supervisor_close(&v);
}

TEST(the_stop_is_told_with_how_long_it_may_take_and_how_many_there_are)
{
	struct supervisor v;
	struct server s;
	int fds[3];

	supervisor_open(&v);
	SUPERVISOR_START(&v, &s, "-l", ANY, "-o", "drain.grace=20ms", "-o", "drain.timeout=7s",
		"-o", "drain.force=2s");
	expect_ready(&v, &s);
	for (int i = 0; i < 3; i++) {
		fds[i] = client_connect(&s);
		talk(fds[i]);
	}
	server_signal(&s, SIGTERM);
	expect_word(&v, s.pid, "STOPPING=1");
	/* All steps, and a second besides. */
	expect_word(&v, s.pid, "EXTEND_TIMEOUT_USEC=10020000");
	expect_word(&v, s.pid, "STATUS=Draining 3 connections");
	ck_assert_int_eq(server_wait(&s), 0);
	supervisor_expect_nothing(&v);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	supervisor_close(&v);
}

TEST(a_stop_that_has_to_cut_asks_for_the_time_of_that)
{
	struct supervisor v;
	struct server s;

	supervisor_open(&v);
	SUPERVISOR_START(&v, &s, "-l", ANY, "-o", "drain.timeout=50ms", "-o", "drain.force=3s");
	int fd = client_connect(&s);
	CLIENT_SAY(fd, "hello\nhalf a line");
	CLIENT_EXPECT(fd, "echo: hello\n");
	server_signal(&s, SIGTERM);
	(void)supervisor_await(&v, "STATUS=Draining");
	expect_word(&v, s.pid, "EXTEND_TIMEOUT_USEC=4000000");
	ck_assert_int_eq(server_wait(&s), 75);
	close(fd);
	supervisor_close(&v);
}

TEST(the_old_copy_names_its_successor_and_says_nothing_afterwards)
{
	struct supervisor v;
	struct server s;
	char text[32];

	supervisor_open(&v);
	SUPERVISOR_START(&v, &s, "-l", ANY);
	expect_ready(&v, &s);
	int fd = client_connect(&s);
	talk(fd);
	pid_t first = s.pid;
	pid_t old = server_hand_over(&s);
	ck_assert_int_eq(old, first);
	/* The successor is not listened to before it is named, and says it in any case. */
	expect_ready(&v, &s);
	snprintf(text, sizeof text, "MAINPID=%d", (int)s.pid);
	expect_word(&v, old, text);
	/* Neither its signals nor its end are the manager's business any more. */
	ck_assert_int_eq(kill(old, SIGHUP), 0);
	ck_assert_int_eq(kill(old, SIGTERM), 0);
	client_expect_end(fd);
	close(fd);
	ck_assert_int_eq(server_wait_for(&s, old), 0);
	supervisor_expect_nothing(&v);
	/* The successor tells on. */
	int64_t began = deadline_now();
	server_signal(&s, SIGHUP);
	expect_reloading(&v, &s, began);
	expect_ready(&v, &s);
	server_signal(&s, SIGTERM);
	expect_word(&v, s.pid, "STOPPING=1");
	ck_assert_int_eq(server_wait(&s), 0);
	supervisor_close(&v);
}

TEST(a_handover_that_fails_names_nobody)
{
	struct supervisor v;
	struct server s;

	supervisor_open(&v);
	configure(LINES, "");
	SUPERVISOR_START(&v, &s, "-c", "conf");
	expect_ready(&v, &s);
	configure(LINES, "nonsense = 1;");
	server_signal(&s, SIGUSR2);
	free(server_await_next(&s, "event=handover_failed"));
	supervisor_expect_nothing(&v);
	configure(LINES, "");
	int64_t began = deadline_now();
	server_signal(&s, SIGHUP);
	expect_reloading(&v, &s, began);
	expect_ready(&v, &s);
	ck_assert_int_eq(server_stop(&s), 0);
	supervisor_close(&v);
}

/* Nobody to tell it to. */

static void forget_manager(void *unused)
{
	(void)unused;
	unsetenv("NOTIFY_SOCKET");
}

static void set_manager(void *name)
{
	setenv("NOTIFY_SOCKET", name, 1);
}

/* All that there is to tell, and a client served before and behind each. */
static void live_through_everything(struct server *s, void (*prepare)(void *), void *argument)
{
	server_launch(s,
		&(struct server_plan){
			.arguments = (const char *const[]){"-l", ANY, "-v", NULL},
			.prepare = prepare,
			.argument = argument,
		});
	server_await_ready(s);
	int fd = client_connect(s);
	talk(fd);
	server_signal(s, SIGHUP);
	free(server_await_next(s, "event=reloaded"));
	talk(fd);
	pid_t old = server_hand_over(s);
	talk(fd);
	close(fd);
	ck_assert_int_eq(server_wait_for(s, old), 0);
	fd = client_connect(s);
	talk(fd);
	close(fd);
	ck_assert_int_eq(server_stop(s), 0);
}

TEST(without_a_manager_nothing_is_told_and_nothing_lost)
{
	struct server s;

	live_through_everything(&s, forget_manager, NULL);
	ck_assert_uint_eq(server_count_log(&s, "notif"), 0);
}

TEST(a_manager_that_is_not_there_harms_nothing)
{
	static char nowhere[] = "/nonexistent/notify";
	struct server s;

	live_through_everything(&s, set_manager, nowhere);
	ck_assert_uint_gt(server_count_log(&s, "level=debug event=notification_lost"), 3);
}

TEST(what_is_no_manager_is_said_once_by_each_copy_and_harms_nothing)
{
	static char nonsense[] = "nonsense";
	struct server s;

	live_through_everything(&s, set_manager, nonsense);
	ck_assert_uint_eq(server_count_log(&s, "level=warn event=notify_socket_unusable"), 2);
	ck_assert_uint_eq(server_count_log(&s, "event=notification_lost"), 0);
}

/* Until the kernel takes no more. */
static void fill(const struct supervisor *v)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	size_t len = strlen(v->where);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(to.sun_path + 1, v->where + 1, len - 1);
	while (sendto(fd, "X=1", 3, MSG_DONTWAIT, (const struct sockaddr *)&to,
		       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) == 3)
		continue;
	ck_assert_int_eq(errno, EAGAIN);
	close(fd);
}

TEST(a_manager_that_does_not_listen_harms_nothing)
{
	struct supervisor v;
	struct server s;

	supervisor_open(&v);
	fill(&v);
	live_through_everything(&s, set_manager, v.where);
	ck_assert_uint_gt(server_count_log(&s, "level=debug event=notification_lost"), 3);
	supervisor_close(&v);
}

/* What is passed. */

#define NAMED                                                                                      \
	"{ name = \"one\"; address = \"127.0.0.1:0\"; line: { prefix = \"one: \"; }; },"           \
	"{ name = \"two\"; address = \"127.0.0.1:0\"; line: { prefix = \"two: \"; }; }"

static void expect_prefix(in_port_t port, const char *prefix)
{
	int fd = connect_port(port);

	talk_behind(fd, prefix);
	close(fd);
}

TEST(the_names_of_sockets_select_their_listeners_here_and_in_a_successor)
{
	struct supervisor v;
	struct server s;

	supervisor_open(&v);
	v.names = "two:one";
	in_port_t two = supervisor_listen(&v);
	in_port_t one = supervisor_listen(&v);
	configure(NAMED, "");
	SUPERVISOR_START(&v, &s, "-c", "conf");
	for (int i = 0; i < 3; i++) {
		ck_assert_uint_eq(s.listeners, 2);
		ck_assert_uint_eq(address_port(&s.addresses[0]), one);
		ck_assert_uint_eq(address_port(&s.addresses[1]), two);
		expect_prefix(one, "one: ");
		expect_prefix(two, "two: ");
		if (i == 2)
			break;
		pid_t old = server_hand_over(&s);
		ck_assert_int_eq(server_wait_for(&s, old), 0);
	}
	ck_assert_int_eq(server_stop(&s), 0);
	/* The supervisor's are the supervisor's to the end. */
	close(connect_port(one));
	close(connect_port(two));
	supervisor_close(&v);
}

TEST(a_socket_without_a_listener_gets_the_default_service_in_a_successor_too)
{
	struct supervisor v;
	struct server s;

	supervisor_open(&v);
	v.names = "one:stray:two";
	in_port_t one = supervisor_listen(&v);
	in_port_t stray = supervisor_listen(&v);
	in_port_t two = supervisor_listen(&v);
	configure(NAMED, "line: { prefix = \"default: \"; };");
	SUPERVISOR_START(&v, &s, "-c", "conf");
	for (int i = 0; i < 2; i++) {
		char *line = server_await_log(&s, "event=inherited_socket_without_listener");
		ck_assert_msg(strstr(line, "effect=\"it gets the default service\""), "%s", line);
		ck_assert_msg(strstr(line, "name=stray"), "%s", line);
		free(line);
		ck_assert_uint_eq(
			server_count_log(&s, "event=inherited_socket_without_listener"), i + 1);
		ck_assert_uint_eq(s.listeners, 3);
		expect_prefix(one, "one: ");
		expect_prefix(two, "two: ");
		expect_prefix(stray, "default: ");
		if (i == 0) {
			pid_t old = server_hand_over(&s);
			ck_assert_int_eq(server_wait_for(&s, old), 0);
		}
	}
	ck_assert_int_eq(server_stop(&s), 0);
	supervisor_close(&v);
}

/* As a supervisor's child that starts the server as a child of its own would find it. */
static void pass_to_another(void *socket)
{
	char parent[16];

	snprintf(parent, sizeof parent, "%d", (int)getppid());
	setenv("LISTEN_PID", parent, 1);
	setenv("LISTEN_FDS", "1", 1);
	setenv("LISTEN_FDNAMES", "lines", 1);
	if (dup2(*(int *)socket, 3) < 0)
		_exit(126);
}

TEST(sockets_for_another_process_are_left_alone)
{
	struct supervisor v;
	struct server s;

	supervisor_open(&v);
	in_port_t port = supervisor_listen(&v);
	configure(LINES, "");
	server_launch(&s,
		&(struct server_plan){
			.arguments = (const char *const[]){"-c", "conf", NULL},
			.prepare = pass_to_another,
			.argument = &v.fds[0],
		});
	server_await_ready(&s);
	ck_assert_uint_eq(s.listeners, 1);
	ck_assert_uint_ne(server_port(&s), port);
	ck_assert_uint_eq(server_count_log(&s, "inherited"), 0);
	int fd = client_connect(&s);
	talk(fd);
	close(fd);
	ck_assert_int_eq(server_stop(&s), 0);
	supervisor_close(&v);
}

/* The real thing. */

/* One that was free a moment ago; it has to be given as a number. */
static in_port_t find_free_port(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;

	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	close(fd);
	return ntohs(a.sin_port);
}

/* It listens, or ends because somebody else has taken the port.  Returns false for the latter. */
static bool activate(struct server *s, in_port_t port)
{
	char where[32];
	int64_t deadline = deadline_after(SERVER_PATIENCE_NS);

	snprintf(where, sizeof where, "127.0.0.1:%u", (unsigned)port);
	server_launch(s,
		&(struct server_plan){
			.wrapper = (const char *const[]){"systemd-socket-activate", "-l", where,
				"--fdname=two", NULL},
			.arguments = (const char *const[]){"-c", "conf", NULL},
		});
	while (server_count_log(s, "Listening on") == 0) {
		if (server_count_log(s, "Failed to listen") > 0)
			return false;
		ck_assert_int_lt(deadline_now(), deadline);
		poll(NULL, 0, 2);
	}
	return true;
}

TEST(systemd_socket_activate_starts_it_at_the_first_client)
{
	struct server s;
	in_port_t port;

	if (!suite_has_program("systemd-socket-activate"))
		SUITE_SKIP("systemd-socket-activate is not installed (apt-get install systemd)");
	configure(NAMED, "");
	for (port = find_free_port(); !activate(&s, port); port = find_free_port())
		ck_assert_int_ne(server_wait(&s), 0);
	int fd = connect_port(port);
	talk_behind(fd, "two: ");
	server_await_ready(&s);
	ck_assert_int_eq(s.pid, s.child);
	char *line = server_await_log(&s, "event=listening listener=two");
	ck_assert_msg(strstr(line, "inherited=true"), "%s", line);
	free(line);
	pid_t old = server_hand_over(&s);
	talk_behind(fd, "two: ");
	close(fd);
	ck_assert_int_eq(server_wait_for(&s, old), 0);
	expect_prefix(port, "two: ");
	ck_assert_int_eq(server_stop(&s), 0);
}
