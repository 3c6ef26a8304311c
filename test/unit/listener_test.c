/* SPDX-License-Identifier: ISC */
/* Proves listener and port_owner where no scene does: the queue, and which socket does not own a port. */
#include "server/door/listener.h"

#include "common/deadline.h"
#include "pair.h"
#include "peer.h"
#include "rig.h"
#include "server/door/port_owner.h"
#include "test/suite.h"

#include <errno.h>
#include <linux/capability.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

/* A listener at 127.0.0.1, with this backlog. */
static struct listener *must_open(const char *backlog)
{
	static struct listener *listeners;
	size_t count;

	rig_begin();
	rig_set("listen.backlog", backlog);
	rig_add_endpoint("127.0.0.1:0", "line")->network = NETWORK_TCP4;
	ck_assert_int_eq(listener_open_all(rig.settings, &listeners, &count), EX_OK);
	return listeners;
}

/* The owner of a port. */

static bool has_owner(const struct address *at)
{
	struct port_owner owner;

	return port_owner_find(at, &owner);
}

TEST(no_other_socket_than_a_listener_at_the_address_owns_it)
{
	const struct socket_options options = {.receive_timeout_ns = 1, .send_timeout_ns = 1};
	struct address at;
	int fd = must_listen(1, &options, &at);

	ck_assert(has_owner(&at));
	at.in4.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	ck_assert(!has_owner(&at));
	at.in4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	close(fd);
	ck_assert(!has_owner(&at));
	/* Connected, or bound alone. */
	struct pair p = must_pair(&options);
	ck_assert_int_eq(socket_local_address(p.far, &at), 0);
	ck_assert(!has_owner(&at));
	at = pair_loopback();
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fd, &at.any, address_size(&at)), 0);
	ck_assert_int_eq(socket_local_address(fd, &at), 0);
	ck_assert(!has_owner(&at));
}

/* The queue. */

static bool three_are_queued(void *l)
{
	return listener_queued(l) == 3;
}

TEST(other_settings_leave_those_in_the_queue_unset)
{
	struct endpoint other;

	struct listener *l = must_open("4");
	for (int i = 0; i < 3; i++)
		must_dial(&l->bound);
	await(three_are_queued, l);
	other = rig.settings->endpoints[0];
	other.backlog = 2;
	listener_set_endpoint(l, &other);
	/* The queue, the larger backlog of the two, and one. */
	ck_assert_uint_eq(l->unset, 3 + 4 + 1);
	ck_assert_ptr_eq(l->endpoint, &other);
	listener_set_endpoint(l, &other);
	ck_assert_uint_eq(l->unset, 3 + 2 + 1);
	must_accept(l->fd);
	ck_assert_uint_eq(listener_queued(l), 2);
}

static void drop_privilege(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	ck_assert_int_eq(syscall(SYS_capget, &header, data), 0);
	data[0].effective &= ~(1U << CAP_NET_ADMIN);
	ck_assert_int_eq(syscall(SYS_capset, &header, data), 0);
}

/* The client believes itself connected; its last packet of the handshake waits until it sends. */
static int must_dial_half(const struct address *at)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int seconds = 1;

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

/* With CAP_NET_ADMIN, if we have it, or without. */
TEST_ROWS(once_syns_are_dropped_only_clients_from_before_get_in, 2)
{
	struct listener *l = must_open("1024");
	if (!_i)
		drop_privilege();
	int one = must_dial(&l->bound);
	int accepted = must_accept(l->fd);
	int two = must_dial(&l->bound);
	int three = must_dial_half(&l->bound);
	listener_drop_syns(l);
	ck_assert_int_eq(socket_dial(&l->bound, deadline_after(300 * NS_PER_MS)), -ETIMEDOUT);
	int queued = must_accept(l->fd);
	listener_admit(l, queued);
	check_hears(one, accepted, "one");
	check_hears(two, queued, "two");
	must_send_text(three, "three");
	int late = must_accept(l->fd);
	listener_admit(l, late);
	peer_expects(late, "three");
	check_hears(three, late, "again");
}
