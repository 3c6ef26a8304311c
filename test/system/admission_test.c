/* SPDX-License-Identifier: ISC */
/* admission - who is let in, how the others are turned away, and what they cost. */
#include "client.h"
#include "test/suite.h"

#include "common/deadline.h"
#include "common/lock.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANY "127.0.0.1:0"
#define MS  NS_PER_MS

/* What a client is told. */
#define FULL     "error: too many connections, try again later\n"
#define TOO_MANY "error: too many connections from your address\n"
#define TOO_FAST "error: too many new connections from your address, try again later\n"

static void exchange(int fd)
{
	CLIENT_SAY(fd, "hello\n");
	CLIENT_EXPECT(fd, "echo: hello\n");
}

/* A client that is served, and stays. */
static int must_be_served(const struct address *at, const char *source)
{
	int fd = client_connect_from(at, source);

	exchange(fd);
	return fd;
}

/* A client that is told why it is not. */
static void must_be_told(const struct address *at, const char *source, const char *text)
{
	int fd = client_connect_from(at, source);

	client_expect(fd, text, strlen(text));
	client_expect_end(fd);
	close(fd);
}

/* Ask again and again: each question is answered with an event. */
static void await_counter(struct server *s, const char *key, int64_t value)
{
	int64_t deadline = deadline_after(SERVER_PATIENCE_NS);
	int64_t seen;

	while ((seen = server_counter(s, key)) != value && deadline_now() < deadline)
		continue;
	ck_assert_int_eq(seen, value);
}

/* A copy of the last line with that text in the log. */
static char *last_line(struct server *s, const char *text)
{
	char *line = NULL;

	lock_take(&s->lock);
	for (char *p = s->log; (p = strstr(p, text)); p++) {
		free(line);
		line = strndup(p, strcspn(p, "\n"));
	}
	lock_drop(&s->lock);
	ck_assert_ptr_nonnull(line);
	return line;
}

/* In one snapshot, whatever goes on. */
static void check_sum(struct server *s)
{
	int64_t accepted = server_counter(s, "accepted");
	char *line = last_line(s, "event=counters");

	ck_assert_int_eq(accepted,
		server_field(line, "active") + server_field(line, "ended") +
			server_field(line, "refused"));
	free(line);
}

/* So many clients, each with a request sent, that the server finds all at once when it goes on. */
static void connect_while_stopped(struct server *s, int *fds, size_t count)
{
	server_signal(s, SIGSTOP);
	for (size_t i = 0; i < count; i++) {
		fds[i] = client_connect(s);
		CLIENT_SAY(fds[i], "hello\n");
	}
	server_signal(s, SIGCONT);
}

/* The limit in all: to wait. */

TEST_TIMED(with_the_policy_wait_a_client_is_served_when_a_place_gets_free)
{
	struct server s;

	SERVER_START(&s, "-l", ANY, "-o", "limits.max_connections=1");
	int held = must_be_served(&s.addresses[0], "127.0.0.1");
	int next = client_connect(&s);
	CLIENT_SAY(next, "hello\n");
	/* The server has had the time of two looks at its counters. */
	ck_assert_int_eq(server_counter(&s, "accepted"), 1);
	exchange(held);
	ck_assert_int_eq(server_counter(&s, "accepted"), 1);
	client_expect_nothing(next);
	int64_t began = deadline_now();
	close(held);
	CLIENT_EXPECT(next, "echo: hello\n");
	bound_check("A26", "served after a place got free", deadline_now() - began, 100 * MS);
	close(next);
	await_counter(&s, "ended", 2);
	ck_assert_int_eq(server_counter(&s, "refused"), 0);
	ck_assert_int_eq(server_stop(&s), 0);
}

/* The limit in all: to refuse. */

