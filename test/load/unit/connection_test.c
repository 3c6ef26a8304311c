/* SPDX-License-Identifier: ISC */
/* connection_test - what a connection's end is called, when the peer's side of it comes while we
 * send. */
#include "common/deadline.h"
#include "test/load/engine/connection.h"
#include "test/load/engine/conversation.h"
#include "test/suite.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define SIZE 64

static struct payload payload;
static struct wire wire;
static struct schedule schedule;
static struct settings settings;
static struct stamp stamps[4];
static struct lane lane;
static struct connection connection;
static int listener;

static void listen_anywhere(struct address *at)
{
	socklen_t len = sizeof at->in4;

	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(listener, 0);
	*at = (struct address){
		.in4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
	ck_assert_int_eq(bind(listener, &at->any, sizeof at->in4), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, &at->any, &len), 0);
}

static void set_up(void)
{
	ck_assert_int_eq(payload_init(&payload, 1, SIZE, SIZE, true), 0);
	wire = (struct wire){SERVICE_LINE, "echo: ", 6, false, &payload};
	schedule = (struct schedule){.connections = 1, .messages = UINT64_MAX};
	settings = (struct settings){.connections = 1, .in_flight = 4, .timeout_ns = NS_PER_S};
	settings.endpoint.count = 1;
	listen_anywhere(&settings.endpoint.addresses[0]);
	lane = (struct lane){
		.settings = &settings,
		.wire = &wire,
		.schedule = &schedule,
		.figures = calloc(1, sizeof *lane.figures),
		.epoll_fd = epoll_create1(EPOLL_CLOEXEC),
		.now_ns = deadline_now(),
		.start_ns = deadline_now(),
		.beginning = true,
		.budget = UINT64_MAX,
		.in = malloc(LANE_BUFFER_BYTES),
		.out = malloc(LANE_BUFFER_BYTES),
	};
	ck_assert(lane.figures && lane.in && lane.out && lane.epoll_fd >= 0);
	connection_init(&connection, 0, &schedule, stamps, 3);
	connection.started = true;
}

static void tear_down(void)
{
	conversation_close(&connection, &lane);
	close(listener);
	close(lane.epoll_fd);
	free(lane.figures);
	free(lane.in);
	free(lane.out);
	payload_fini(&payload);
}

static void pump_one_more(void)
{
	connection.slot.quota++;
	conversation_pump(&connection, &lane);
}

static void await(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	while ((p.revents & events) != events)
		ck_assert_int_eq(poll(&p, 1, 20000), 1);
}

/* Connect, and send one request.  Returns the peer's end, which has received it. */
static int converse(void)
{
	conversation_open(&connection, &lane);
	await(connection.fd, POLLOUT);
	connection.slot.quota = 1;
	conversation_ready(&connection, &lane, EPOLLOUT);
	ck_assert_uint_eq(connection.sent, 1);
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	await(fd, POLLIN);
	return fd;
}

/* The kernel has told the connection of the peer's reset; nothing has looked. */
static void await_reset(void)
{
	await(connection.fd, POLLERR);
}

static uint64_t count(enum failure failure)
{
	return lane.figures->failures.count[failure];
}

TEST(a_reset_after_the_end_of_the_stream_is_the_end_of_the_stream)
{
	int peer = converse();

	/* What it leaves unread makes the close a reset, but its end of the stream came first. */
	ck_assert_int_eq(shutdown(peer, SHUT_WR), 0);
	close(peer);
	await_reset();
	pump_one_more();
	ck_assert_int_eq(connection.state, CONNECTION_CLOSED);
	ck_assert_uint_eq(count(FAILURE_EOF), 1);
	ck_assert_uint_eq(count(FAILURE_RESET), 0);
	/* The first was owed; the second was never taken. */
	ck_assert_uint_eq(lane.figures->lost, 1);
	ck_assert_uint_eq(lane.figures->cut_off, 1);
	ck_assert_ptr_null(figures_broken_sum(lane.figures));
	ck_assert_uint_eq(lane.figures->latency.never, 2);
}

static void answer(int peer)
{
	char request[256];
	char reply[256];

	ssize_t len = recv(peer, request, sizeof request, 0);
	ck_assert_int_eq(len, SIZE + 1);
	len = snprintf(reply, sizeof reply, "echo: %.*s", (int)len, request);
	ck_assert_int_eq(send(peer, reply, (size_t)len, 0), len);
}

/* While the thread stood still the server has ended the stream: that is seen before anything is
 * sent. */
TEST(after_a_stall_a_connection_is_looked_at_before_it_sends)
{
	int peer = converse();

	answer(peer);
	await(connection.fd, POLLIN);
	conversation_ready(&connection, &lane, EPOLLIN);
	ck_assert_uint_eq(lane.figures->answered, 1);
	shutdown(peer, SHUT_WR);
	await(connection.fd, POLLRDHUP);
	lane.stalls[lane.stall_count++] = (struct lane_stall){lane.now_ns, lane.now_ns + NS_PER_S};
	pump_one_more();
	ck_assert_int_eq(connection.state, CONNECTION_CLOSED);
	ck_assert_uint_eq(lane.figures->ended_by_server, 1);
	ck_assert_uint_eq(lane.figures->sent, 1);
	close(peer);
}

TEST(a_reset_that_a_send_meets_is_a_reset)
{
	int peer = converse();

	close(peer);
	await_reset();
	pump_one_more();
	ck_assert_int_eq(connection.state, CONNECTION_CLOSED);
	ck_assert_uint_eq(count(FAILURE_EOF), 0);
	ck_assert_uint_eq(count(FAILURE_RESET), 1);
}

SUITE_FIXTURE(set_up, tear_down)
