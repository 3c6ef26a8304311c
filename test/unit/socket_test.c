/* SPDX-License-Identifier: ISC */
/* Proves socket: options reach accepted sockets, dialling keeps its deadline, and what a socket
 * tells about itself. */
#include "common/socket.h"

#include "common/deadline.h"
#include "pair.h"
#include "peer.h"
#include "port.h"
#include "test/mode.h"
#include "test/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/time.h>
#include <unistd.h>

static const struct socket_options plain = {
	.receive_timeout_ns = 5 * NS_PER_S,
	.send_timeout_ns = 5 * NS_PER_S,
	.nodelay = true,
};

static int get_int(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof value;

	ck_assert_int_eq(getsockopt(fd, level, name, &value, &len), 0);
	return value;
}

static int64_t get_timeout_ms(int fd, int which)
{
	struct timeval tv;
	socklen_t len = sizeof tv;

	ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, which, &tv, &len), 0);
	return (int64_t)tv.tv_sec * 1000 + tv.tv_usec / 1000;
}

/* The smallest whole 4 ms that last as long, never 0. */
static const struct {
	int64_t ns;
	int64_t ms;
} roundings[] = {
	{INT64_MIN, 4},
	{-1, 4},
	{0, 4},
	{1, 4},
	{4 * NS_PER_MS - 1, 4},
	{4 * NS_PER_MS, 4},
	{4 * NS_PER_MS + 1, 8},
	{5 * NS_PER_MS, 8},
	{8 * NS_PER_MS, 8},
	{30 * NS_PER_MS, 32},
	{NS_PER_S - 1, 1000},
	{NS_PER_S, 1000},
	{NS_PER_S + 1, 1004},
	{60 * NS_PER_S, 60000},
	{INT64_MAX, INT64_C(1) << 40},
};

TEST_ROWS(a_timeout_is_the_whole_ticks_that_last_as_long, SUITE_COUNT(roundings))
{
	ck_assert_int_eq(socket_timeout_ms(roundings[_i].ns), roundings[_i].ms);
}

TEST(a_timeout_lasts_at_least_as_long_and_less_than_a_tick_longer)
{
	for (int64_t ns = 1; ns < NS_PER_S * 1000000; ns = ns * 4 / 3 + 1) {
		int64_t ms = socket_timeout_ms(ns);
		ck_assert_int_ge(ms * NS_PER_MS, ns);
		ck_assert_int_lt(ms * NS_PER_MS, ns + 4 * NS_PER_MS);
		ck_assert_int_eq(ms % 4, 0);
	}
}

TEST(the_longest_timeout_is_taken_by_the_kernel_and_is_no_zero)
{
	struct pair p = must_pair(&plain);

	ck_assert_int_eq(socket_set_timeout(p.near, SO_RCVTIMEO, socket_timeout_ms(INT64_MAX)), 0);
	ck_assert_int_gt(get_timeout_ms(p.near, SO_RCVTIMEO), 0);
	pair_close(&p);
}

/* What the kernel says of a socket with these options: one of each is on, off, and its least. */
static const struct {
	struct socket_options set;
	int nodelay;
	int keepalive;
	int keep_s; /* of TCP_KEEPIDLE and TCP_KEEPINTVL, in whole seconds and never 0 */
	int user_timeout_ms;
} options[] = {
	{{1200 * NS_PER_MS, 600 * NS_PER_MS, 30 * NS_PER_S, true, ""}, 1, 1, 10, 30000},
	{{100 * NS_PER_MS, 200 * NS_PER_MS, NS_PER_MS, false, ""}, 0, 1, 1, 1},
	{{5 * NS_PER_S, 5 * NS_PER_S, 0, true, ""}, 1, 0, 0, 0},
};