TEST_TIMED(with_the_policy_refuse_the_client_reads_why_in_the_services_framing)
{
	static const struct {
		const char *listen_at;
		const char *request;
		size_t request_len;
		const char *reply;
		size_t reply_len;
	} rows[] = {
		{ANY "=line", "hello\n", 6, FULL, sizeof FULL - 1},
		{ANY "=frame", "\0\0\0\1x", 5,
			"\0\0\0\x2c"
			"error: too many connections, try again later",
			48},
		{ANY "=echo", "hello", 5, "", 0},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct server s;
		SERVER_START(&s, "-l", rows[i].listen_at, "-o", "limits.max_connections=1", "-o",
			"limits.policy=refuse");
		int held = client_connect(&s);
		client_send(held, rows[i].request, rows[i].request_len);
		ck_assert_int_gt(recv(held, (char[64]){0}, 64, 0), 0);
		/* Its request is there before it is refused. */
		server_signal(&s, SIGSTOP);
		int fd = client_connect(&s);
		client_send(fd, rows[i].request, rows[i].request_len);
		int64_t began = deadline_now();
		server_signal(&s, SIGCONT);
		client_expect(fd, rows[i].reply, rows[i].reply_len);
		client_expect_end(fd);
		bound_check("A26", "refused at the limit", deadline_now() - began, 100 * MS);
		close(fd);
		close(held);
		ck_assert_int_eq(server_counter(&s, "refused_full"), 1);
		check_sum(&s);
		ck_assert_int_eq(server_stop(&s), 0);
	}
}

TEST_TIMED(refused_sockets_are_closed_within_a_second_though_nobody_else_comes)
{
	struct server s;

	SERVER_START(&s, "-l", ANY, "-o", "limits.max_connections=1", "-o", "limits.policy=refuse");
	int held = must_be_served(&s.addresses[0], "127.0.0.1");
	size_t before = server_count_proc(&s, "fd");
	int fds[3];
	int64_t began = deadline_now();
	for (int i = 0; i < 3; i++) {
		fds[i] = client_connect(&s);
		client_expect(fds[i], FULL, strlen(FULL));
		client_expect_end(fds[i]);
	}
	/* The clients stay; it is the server that closes. */
	server_await_proc(&s, "fd", before);
	bound_check_window("A26", "refused sockets closed", deadline_now() - began, NS_PER_S);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	exchange(held);
	close(held);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST_TIMED(refused_sockets_are_closed_within_a_second_though_all_places_are_taken)
{
	struct server s;

	SERVER_START(&s, "-l", ANY, "-o", "limits.max_connections=2", "-o", "limits.per_address=1");
	const struct address *at = &s.addresses[0];
	int held[2] = {must_be_served(at, "127.0.0.1"), -1};
	size_t before = server_count_proc(&s, "fd");
	int64_t began = deadline_now();
	int refused = client_connect_from(at, "127.0.0.1");
	client_expect(refused, TOO_MANY, strlen(TOO_MANY));
	/* From now on nobody is accepted, and there is somebody who could be. */
	held[1] = must_be_served(at, "127.0.0.2");
	int waiting = client_connect_from(at, "127.0.0.3");
	server_await_proc(&s, "fd", before + 1);
	bound_check_window(
		"A26", "refused socket closed at the limit", deadline_now() - began, NS_PER_S);
	close(refused);
	close(held[0]);
	exchange(waiting);
	close(held[1]);
	close(waiting);
	ck_assert_int_eq(server_stop(&s), 0);
}

/* A reset that comes after the end of the stream shows here only. */
static void must_have_no_error(int fd)
{
	int error = -1;
	socklen_t len = sizeof error;

	ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len), 0);
	ck_assert_int_eq(error, 0);
}

TEST(two_hundred_refused_at_once_each_read_why_and_see_no_reset)
{
	struct server s;
	enum {
		MANY = 200
	};
	int fds[MANY];

	SERVER_START(&s, "-l", ANY, "-o", "limits.max_connections=1", "-o", "limits.policy=refuse");
	int held = must_be_served(&s.addresses[0], "127.0.0.1");
	size_t before = server_count_proc(&s, "fd");
	connect_while_stopped(&s, fds, MANY);
	for (int i = 0; i < MANY; i++) {
		client_expect(fds[i], FULL, strlen(FULL));
		client_expect_end(fds[i]);
	}
	exchange(held);
	server_await_proc(&s, "fd", before);
	/* Each had sent a request, and all have been closed by now. */
	for (int i = 0; i < MANY; i++) {
		must_have_no_error(fds[i]);
		close(fds[i]);
	}
	ck_assert_int_eq(server_counter(&s, "refused_full"), MANY);
	check_sum(&s);
	close(held);
	ck_assert_int_eq(server_stop(&s), 0);
}

