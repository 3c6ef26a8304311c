/* SPDX-License-Identifier: ISC */
/*
 * peer - a peer whose network has gone.
 *
 * The test makes a network namespace of its own, in which it may take the loopback interface down: from then on not a
 * segment of the connection arrives, and nobody is told.
 */
#include "client.h"
#include "suite.h"

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

static void expect_dead_after(const char *what, const char *service, bool reply_in_flight)
{
	struct server s;
	char where[32];

	snprintf(where, sizeof where, "127.0.0.1:0=%s", service);
	SERVER_START(&s, "-l", where, "-o", "tcp.dead_after=3s", "-o", "threads.parked=0");
	size_t threads = server_count_proc(&s, "task");
	int fd = client_connect_small(&s, 4096);
	CLIENT_SAY(fd, "hello\n");
	char got[64];
	ck_assert_int_gt(recv(fd, got, sizeof got, 0), 0);
	/* More than the client's window takes: a reply is under way when the network goes. */
	static char bulk[1 << 16];
	if (reply_in_flight)
		client_send(fd, bulk, sizeof bulk);
	int64_t began = deadline_now();
	ck_assert(set_loopback(false));
	char *line = server_await_log(&s, "event=closed");
	int64_t took = deadline_now() - began;
	ck_assert_msg(strstr(line, " end=unreachable "), "%s", line);
	free(line);
	printf("figure A23: %s: %.1f s (bound 3.9 s)\n", what, (double)took / 1e9);
	ck_assert_int_le(took, 39 * NS_PER_S);
	server_await_proc(&s, "task", threads);
	ck_assert(set_loopback(true));
	close(fd);
	ck_assert_int_eq(server_stop(&s), 0);
}

START_TEST(A23_the_thread_of_an_idle_peer_that_died_ends)
{
	if (!enter_namespace())
		SUITE_SKIP_TEST("no network namespace to be had");
	expect_dead_after("idle peer cut off, configured 3 s", "line", false);
}
END_TEST

START_TEST(A23_the_thread_of_a_peer_that_died_during_a_reply_ends)
{
	if (!enter_namespace())
		SUITE_SKIP_TEST("no network namespace to be had");
	expect_dead_after("peer cut off during a reply, configured 3 s", "echo", true);
}
END_TEST

int main(void)
{
	return suite_run("peer",
		(const struct suite_test[]){
			{A23_the_thread_of_an_idle_peer_that_died_ends, true},
			{A23_the_thread_of_a_peer_that_died_during_a_reply_ends, true},
			{NULL, false},
		});
}