static void has_options(int fd, size_t row)
{
	const struct socket_options *set = &options[row].set;

	ck_assert_int_eq(get_timeout_ms(fd, SO_RCVTIMEO), set->receive_timeout_ns / NS_PER_MS);
	ck_assert_int_eq(get_timeout_ms(fd, SO_SNDTIMEO), set->send_timeout_ns / NS_PER_MS);
	ck_assert_int_eq(get_int(fd, IPPROTO_TCP, TCP_NODELAY) != 0, options[row].nodelay);
	ck_assert_int_eq(get_int(fd, SOL_SOCKET, SO_KEEPALIVE) != 0, options[row].keepalive);
	ck_assert_int_eq(get_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), options[row].user_timeout_ms);
	ck_assert_int_eq(get_int(fd, SOL_SOCKET, SO_OOBINLINE), 1);
	if (!options[row].keepalive)
		return;
	ck_assert_int_eq(get_int(fd, IPPROTO_TCP, TCP_KEEPIDLE), options[row].keep_s);
	ck_assert_int_eq(get_int(fd, IPPROTO_TCP, TCP_KEEPINTVL), options[row].keep_s);
}

TEST_ROWS(
	an_accepted_socket_has_the_listener_s_options_and_can_be_given_others, SUITE_COUNT(options))
{
	struct pair p = must_pair(&options[_i].set);

	has_options(p.near, (size_t)_i);
	for (size_t other = 0; other < SUITE_COUNT(options); other++) {
		ck_assert_int_eq(socket_set_options(p.near, &options[other].set), 0);
		has_options(p.near, other);
	}
	pair_close(&p);
}

TEST(what_is_no_socket_is_an_error_by_its_errno)
{
	struct address untouched = pair_loopback();
	struct address a = untouched;
	int pipes[2];

	ck_assert_int_eq(pipe(pipes), 0);
	ck_assert_int_eq(socket_set_options(-1, &plain), -EBADF);
	ck_assert_int_eq(socket_set_options(pipes[0], &plain), -ENOTSOCK);
	ck_assert_int_eq(socket_set_timeout(pipes[0], SO_RCVTIMEO, 4), -ENOTSOCK);
	ck_assert_int_eq(socket_local_address(pipes[0], &a), -ENOTSOCK);
	ck_assert(address_equal(&a, &untouched));
	ck_assert_int_eq(socket_unread(-1), -EBADF);
	ck_assert(!socket_fin_received(pipes[0]));
	ck_assert(!socket_fin_received(-1));
	close(pipes[0]);
	close(pipes[1]);
}

TEST(a_listener_is_close_on_exec_and_blocking_and_may_reuse_its_address)
{
	struct address at;
	int fd = must_listen(1, &plain, &at);

	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_ne(get_int(fd, SOL_SOCKET, SO_REUSEADDR), 0);
	ck_assert_int_ne(get_int(fd, SOL_SOCKET, SO_ACCEPTCONN), 0);
	ck_assert_uint_ne(address_port(&at), 0);
	close(fd);
}

TEST_ROWS(v6only_is_what_was_asked_whatever_the_system_s_default, 2)
{
	struct address at = {.in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT}};
	struct address bound;
	int fd = socket_listen(&at, &(struct socket_listening){.v6only = _i, .backlog = 1}, &plain);

	if (fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL)
		SUITE_SKIP("this machine has no IPv6");
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(get_int(fd, IPPROTO_IPV6, IPV6_V6ONLY), _i);

	/* And means it: IPv4 clients get in, or not. */
	ck_assert_int_eq(socket_local_address(fd, &bound), 0);
	struct address four = pair_loopback();
	four.in4.sin_port = bound.in6.sin6_port;
	int client = socket_dial(&four, deadline_after(60 * NS_PER_S));
	if (_i)
		ck_assert_int_eq(client, -ECONNREFUSED);
	else
		ck_assert_int_ge(client, 0);
	if (client >= 0)
		close(client);
	close(fd);
}

