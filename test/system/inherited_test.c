/* SPDX-License-Identifier: ISC */
/* inherited - a server whose listening socket a supervisor opened. */
#include "client.h"
#include "supervisor.h"
#include "test/suite.h"

#include "common/deadline.h"
#include "common/socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void write_file(char *path, const char *text)
{
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static int connect_port(in_port_t port)
{
	struct address a = {.in4 = {.sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				    .sin_port = htons(port)}};

	return client_connect_to(&a);
}

TEST_TIMED(a_client_queued_before_the_start_has_its_deadlines_too)
{
	struct server s;
	struct supervisor v;
	char where[32];

	supervisor_open(&v);
	in_port_t port = supervisor_listen(&v);
	int early = connect_port(port);
	snprintf(where, sizeof where, "127.0.0.1:%u", port);
	int64_t began = deadline_now();
	SUPERVISOR_START(&v, &s, "-l", where, "-o", "timeouts.idle=500ms");
	ck_assert_uint_eq(server_port(&s), port);
	/* Inherited at the handshake, its timeout is none at all: it must have been set at accept. */
	client_expect_end(early);
	bound_check_window("A12", "client queued before the start cut when idle",
		deadline_now() - began, 500 * NS_PER_MS);
	close(early);
	int late = connect_port(port);
	CLIENT_SAY(late, "late\n");
	CLIENT_EXPECT(late, "echo: late\n");
	close(late);
	ck_assert_int_eq(server_stop(&s), 0);
	supervisor_close(&v);
}

TEST(a_socket_is_matched_by_name_when_its_address_is_another)
{
	struct server s;
	struct supervisor v;
	char path[] = "/tmp/bobbin-inherited-XXXXXX";

	supervisor_open(&v);
	v.names = "bytes";
	in_port_t port = supervisor_listen(&v);
	write_file(path,
		"listeners = ( { name = \"bytes\"; address = \"127.0.0.1:0\"; "
		"service = \"echo\"; } );");
	SUPERVISOR_START(&v, &s, "-c", path);
	ck_assert_uint_eq(server_port(&s), port);
	ck_assert_uint_eq(s.listeners, 1);
	int fd = connect_port(port);
	CLIENT_SAY(fd, "raw");
	CLIENT_EXPECT(fd, "raw");
	close(fd);
	unlink(path);
	ck_assert_int_eq(server_stop(&s), 0);
	supervisor_close(&v);
}

TEST(a_socket_that_no_listener_asks_for_gets_the_default_service_and_a_line_in_the_log)
{
	struct server s;
	struct supervisor v;

	supervisor_open(&v);
	v.names = "spare";
	in_port_t port = supervisor_listen(&v);
	SUPERVISOR_START(&v, &s, "-l", "127.0.0.1:0=frame");
	ck_assert_uint_eq(s.listeners, 2);
	free(server_await_log(&s, "event=inherited_socket_without_listener"));
	int fd = connect_port(port);
	CLIENT_SAY(fd, "line\n");
	CLIENT_EXPECT(fd, "echo: line\n");
	close(fd);
	ck_assert_int_eq(server_stop(&s), 0);
	supervisor_close(&v);
}

TEST(a_listener_that_does_not_block_is_made_to_and_burns_nothing)
{
	struct server s;
	struct supervisor v;
	char where[32];

	supervisor_open(&v);
	in_port_t port = supervisor_listen(&v);
	ck_assert_int_eq(fcntl(v.fds[0], F_SETFL, O_NONBLOCK), 0);
	snprintf(where, sizeof where, "127.0.0.1:%u", port);
	SUPERVISOR_START(&v, &s, "-l", where);
	int fd = connect_port(port);
	CLIENT_SAY(fd, "line\n");
	CLIENT_EXPECT(fd, "echo: line\n");
	int64_t cpu = server_cpu_ns(&s);
	struct pollfd quiet = {.fd = fd, .events = POLLIN};
	ck_assert_int_eq(poll(&quiet, 1, 500), 0);
	ck_assert_int_le(server_cpu_ns(&s) - cpu, 50 * NS_PER_MS);
	ck_assert_int_eq(fcntl(v.fds[0], F_GETFL) & O_NONBLOCK, 0);
	close(fd);
	ck_assert_int_eq(server_stop(&s), 0);
	supervisor_close(&v);
}

TEST(a_shared_listener_outlives_the_server_and_its_queue_goes_to_the_other)
{
	struct server s;
	struct supervisor v;
	char where[32];

	supervisor_open(&v);
	in_port_t port = supervisor_listen(&v);
	snprintf(where, sizeof where, "127.0.0.1:%u", port);
	SUPERVISOR_START(&v, &s, "-l", where);
	ck_assert_int_eq(server_stop(&s), 0);
	/* Still listening: the connection is taken by whoever has the socket next. */
	int fd = connect_port(port);
	int accepted = accept(v.fds[0], NULL, NULL);
	ck_assert_int_ge(accepted, 0);
	close(accepted);
	close(fd);
	supervisor_close(&v);
}

TEST(the_built_in_listener_gives_way_to_a_socket_that_is_passed)
{
	struct server s;
	struct supervisor v;

	supervisor_open(&v);
	v.names = "passed";
	in_port_t port = supervisor_listen(&v);
	SUPERVISOR_START(&v, &s, NULL);
	ck_assert_uint_eq(s.listeners, 1);
	ck_assert_uint_eq(server_port(&s), port);
	ck_assert_int_eq(server_stop(&s), 0);
	supervisor_close(&v);
}

TEST(variables_meant_for_another_process_are_left_alone)
{
	struct server s;

	setenv("LISTEN_PID", "1", 1);
	setenv("LISTEN_FDS", "1", 1);
	SERVER_START(&s, "-l", "127.0.0.1:0");
	ck_assert_uint_eq(s.listeners, 1);
	ck_assert_int_eq(server_stop(&s), 0);
}
