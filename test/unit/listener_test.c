/* SPDX-License-Identifier: ISC */
/* Proves listener and listen_failure: unset options, failures, and the end of the queue. */
#include "server/door/listener.h"

#include "capture.h"
#include "common/deadline.h"
#include "pair.h"
#include "passed.h"
#include "peer.h"
#include "rig.h"
#include "server/log.h"
#include "server/settings/options.h"
#include "test/suite.h"

#include <errno.h>
#include <linux/capability.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

static struct listener *listeners;
static size_t count;

static void begin(void)
{
	capture_begin(STDERR_FILENO);
	log_open(LOG_INFO, LOG_LOGFMT);
	rig_begin();
}

static struct endpoint *add(enum network network, const char *host, unsigned port)
{
	char text[300];

	snprintf(text, sizeof text, "%s:%u", host, port);
	struct endpoint *e = rig_add_endpoint(text, "line");
	e->network = network;
	return e;
}

static int open_all(void)
{
	return listener_open_all(rig.settings, &listeners, &count);
}

static void must_open_all(void)
{
	ck_assert_msg(open_all() == EX_OK, "%s", capture_text(STDERR_FILENO));
}

static void check_told(const char *words)
{
	ck_assert_msg(capture_count(STDERR_FILENO, words) == 1, "not once %s in:\n%s", words,
		capture_text(STDERR_FILENO));
}

static bool three_are_queued(void *l)
{
	return listener_queued(l) == 3;
}

TEST(other_settings_leave_those_in_the_queue_unset)
{
	struct endpoint other;

	begin();
	rig_set("listen.backlog", "4");
	add(NETWORK_TCP4, "127.0.0.1", 0);
	must_open_all();
	ck_assert_uint_eq(listener_queued(&listeners[0]), 0);
	for (int i = 0; i < 3; i++)
		must_dial(&listeners[0].bound);
	await(three_are_queued, &listeners[0]);
	other = rig.settings->endpoints[0];
	other.backlog = 2;
	listener_set_endpoint(&listeners[0], &other);
	/* The queue, the larger backlog of the two, and one. */
	ck_assert_uint_eq(listeners[0].unset, 3 + 4 + 1);
	ck_assert_ptr_eq(listeners[0].endpoint, &other);
	listener_set_endpoint(&listeners[0], &other);
	ck_assert_uint_eq(listeners[0].unset, 3 + 2 + 1);
	must_accept(listeners[0].fd);
	ck_assert_uint_eq(listener_queued(&listeners[0]), 2);
}

/* Failures. */

static const struct {
	enum network network;
	const char *host;
	int status;
	const char *words; /* after the address */
} failures[] = {
	{NETWORK_TCP4, "[::1]", EX_NOHOST, " error=\"it has no IPv4 address\"\n"},
	{NETWORK_TCP6, "127.0.0.1", EX_NOHOST, " error=\"it has no IPv6 address\"\n"},
	{NETWORK_TCP4, "127.0.0.1", EX_UNAVAILABLE,
		" error=\"Address already in use\" "
		"port_owner=\"another listener of this server\"\n"},
};

TEST_ROWS(a_failure_is_told_once_and_closes_every_socket, SUITE_COUNT(failures))
{
	char where[64];
	char words[256];

	begin();
	const struct address passed = passed_listen(0);
	const struct address other = passed_listen(1);
	unsigned taken = address_port(&other);
	passed_tell(1, NULL);
	size_t before = open_descriptors();
	add(NETWORK_TCP4, "127.0.0.1", 0);
	add(failures[_i].network, failures[_i].host, taken);
	add(NETWORK_TCP4, "127.0.0.1", address_port(&passed));
	ck_assert_int_eq(open_all(), failures[_i].status);
	ck_assert_uint_eq(open_descriptors(), before - 1);
	ck_assert(!passed_is_open(0));
	snprintf(where, sizeof where, "%s:%u", failures[_i].host, taken);
	snprintf(words, sizeof words, " level=error event=cannot_listen listener=%s address=%s%s",
		where, where, failures[_i].words);
	check_told(words);
	check_told("\n");
}

/* For the operator. */

static const struct {
	enum network network;
	const char *address;
	const char *service;
	const char *bound;
	const char *before; /* the port in the command to try */
	const char *after;
} announcements[] = {
	{NETWORK_TCP4, "127.0.0.1:0", "line", "127.0.0.1", "echo hello | nc -N 127.0.0.1 ", ""},
	{NETWORK_TCP6, ":0", "line", "[::]", "echo hello | nc -N ::1 ", ""},
	{NETWORK_TCP6, "[::1]:0", "frame", "[::1]",
		"printf '\\\\0\\\\0\\\\0\\\\5hello' | nc -N ::1 ", " | od -c"},
};

TEST_ROWS(a_listener_is_announced_with_what_was_really_bound_and_how_to_try_it,
	SUITE_COUNT(announcements))
{
	char words[512];

	begin();
	rig_add_endpoint(announcements[_i].address, announcements[_i].service)->network =
		announcements[_i].network;
	if (open_all() != EX_OK && capture_count(STDERR_FILENO, "Address family not supported"))
		SUITE_SKIP("this machine has no IPv6");
	listener_announce(&listeners[0]);
	unsigned port = address_port(&listeners[0].bound);
	snprintf(words, sizeof words,
		" event=listening listener=%s service=%s network=%s address=%s:%u try=\"%s%u%s\"\n",
		announcements[_i].address, announcements[_i].service,
		address_network_name(announcements[_i].network), announcements[_i].bound, port,
		announcements[_i].before, port, announcements[_i].after);
	check_told(words);
}

/* The end of the queue. */

/* With CAP_NET_ADMIN, if we have it, or without. */
static void open_with_privilege(bool privileged)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	begin();
	add(NETWORK_TCP4, "127.0.0.1", 0);
	must_open_all();
	if (privileged)
		return;
	ck_assert_int_eq(syscall(SYS_capget, &header, data), 0);
	data[0].effective &= ~(1U << CAP_NET_ADMIN);
	ck_assert_int_eq(syscall(SYS_capset, &header, data), 0);
}

/* The client believes itself connected; its last packet of the handshake waits until it sends. */
static int must_dial_half(const struct address *at)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int seconds = 1;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(
		setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof seconds), 0);
	ck_assert_int_eq(connect(fd, &at->any, address_size(at)), 0);
	return fd;
}

static void check_hears(int client, int ours, const char *text)
{
	must_send_text(client, text);
	peer_expects(ours, text);
}

TEST_ROWS(once_syns_are_dropped_only_clients_from_before_get_in, 2)
{
	open_with_privilege(_i);
	int one = must_dial(&listeners[0].bound);
	int accepted = must_accept(listeners[0].fd);
	int two = must_dial(&listeners[0].bound);
	int three = must_dial_half(&listeners[0].bound);
	listener_drop_syns(&listeners[0]);
	ck_assert_int_eq(
		socket_dial(&listeners[0].bound, deadline_after(300 * NS_PER_MS)), -ETIMEDOUT);
	int queued = must_accept(listeners[0].fd);
	listener_admit(&listeners[0], queued);
	check_hears(one, accepted, "one");
	check_hears(two, queued, "two");
	must_send_text(three, "three");
	int late = must_accept(listeners[0].fd);
	listener_admit(&listeners[0], late);
	peer_expects(late, "three");
	check_hears(three, late, "again");
}
