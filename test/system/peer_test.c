/* SPDX-License-Identifier: ISC */
/*
 * peer - a peer whose network has gone.
 *
 * The test makes a network namespace of its own, in which it may take the loopback interface down: from then on not a
 * segment of the connection arrives, and nobody is told.
 */
#include "client.h"
#include "test/suite.h"

#include "common/deadline.h"

#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static bool set_loopback(bool up)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = (short)(up ? IFF_UP : 0)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool done = ioctl(fd, SIOCSIFFLAGS, &request) == 0;

	close(fd);
	return done;
}

/* A namespace of our own, as root or as a user who may make one. */
static bool enter_namespace(void)
{
	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return false;
	return set_loopback(true);
}

struct cut_off {
	const char *what;
	struct server server;
	size_t threads;
	int fd;
};

/* One whose client has been answered, and is owed nothing, or a reply that its window does not take. */
static void begin(struct cut_off *c, const char *what, const char *service, bool reply_in_flight)
{
	static char bulk[1 << 16];
	char where[32];
	char got[64];

	c->what = what;
	snprintf(where, sizeof where, "127.0.0.1:0=%s", service);
	SERVER_START(&c->server, "-l", where, "-o", "tcp.dead_after=3s", "-o", "threads.parked=0");
	c->threads = server_count_proc(&c->server, "task");
	c->fd = client_connect_small(&c->server, 4096);
	CLIENT_SAY(c->fd, "hello\n");
	ck_assert_int_gt(recv(c->fd, got, sizeof got, 0), 0);
	if (reply_in_flight)
		client_send(c->fd, bulk, sizeof bulk);
}

static void expect_dead(struct cut_off *c, int64_t cut_ns)
{
	char *line = server_await_log(&c->server, "event=closed");

	bound_check("A23", c->what, deadline_now() - cut_ns, 3900 * NS_PER_MS);
	ck_assert_msg(strstr(line, " end=unreachable "), "%s", line);
	free(line);
	server_await_proc(&c->server, "task", c->threads);
}

TEST_TIMED(the_thread_of_a_peer_that_died_ends_idle_or_during_a_reply)
{
	struct cut_off idle;
	struct cut_off owed;

	if (!enter_namespace())
		SUITE_SKIP("no network namespace may be made here (run it as root)");
	begin(&idle, "idle peer cut off, configured 3 s", "line", false);
	begin(&owed, "peer cut off during a reply, configured 3 s", "echo", true);
	int64_t began = deadline_now();
	ck_assert(set_loopback(false));
	expect_dead(&idle, began);
	expect_dead(&owed, began);
	ck_assert(set_loopback(true));
	close(idle.fd);
	close(owed.fd);
	ck_assert_int_eq(server_stop(&idle.server), 0);
	ck_assert_int_eq(server_stop(&owed.server), 0);
}
