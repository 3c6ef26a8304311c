/* SPDX-License-Identifier: ISC */
/* Proves port_owner: a process is found by the port on which it listens, and by no other. */
#include "server/door/port_owner.h"

#include "pair.h"
#include "test/suite.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static const struct socket_options options = {.receive_timeout_ns = 1, .send_timeout_ns = 1};

static void check(const struct address *at, bool found)
{
	struct port_owner owner;

	ck_assert(port_owner_find(at, &owner) == found);
	if (!found)
		return;
	ck_assert_int_eq(owner.pid, getpid());
	/* As in /proc/PID/comm. */
	ck_assert_int_eq(strncmp(owner.name, program_invocation_short_name, 15), 0);
}

TEST(a_listener_collides_with_its_own_address_and_with_wildcards)
{
	struct address at;
	int fd = must_listen(1, &options, &at);

	check(&at, true);
	at.in4.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	check(&at, false);
	at.in4.sin_addr.s_addr = htonl(INADDR_ANY);
	check(&at, true);
	close(fd);
	check(&at, false);
}

TEST(so_does_one_of_ipv6)
{
	const struct address loopback = {
		.in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT}};
	const struct socket_listening how = {.v6only = true, .backlog = 1};
	struct address at;
	int fd = socket_listen(&loopback, &how, &options);

	if (fd < 0)
		SUITE_SKIP("this machine has no IPv6");
	ck_assert_int_eq(socket_local_address(fd, &at), 0);
	check(&at, true);
}

TEST(a_socket_that_does_not_listen_is_none)
{
	struct address at = pair_loopback();
	struct pair p = must_pair(&options);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(bind(fd, &at.any, address_size(&at)), 0);
	ck_assert_int_eq(socket_local_address(fd, &at), 0);
	check(&at, false);
	ck_assert_int_eq(socket_local_address(p.far, &at), 0);
	check(&at, false);
}