/* Limits and policies of a listener's own. */

TEST(a_listeners_own_limit_holds_for_it_and_for_no_other)
{
	struct server s;

	SERVER_START(&s, "-c",
		server_file("listeners = (\n"
			    "{ name = \"one\"; address = \"127.0.0.1:0\"; max_connections = 1; },\n"
			    "{ name = \"two\"; address = \"127.0.0.1:0\"; }\n"
			    ");\n"
			    "limits: { policy = \"refuse\"; max_connections = 4; };\n"));
	const struct address *one = &s.addresses[0];
	const struct address *two = &s.addresses[1];
	int fds[4];
	fds[0] = must_be_served(one, "127.0.0.1");
	must_be_told(one, "127.0.0.1", FULL);
	for (int i = 1; i < 4; i++)
		fds[i] = must_be_served(two, "127.0.0.1");
	/* The limit in all holds as well. */
	must_be_told(two, "127.0.0.1", FULL);
	ck_assert_int_eq(server_counter(&s, "refused_listener_full"), 1);
	ck_assert_int_eq(server_counter(&s, "refused_full"), 1);
	check_sum(&s);
	close(fds[0]);
	await_counter(&s, "ended", 1);
	fds[0] = must_be_served(one, "127.0.0.1");
	for (int i = 0; i < 4; i++)
		close(fds[i]);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(a_listeners_own_policy_holds_for_it_and_for_no_other)
{
	struct server s;

	SERVER_START(&s, "-c",
		server_file("listeners = (\n"
			    "{ name = \"one\"; address = \"127.0.0.1:0\"; },\n"
			    "{ name = \"two\"; address = \"127.0.0.1:0\";\n"
			    "  limits: { policy = \"refuse\"; }; }\n"
			    ");\n"
			    "limits: { max_connections = 1; };\n"));
	const struct address *one = &s.addresses[0];
	const struct address *two = &s.addresses[1];
	int held = must_be_served(one, "127.0.0.1");
	int waiting = client_connect_to(one);
	CLIENT_SAY(waiting, "hello\n");
	must_be_told(two, "127.0.0.1", FULL);
	client_expect_nothing(waiting);
	close(held);
	CLIENT_EXPECT(waiting, "echo: hello\n");
	must_be_told(two, "127.0.0.1", FULL);
	close(waiting);
	await_counter(&s, "ended", 2);
	close(must_be_served(two, "127.0.0.1"));
	ck_assert_int_eq(server_stop(&s), 0);
}

/* Connections of one source. */

TEST(one_source_has_so_many_connections_and_another_as_many)
{
	struct server s;

	SERVER_START(&s, "-l", ANY, "-o", "limits.per_address=2");
	const struct address *at = &s.addresses[0];
	int first = must_be_served(at, "127.0.0.1");
	int second = must_be_served(at, "127.0.0.1");
	must_be_told(at, "127.0.0.1", TOO_MANY);
	int other = must_be_served(at, "127.0.0.2");
	ck_assert_int_eq(server_counter(&s, "refused_per_address"), 1);
	check_sum(&s);
	/* Its own end counts, the other's does not. */
	close(other);
	await_counter(&s, "ended", 1);
	must_be_told(at, "127.0.0.1", TOO_MANY);
	close(first);
	await_counter(&s, "ended", 2);
	first = must_be_served(at, "127.0.0.1");
	must_be_told(at, "127.0.0.1", TOO_MANY);
	close(first);
	close(second);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(one_who_finds_no_place_does_not_count_for_its_source)
{
	struct server s;

	SERVER_START(&s, "-l", ANY, "-o", "limits.per_address=1", "-o", "limits.max_connections=1",
		"-o", "limits.policy=refuse");
	const struct address *at = &s.addresses[0];
	int held = must_be_served(at, "127.0.0.1");
	must_be_told(at, "127.0.0.2", FULL);
	must_be_told(at, "127.0.0.2", FULL);
	close(held);
	await_counter(&s, "ended", 1);
	close(must_be_served(at, "127.0.0.2"));
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(a_source_is_counted_over_all_listeners_and_an_ipv4_client_is_one_on_any)
{
	struct server s;

	SERVER_START(&s, "-l", ANY, "-l", ":0", "-o", "limits.per_address=1");
	struct address all = client_address("127.0.0.1", address_port(&s.addresses[1]));
	int held = must_be_served(&s.addresses[0], "127.0.0.1");
	/* Here its address is an IPv4-mapped one, if there is IPv6. */
	must_be_told(&all, "127.0.0.1", TOO_MANY);
	int other = must_be_served(&all, "127.0.0.2");
	must_be_told(&s.addresses[0], "127.0.0.2", TOO_MANY);
	close(held);
	close(other);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(an_ipv6_source_is_none_of_the_ipv4_ones)
{
	struct server s;

	if (!client_has_ipv6())
		SUITE_SKIP("this machine has no IPv6");
	SERVER_START(&s, "-l", ":0", "-o", "limits.per_address=1");
	struct address four = client_address("127.0.0.1", server_port(&s));
	struct address six = client_address("::1", server_port(&s));
	int held[2] = {must_be_served(&six, "::1"), must_be_served(&four, "127.0.0.1")};
	must_be_told(&six, "::1", TOO_MANY);
	must_be_told(&four, "127.0.0.1", TOO_MANY);
	close(held[0]);
	await_counter(&s, "ended", 1);
	must_be_told(&four, "127.0.0.1", TOO_MANY);
	close(must_be_served(&six, "::1"));
	close(held[1]);
	ck_assert_int_eq(server_stop(&s), 0);
}

/* New connections of one source in a second. */

/* One more of them.  True: it is served.  False: it is told that it was too fast. */
static bool is_served(const struct address *at, const char *source)
{
	static const char echo[] = "echo: hello\n";
	int fd = client_connect_from(at, source);
	char first[2];

	/* It may have been told already, and closed. */
	(void)send(fd, "hello\n", 6, MSG_NOSIGNAL);
	ck_assert_int_eq(recv(fd, first, 2, MSG_PEEK | MSG_WAITALL), 2);
	bool served = memcmp(first, echo, 2) == 0;
	if (served)
		client_expect(fd, echo, strlen(echo));
	else
		client_expect(fd, TOO_FAST, strlen(TOO_FAST));
	close(fd);
	return served;
}

TEST_TIMED(a_burst_is_served_and_then_so_many_a_second)
{
	struct server s;
	enum {
		RATE = 10,
		BURST = 3
	};

	SERVER_START(&s, "-l", ANY, "-o", "limits.rate=10", "-o", "limits.burst=3");
	const struct address *at = &s.addresses[0];
	int64_t began = deadline_now();
	int served = 0;
	for (int i = 0; i < 20; i++)
		served += is_served(at, "127.0.0.1");
	/* However long that took. */
	ck_assert_int_ge(served, BURST);
	ck_assert_int_le(served, BURST + (deadline_now() - began) * RATE / NS_PER_S);
	/* Others have a burst of their own. */
	for (int i = 0; i < BURST; i++)
		ck_assert(is_served(at, "127.0.0.2"));
	began = deadline_now();
	while (!is_served(at, "127.0.0.1"))
		ck_assert_int_lt(deadline_now() - began, SERVER_PATIENCE_NS);
	bound_check("A27", "served again after a burst", deadline_now() - began,
		NS_PER_S / RATE + 20 * MS);
	ck_assert_int_gt(server_counter(&s, "refused_rate"), 0);
	check_sum(&s);
	ck_assert_int_eq(server_stop(&s), 0);
}

/* Lists. */

TEST(a_denied_address_is_reset_and_costs_no_thread)
{
	struct server s;

	SERVER_START(&s, "-l", ANY, "-o", "limits.deny=127.0.0.2,127.0.1.0/24", "-o",
		"threads.parked=0");
	const struct address *at = &s.addresses[0];
	int held = must_be_served(at, "127.0.0.1");
	int64_t threads = server_counter(&s, "threads_started");
	for (int i = 0; i < 20; i++) {
		client_is_reset_from(at, "127.0.0.2");
		client_is_reset_from(at, "127.0.1.77");
	}
	ck_assert_int_eq(server_counter(&s, "threads_started"), threads);
	ck_assert_int_eq(server_counter(&s, "refused_denied"), 40);
	check_sum(&s);
	close(must_be_served(at, "127.0.0.3"));
	close(held);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(with_a_list_of_those_allowed_others_are_reset_and_the_denied_too)
{
	struct server s;

	SERVER_START(
		&s, "-l", ANY, "-o", "limits.allow=127.0.0.0/24", "-o", "limits.deny=127.0.0.2");
	const struct address *at = &s.addresses[0];
	client_is_reset_from(at, "127.0.1.1");
	client_is_reset_from(at, "127.0.0.2");
	close(must_be_served(at, "127.0.0.1"));
	ck_assert_int_eq(server_counter(&s, "refused_denied"), 2);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(a_listeners_own_lists_hold_in_place_of_the_common_ones)
{
	struct server s;

	SERVER_START(&s, "-c",
		server_file("listeners = (\n"
			    "{ name = \"common\"; address = \"127.0.0.1:0\"; },\n"
			    "{ name = \"open\"; address = \"127.0.0.1:0\";\n"
			    "  limits: { deny = ( ); }; },\n"
			    "{ name = \"close\"; address = \"127.0.0.1:0\";\n"
			    "  limits: { allow = ( \"127.0.0.1\" ); }; }\n"
			    ");\n"
			    "limits: { deny = ( \"127.0.0.2\" ); };\n"));
	static const struct {
		const char *source;
		bool served[3];
	} rows[] = {
		{"127.0.0.1", {true, true, true}},
		{"127.0.0.2", {false, true, false}},
		{"127.0.0.3", {true, true, false}},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		for (int n = 0; n < 3; n++) {
			if (rows[i].served[n])
				close(must_be_served(&s.addresses[n], rows[i].source));
			else
				client_is_reset_from(&s.addresses[n], rows[i].source);
		}
	}
	ck_assert_uint_eq(server_count_log(&s, " reason=denied listener=open "), 0);
	ck_assert_int_eq(server_counter(&s, "refused_denied"), 3);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(on_a_dual_stack_listener_ipv4_blocks_are_for_ipv4_clients)
{
	struct server s;
	struct server t;

	if (!client_has_ipv6())
		SUITE_SKIP("this machine has no IPv6");
	SERVER_START(&s, "-l", ":0", "-o", "limits.deny=127.0.0.0/8");
	struct address four = client_address("127.0.0.1", server_port(&s));
	struct address six = client_address("::1", server_port(&s));
	client_is_reset_from(&four, "127.0.0.1");
	close(must_be_served(&six, "::1"));
	ck_assert_int_eq(server_stop(&s), 0);
	SERVER_START(&t, "-l", ":0", "-o", "limits.deny=::/0");
	four = client_address("127.0.0.1", server_port(&t));
	six = client_address("::1", server_port(&t));
	client_is_reset_from(&six, "::1");
	close(must_be_served(&four, "127.0.0.1"));
	ck_assert_int_eq(server_stop(&t), 0);
}

/* What the operator sees. */

TEST(every_refusal_is_counted_by_its_reason)
{
	struct server s;
	static const char *const reasons[] = {
		"refused_denied", "refused_rate", "refused_per_address", "refused_full"};

	SERVER_START(&s, "-l", ANY, "-o", "limits.max_connections=2", "-o", "limits.policy=refuse",
		"-o", "limits.per_address=1", "-o", "limits.rate=1", "-o", "limits.burst=1", "-o",
		"limits.deny=127.0.0.9");
	const struct address *at = &s.addresses[0];
	client_is_reset_from(at, "127.0.0.9");
	int first = must_be_served(at, "127.0.0.1");
	must_be_told(at, "127.0.0.1", TOO_MANY);
	int second = must_be_served(at, "127.0.0.2");
	must_be_told(at, "127.0.0.3", FULL);
	close(second);
	await_counter(&s, "ended", 1);
	/* One after the other, until they come too fast. */
	for (int ended = 2; is_served(at, "127.0.0.4"); ended++)
		await_counter(&s, "ended", ended);
	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
		ck_assert_int_eq(server_counter(&s, reasons[i]), 1);
	ck_assert_int_eq(server_counter(&s, "refused"), 4);
	check_sum(&s);
	close(first);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(each_reason_is_told_once_a_second_with_the_number_of_those_untold)
{
	struct server s;

	SERVER_START(&s, "-l", ANY, "-o", "limits.deny=127.0.0.2", "-o", "limits.per_address=1");
	const struct address *at = &s.addresses[0];
	int held = must_be_served(at, "127.0.0.1");
	int64_t began = deadline_now();
	int64_t denied = 0;
	/* Until the second line; after each client the counters, so that its line has come. */
	do {
		client_is_reset_from(at, "127.0.0.2");
		if (++denied == 1)
			must_be_told(at, "127.0.0.1", TOO_MANY);
		ck_assert_int_eq(server_counter(&s, "refused_denied"), denied);
		ck_assert_int_lt(deadline_now() - began, SERVER_PATIENCE_NS);
		/* Some a second are enough. */
		poll(NULL, 0, 5);
	} while (server_count_log(&s, "event=refused reason=denied ") < 2);
	ck_assert_int_ge(deadline_now() - began, NS_PER_S);
	/* The other reason has a second of its own. */
	ck_assert_uint_eq(server_count_log(&s, "event=refused reason=per_address "), 1);
	close(held);
	ck_assert_int_eq(server_stop(&s), 0);
	char *line = last_line(&s, "event=refused reason=denied ");
	ck_assert_int_eq(server_field(line, "untold_before"), denied - 2);
	ck_assert_ptr_nonnull(strstr(line, " listener=127.0.0.1:0 peer=127.0.0.2:"));
	free(line);
}

/* Slow clients. */

enum {
	SLOW = 20
};

/* They send a byte now and then, and never a whole line. */
struct slow {
	int fds[SLOW];
	int end[2]; /* a pipe, closed when they are to end */
	pthread_t thread;
};

static void *drip(void *arg)
{
	struct slow *slow = arg;
	struct pollfd p = {.fd = slow->end[0], .events = POLLIN};

	do {
		for (int i = 0; i < SLOW; i++)
			(void)send(slow->fds[i], "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	} while (poll(&p, 1, 50) == 0);
	return NULL;
}

static void slow_begin(struct slow *slow, const struct server *s)
{
	for (int i = 0; i < SLOW; i++)
		slow->fds[i] = client_connect(s);
	ck_assert_int_eq(pipe(slow->end), 0);
	ck_assert_int_eq(pthread_create(&slow->thread, NULL, drip, slow), 0);
}

static void slow_end(struct slow *slow)
{
	close(slow->end[1]);
	ck_assert_int_eq(pthread_join(slow->thread, NULL), 0);
	close(slow->end[0]);
	for (int i = 0; i < SLOW; i++)
		close(slow->fds[i]);
}

TEST_TIMED(slow_clients_of_one_source_leave_places_for_others_when_it_is_bounded)
{
	struct server s;
	struct slow slow;

	SERVER_START(&s, "-l", ANY, "-o", "limits.max_connections=20", "-o",
		"limits.per_address=15", "-o", "timeouts.message=1h");
	slow_begin(&slow, &s);
	await_counter(&s, "refused_per_address", SLOW - 15);
	ck_assert_int_eq(server_counter(&s, "active"), 15);
	int64_t began = deadline_now();
	int other = must_be_served(&s.addresses[0], "127.0.0.2");
	bound_check("A27", "served beside slow clients of a bounded source", deadline_now() - began,
		100 * MS);
	close(other);
	slow_end(&slow);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST_TIMED(slow_clients_who_have_all_places_lose_them_at_their_deadline)
{
	struct server s;
	struct slow slow;

	SERVER_START(&s, "-l", ANY, "-o", "limits.max_connections=20", "-o", "timeouts.message=1s",
		"-o", "linger.time=0");
	int64_t began = deadline_now();
	slow_begin(&slow, &s);
	/* Some may have lost theirs by now; a client that comes later comes after all of them. */
	await_counter(&s, "accepted", SLOW);
	int other = client_connect_from(&s.addresses[0], "127.0.0.2");
	CLIENT_SAY(other, "hello\n");
	CLIENT_EXPECT(other, "echo: hello\n");
	bound_check_window("A27", "served after slow clients had all places",
		deadline_now() - began, NS_PER_S);
	ck_assert_int_gt(server_counter(&s, "end_message_timeout"), 0);
	close(other);
	slow_end(&slow);
	ck_assert_int_eq(server_stop(&s), 0);
}
