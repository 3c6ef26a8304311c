/* SPDX-License-Identifier: ISC */
/* Proves holder: the process that listens is found by its port, and nobody else is. */
#include "server/door/port_owner.h"

#include "pair.h"
#include "test/suite.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct socket_options options = {
	.receive_timeout_ns = 1000000000,
	.send_timeout_ns = 1000000000,
};

static void check_finds_us(const struct address *at)
{
	struct port_owner owner;
	char name[32] = "";
	FILE *file = fopen("/proc/self/comm", "re");

	ck_assert_ptr_nonnull(file);
	ck_assert_ptr_nonnull(fgets(name, sizeof name, file));
	fclose(file);
	name[strcspn(name, "\n")] = '\0';
	ck_assert(port_owner_find(at, &owner));
	ck_assert_int_eq(owner.pid, getpid());
	ck_assert_str_eq(owner.name, name);
}

TEST(our_own_listening_socket_is_found)
{
	struct address at;

	must_listen(1, &options, &at);
	check_finds_us(&at);
}

TEST(one_of_ipv6_is_found)
{
	const struct address any = {
		.in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT}};
	struct address at;
	int fd = socket_listen(
		&any, &(struct socket_listening){.v6only = true, .backlog = 1}, &options);

	if (fd < 0)
		return;
	ck_assert_int_eq(socket_local_address(fd, &at), 0);
	check_finds_us(&at);
}

TEST(a_port_that_is_bound_and_not_listened_on_has_no_holder)
{
	struct address at = pair_loopback();
	struct port_owner owner;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, &at.any, address_size(&at)), 0);
	ck_assert_int_eq(socket_local_address(fd, &at), 0);
	ck_assert(!port_owner_find(&at, &owner));
}

TEST(a_connection_from_the_port_is_no_listener)
{
	struct port_owner owner;
	struct address at;
	struct pair p = must_pair(&options);

	ck_assert_int_eq(socket_local_address(p.far, &at), 0);
	ck_assert(!port_owner_find(&at, &owner));
}

TEST(a_listener_on_the_port_of_another_address_is_not_in_the_way)
{
	struct port_owner owner;
	struct address at;
	int fd = must_listen(1, &options, &at);

	check_finds_us(&at);
	at.in4.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	ck_assert(!port_owner_find(&at, &owner));
	/* A wildcard would collide with it. */
	at.in4.sin_addr.s_addr = htonl(INADDR_ANY);
	check_finds_us(&at);
	close(fd);
}

TEST(a_listener_that_was_closed_has_no_holder)
{
	struct port_owner owner;
	struct address at;

	close(must_listen(1, &options, &at));
	ck_assert(!port_owner_find(&at, &owner));
}
