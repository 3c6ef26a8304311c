/* SPDX-License-Identifier: ISC */
/* calls - which system calls a message and a connection cost, counted with strace. */
#include "client.h"
#include "test/suite.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANY "127.0.0.1:0"

struct traced {
	struct server server;
	char path[64];
};

static void start_traced(struct traced *t, const char *listen_at)
{
	const char *const arguments[] = {"-l", listen_at, NULL};

	snprintf(t->path, sizeof t->path, "/tmp/bobbin-calls-XXXXXX");
	int fd = mkstemp(t->path);
	ck_assert_int_ge(fd, 0);
	close(fd);
	const char *const wrapper[] = {"strace", "-f", "-qq", "-o", t->path, NULL};
	server_launch(
		&t->server, &(struct server_plan){.wrapper = wrapper, .arguments = arguments});
	server_await_ready(&t->server);
}

/* Stop, and return the lines of the trace, the caller's to free. */
static char *stop_traced(struct traced *t)
{
	char *text = NULL;
	size_t size = 0;

	ck_assert_int_eq(server_stop(&t->server), 0);
	FILE *file = fopen(t->path, "re");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_gt(getdelim(&text, &size, '\0', file), 0);
	fclose(file);
	unlink(t->path);
	return text;
}

/* How often a call stands between two places of the trace; strace splits one that blocks into two lines. */
static size_t count(const char *from, const char *to, const char *call)
{
	char start[64];
	size_t n = 0;

	snprintf(start, sizeof start, " %s(", call);
	for (const char *p = from; (p = strstr(p, start)) && p < to; p++)
		n++;
	return n;
}

/* The line in which the client's nth message is received. */
static const char *find_received(const char *trace, const char *message)
{
	char text[64];

	snprintf(text, sizeof text, "\"%s\\n\"", message);
	const char *found = strstr(trace, text);
	ck_assert_msg(found, "%s is not in the trace", text);
	return found;
}

TEST(an_accepted_socket_needs_no_call_before_its_first_recv)
{
	struct traced t;

	start_traced(&t, ANY);
	int fd = client_connect(&t.server);
	CLIENT_SAY(fd, "first\n");
	CLIENT_EXPECT(fd, "echo: first\n");
	close(fd);
	free(server_await_log(&t.server, "event=closed"));
	char *trace = stop_traced(&t);
	ck_assert_ptr_nonnull(strstr(trace, "accept4("));
	const char *received = find_received(trace, "first");
	/* Between the two: everything that concerns a socket. */
	const char *accepted = strstr(trace, "SOCK_CLOEXEC) = ");
	ck_assert_ptr_nonnull(accepted);
	static const char *const others[] = {"setsockopt", "getsockopt", "fcntl", "getsockname",
		"getpeername", "ioctl", "poll", "ppoll", "shutdown"};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		ck_assert_msg(count(accepted, received, others[i]) == 0,
			"%s between accept4 and recv", others[i]);
	free(trace);
}

TEST(a_message_that_comes_whole_costs_one_recv_and_one_send)
{
	struct traced t;
	enum {
		MESSAGES = 50
	};

	start_traced(&t, ANY);
	int fd = client_connect(&t.server);
	CLIENT_SAY(fd, "begin\n");
	CLIENT_EXPECT(fd, "echo: begin\n");
	for (int i = 0; i < MESSAGES; i++) {
		CLIENT_SAY(fd, "between\n");
		CLIENT_EXPECT(fd, "echo: between\n");
	}
	CLIENT_SAY(fd, "end\n");
	CLIENT_EXPECT(fd, "echo: end\n");
	close(fd);
	free(server_await_log(&t.server, "event=closed"));
	char *trace = stop_traced(&t);
	const char *begin = find_received(trace, "begin");
	const char *end = find_received(trace, "end");
	ck_assert_uint_eq(count(begin, end, "recvfrom"), MESSAGES + 1);
	ck_assert_uint_eq(count(begin, end, "sendmsg"), MESSAGES + 1);
	ck_assert_uint_eq(count(begin, end, "setsockopt"), 0);
	ck_assert_uint_eq(count(begin, end, "mmap"), 0);
	ck_assert_uint_eq(count(begin, end, "brk"), 0);
	ck_assert_uint_eq(count(begin, end, "ioctl"), 0);
	free(trace);
}

TEST(the_replies_of_a_batch_leave_in_one_send)
{
	struct traced t;
	char batch[64 * 8 + 1] = "";
	char replies[64 * 14 + 1] = "";

	start_traced(&t, ANY);
	for (int i = 0; i < 64; i++) {
		memcpy(batch + (size_t)i * 8, "message\n", 8);
		memcpy(replies + (size_t)i * 14, "echo: message\n", 14);
	}
	int fd = client_connect(&t.server);
	CLIENT_SAY(fd, "begin\n");
	CLIENT_EXPECT(fd, "echo: begin\n");
	/* One segment, and so one recv. */
	client_send(fd, batch, strlen(batch));
	client_expect(fd, replies, strlen(replies));
	CLIENT_SAY(fd, "end\n");
	CLIENT_EXPECT(fd, "echo: end\n");
	close(fd);
	free(server_await_log(&t.server, "event=closed"));
	char *trace = stop_traced(&t);
	const char *begin = find_received(trace, "begin");
	const char *end = find_received(trace, "end");
	ck_assert_uint_eq(count(begin, end, "recvfrom"), 2);
	ck_assert_uint_eq(count(begin, end, "sendmsg"), 2);
	free(trace);
}

TEST(a_connection_that_the_peer_ends_costs_no_shutdown)
{
	struct traced t;

	start_traced(&t, ANY);
	int fd = client_connect(&t.server);
	CLIENT_SAY(fd, "begin\n");
	CLIENT_EXPECT(fd, "echo: begin\n");
	close(fd);
	free(server_await_log(&t.server, "event=closed"));
	/* The next one is served by the thread that has parked. */
	fd = client_connect(&t.server);
	CLIENT_SAY(fd, "end\n");
	CLIENT_EXPECT(fd, "echo: end\n");
	close(fd);
	char *trace = stop_traced(&t);
	const char *begin = find_received(trace, "begin");
	const char *end = find_received(trace, "end");
	ck_assert_uint_eq(count(begin, end, "shutdown"), 0);
	ck_assert_uint_eq(count(begin, end, "close"), 1);
	ck_assert_uint_eq(count(begin, end, "getsockopt"), 1);
	ck_assert_uint_eq(count(begin, end, "setsockopt"), 0);
	ck_assert_uint_eq(count(begin, end, "write"), 1);
	ck_assert_uint_le(count(begin, end, "clone3"), 1);
	free(trace);
}

static const char *why_no_calls(void)
{
	if (!suite_has_program("strace"))
		return "strace is not installed (apt-get install strace)";
	return server_is_instrumented() ? "a sanitizer makes system calls of its own" : NULL;
}

SUITE_NEEDS(why_no_calls)
