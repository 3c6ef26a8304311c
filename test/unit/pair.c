/* SPDX-License-Identifier: ISC */
/* pair - the two ends of a TCP connection over loopback. */
#include "pair.h"

#include "common/deadline.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdbool.h>
#include <unistd.h>

#define PATIENCE_MS 60000

struct address pair_loopback(void)
{
	return (struct address){
		.in4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
	};
}

int must_listen(int backlog, const struct socket_options *options, struct address *at)
{
	struct address any_port = pair_loopback();
	int fd = socket_listen(&any_port, &(struct socket_listening){.backlog = backlog}, options);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(socket_local_address(fd, at), 0);
	return fd;
}

int must_dial(const struct address *to)
{
	int fd = socket_dial(to, deadline_after(PATIENCE_MS * NS_PER_MS));
	int on = 1;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
	ck_assert_int_eq(socket_set_timeout(fd, SO_RCVTIMEO, PATIENCE_MS), 0);
	ck_assert_int_eq(socket_set_timeout(fd, SO_SNDTIMEO, PATIENCE_MS), 0);
	return fd;
}

int must_accept(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

struct pair must_pair(const struct socket_options *options)
{
	struct address at;
	struct pair p;
	int listener = must_listen(1, options, &at);

	p.far = must_dial(&at);
	p.near = must_accept(listener);
	close(listener);
	return p;
}

void must_fill(int fd)
{
	static const char bytes[65536];
	int64_t deadline = deadline_after(PATIENCE_MS * NS_PER_MS);
	bool under_way;
	bool took;

	/* What is under way still finds room at the far end, and then there is more at this one. */
	do {
		under_way = socket_untaken(fd) > socket_unsent(fd);
		took = false;
		while (send(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
			took = true;
		ck_assert_int_lt(deadline_now(), deadline);
		sched_yield();
	} while (under_way || took);
}

static void close_if_open(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void pair_close(struct pair *p)
{
	close_if_open(&p->near);
	close_if_open(&p->far);
}
