/* SPDX-License-Identifier: ISC */
/* port - a port that is the test's for as long as it wants. */
#include "port.h"

#include "common/socket.h"

#include <check.h>
#include <netinet/in.h>
#include <sys/socket.h>

int must_reserve(struct address *at)
{
	const int on = 1;
	const int off = 0;
	int fd = socket(at->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
	if (at->any.sa_family == AF_INET6)
		ck_assert_int_eq(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off), 0);
	ck_assert_int_eq(bind(fd, &at->any, address_size(at)), 0);
	ck_assert_int_eq(socket_local_address(fd, at), 0);
	return fd;
}