static int lowest_free(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

TEST(a_failed_listen_or_dial_is_an_errno_and_leaks_no_descriptor)
{
	struct address at;
	struct address free_at = pair_loopback();
	int listener = must_listen(1, &plain, &at);
	int reserved = must_reserve(&free_at);
	int before = lowest_free();

	ck_assert_int_eq(
		socket_listen(&at, &(struct socket_listening){.backlog = 1}, &plain), -EADDRINUSE);
	ck_assert_int_eq(socket_dial(&free_at, deadline_after(60 * NS_PER_S)), -ECONNREFUSED);
	ck_assert_int_eq(socket_dial(&at, deadline_now() - 1), -ETIMEDOUT);
	ck_assert_int_eq(lowest_free(), before);
	close(reserved);
	close(listener);
}

TEST(a_dialled_socket_is_blocking_and_close_on_exec)
{
	struct address at;
	int listener = must_listen(1, &plain, &at);
	int fd = socket_dial(&at, DEADLINE_NEVER);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	close(fd);
	close(listener);
}

/* A queue that is full drops the handshake: the one black hole that can be had without a network.
 */
TEST_TIMED(dialling_a_full_listener_gives_up_at_the_deadline)
{
	const int64_t patience = 120 * NS_PER_MS;
	struct address at;
	int listener = must_listen(0, &plain, &at);
	int queued[8];
	size_t count = 0;
	int fd = 0;

	/* The first ones fill it: one in any case. */
	queued[count++] = must_dial(&at);
	while (count < SUITE_COUNT(queued)) {
		int64_t start = deadline_now();
		fd = socket_dial(&at, deadline_from(start, patience));
		if (fd < 0) {
			mode_check_window(start, patience);
			break;
		}
		queued[count++] = fd;
	}
	ck_assert_int_eq(fd, -ETIMEDOUT);
	while (count > 0)
		close(queued[--count]);
	close(listener);
}

TEST(unread_bytes_are_counted_and_a_fin_is_not_one)
{
	struct pair p = must_pair(&plain);
	char got[3];

	ck_assert_int_eq(socket_unread(p.near), 0);
	must_send_text(p.far, "abc");
	ck_assert_int_eq(socket_unread(p.near), 3);
	must_send_text(p.far, "de");
	must_half_close(p.far);
	ck_assert_int_eq(socket_unread(p.near), 5);
	must_receive(p.near, got, 3);
	ck_assert_int_eq(socket_unread(p.near), 2);
	must_receive(p.near, got, 2);
	ck_assert_int_eq(socket_unread(p.near), 0);
	pair_close(&p);
}

TEST(untaken_and_unsent_bytes_are_those_that_the_peer_s_kernel_has_no_room_for)
{
	static char bytes[65536];
	struct pair p = must_pair(&plain);

	ck_assert_int_eq(socket_untaken(p.near), 0);
	ck_assert_int_eq(socket_unsent(p.near), 0);
	while (send(p.near, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
		continue;
	ck_assert_int_gt(socket_untaken(p.near), 0);
	ck_assert_int_gt(socket_unsent(p.near), 0);
	ck_assert_int_eq(socket_unsent(-1), -EBADF);
	ck_assert_int_eq(socket_untaken(-1), -EBADF);
	pair_close(&p);
}

TEST(only_the_peer_s_fin_is_seen_even_after_unread_bytes_and_shut_rd)
{
	struct pair p = must_pair(&plain);

	must_half_close(p.far);
	ck_assert(!socket_fin_received(p.far));
	ck_assert(socket_fin_received(p.near));
	pair_close(&p);
	p = must_pair(&plain);
	must_send_text(p.far, "abc");
	/* Our own closing of the reading side is not the peer's FIN. */
	ck_assert_int_eq(shutdown(p.near, SHUT_RD), 0);
	ck_assert(!socket_fin_received(p.near));
	must_half_close(p.far);
	ck_assert(socket_fin_received(p.near));
	pair_close(&p);
}

TEST_ROWS(close_sends_rst_only_when_it_was_asked_to, 2)
{
	struct pair p = must_pair(&plain);

	if (_i)
		socket_reset_on_close(p.near);
	close(p.near);
	p.near = -1;
	ck_assert_int_eq(peer_reads_to_end(p.far, NULL), _i ? ECONNRESET : 0);
	pair_close(&p);
}
