/* SPDX-License-Identifier: ISC */
/* Proves listener: the families on one port, each failure with its status and words, and sockets
 * that were passed. */
#include "server/door/listener.h"

#include "capture.h"
#include "common/deadline.h"
#include "json.h"
#include "pair.h"
#include "passed.h"
#include "peer.h"
#include "port.h"
#include "rig.h"
#include "server/log.h"
#include "server/settings/options.h"
#include "server/succession/predecessor.h"
#include "test/suite.h"

#include <errno.h>
#include <linux/capability.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
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

static bool has_ipv6(void)
{
	const struct address any = {
		.in6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT}};
	const struct socket_options options = {.receive_timeout_ns = 1, .send_timeout_ns = 1};
	int fd = socket_listen(
		&any, &(struct socket_listening){.v6only = true, .backlog = 1}, &options);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static int must_get(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof value;

	ck_assert_int_eq(getsockopt(fd, level, name, &value, &len), 0);
	return value;
}

/* The bind matrix. */

/* Both on one port, in this order.  Returns listener_open_all()'s status. */
static int open_both(enum network first, enum network second)
{
	struct address all = {.in6 = {.sin6_family = AF_INET6}};
	int reserved = must_reserve(&all);
	unsigned port = address_port(&all);

	add(first, "", port);
	add(second, "", port);
	int status = open_all();
	close(reserved);
	return status;
}

static const struct {
	enum network first;
	enum network second;
	bool both;
} matrix[] = {
	{NETWORK_TCP4, NETWORK_TCP6, true},
	{NETWORK_TCP6, NETWORK_TCP4, true},
	{NETWORK_TCP, NETWORK_TCP, false},
	{NETWORK_TCP, NETWORK_TCP4, false},
	{NETWORK_TCP, NETWORK_TCP6, false},
	{NETWORK_TCP4, NETWORK_TCP, false},
	{NETWORK_TCP6, NETWORK_TCP, false},
	{NETWORK_TCP4, NETWORK_TCP4, false},
	{NETWORK_TCP6, NETWORK_TCP6, false},
};

TEST_ROWS(tcp4_and_tcp6_share_a_port_and_tcp_shares_with_neither, SUITE_COUNT(matrix))
{
	if (!has_ipv6())
		SUITE_SKIP("this machine has no IPv6");
	begin();
	int status = open_both(matrix[_i].first, matrix[_i].second);
	ck_assert_int_eq(status, matrix[_i].both ? EX_OK : EX_UNAVAILABLE);
	if (!matrix[_i].both)
		return;
	ck_assert_uint_eq(count, 2);
	ck_assert_uint_eq(address_port(&listeners[0].bound), address_port(&listeners[1].bound));
}

static const struct {
	enum network network;
	const char *host;
	int v6only;
} families[] = {
	{NETWORK_TCP, "", 0},
	{NETWORK_TCP6, "", 1},
	{NETWORK_TCP, "[::1]", 1},
	{NETWORK_TCP6, "[::1]", 1},
};

TEST_ROWS(v6only_is_set_where_one_family_is_meant, SUITE_COUNT(families))
{
	if (!has_ipv6())
		SUITE_SKIP("this machine has no IPv6");
	begin();
	add(families[_i].network, families[_i].host, 0);
	must_open_all();
	ck_assert_int_eq(must_get(listeners[0].fd, IPPROTO_IPV6, IPV6_V6ONLY), families[_i].v6only);
}

TEST(a_dual_stack_listener_takes_clients_of_both_families)
{
	if (!has_ipv6())
		SUITE_SKIP("this machine has no IPv6");
	begin();
	add(NETWORK_TCP, "", 0);
	must_open_all();
	in_port_t port = listeners[0].bound.in6.sin6_port;
	struct address four = pair_loopback();
	four.in4.sin_port = port;
	const struct address six = {.in6 = {.sin6_family = AF_INET6,
					    .sin6_port = port,
					    .sin6_addr = IN6ADDR_LOOPBACK_INIT}};
	must_dial(&four);
	must_dial(&six);
	must_accept(listeners[0].fd);
	must_accept(listeners[0].fd);
}

/* Options. */

TEST(the_listener_has_the_options_of_its_connections)
{
	struct timeval receive;
	struct timeval send;
	socklen_t len = sizeof receive;

	begin();
	rig_set("timeouts.idle", "7s");
	rig_set("timeouts.reply", "9s");
	rig_set("tcp.dead_after", "30s");
	add(NETWORK_TCP4, "127.0.0.1", 0);
	must_open_all();
	/* And so has what is accepted. */
	must_dial(&listeners[0].bound);
	const int fds[] = {listeners[0].fd, must_accept(listeners[0].fd)};
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(getsockopt(fds[i], SOL_SOCKET, SO_RCVTIMEO, &receive, &len), 0);
		ck_assert_int_eq(getsockopt(fds[i], SOL_SOCKET, SO_SNDTIMEO, &send, &len), 0);
		ck_assert_int_eq(receive.tv_sec, 7);
		ck_assert_int_eq(send.tv_sec, 9);
		ck_assert_int_eq(must_get(fds[i], IPPROTO_TCP, TCP_NODELAY), 1);
		ck_assert_int_eq(must_get(fds[i], IPPROTO_TCP, TCP_USER_TIMEOUT), 30000);
		ck_assert_int_eq(must_get(fds[i], SOL_SOCKET, SO_KEEPALIVE), 1);
		ck_assert_int_eq(must_get(fds[i], IPPROTO_TCP, TCP_KEEPIDLE), 10);
	}
	ck_assert_uint_eq(listeners[0].unset, 0);
	ck_assert(!listeners[0].shared);
}

TEST(several_listeners_are_opened_in_their_order)
{
	begin();
	add(NETWORK_TCP4, "127.0.0.1", 0);
	add(NETWORK_TCP4, "127.0.0.1", 0);
	add(NETWORK_TCP4, "127.0.0.1", 0);
	must_open_all();
	ck_assert_uint_eq(count, 3);
	for (size_t i = 0; i < count; i++)
		ck_assert_ptr_eq(listeners[i].endpoint, &rig.settings->endpoints[i]);
	ck_assert_str_eq(capture_text(STDERR_FILENO), "");
}

/* Failures. */

TEST(a_port_that_is_taken_is_told_with_its_holder_and_nothing_stays_open)
{
	const struct socket_options options = {.receive_timeout_ns = 1, .send_timeout_ns = 1};
	struct address at;
	char words[256];

	begin();
	int other = must_listen(1, &options, &at);
	size_t before = open_descriptors();
	add(NETWORK_TCP4, "127.0.0.1", 0);
	add(NETWORK_TCP4, "127.0.0.1", address_port(&at));
	add(NETWORK_TCP4, "127.0.0.1", 0);
	ck_assert_int_eq(open_all(), EX_UNAVAILABLE);
	ck_assert_uint_eq(open_descriptors(), before);
	snprintf(words, sizeof words,
		" level=error event=cannot_listen listener=127.0.0.1:%u address=127.0.0.1:%u "
		"error=\"Address already in use\" port_owner=\"another listener of this server\"",
		(unsigned)address_port(&at), (unsigned)address_port(&at));
	ck_assert_uint_eq(capture_count(STDERR_FILENO, words), 1);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, "\n"), 1);
	close(other);
}

TEST(an_address_that_is_not_here_is_told_with_those_that_are)
{
	begin();
	add(NETWORK_TCP4, "192.0.2.1", 0);
	ck_assert_int_eq(open_all(), EX_UNAVAILABLE);
	ck_assert_uint_eq(
		capture_count(STDERR_FILENO,
			" address=192.0.2.1:0 error=\"Cannot assign requested address\" local_addresses="),
		1);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, "127.0.0.1"), 1);
}

static const struct {
	enum network network;
	const char *host;
	const char *error;
} lookups[] = {
	{NETWORK_TCP4, "[::1]", "it has no IPv4 address"},
	{NETWORK_TCP6, "127.0.0.1", "it has no IPv6 address"},
};

TEST_ROWS(an_address_of_the_other_family_is_told, SUITE_COUNT(lookups))
{
	char words[128];

	begin();
	add(lookups[_i].network, lookups[_i].host, 7007);
	ck_assert_int_eq(open_all(), EX_NOHOST);
	snprintf(words, sizeof words, " address=%s:7007 error=\"%s\"\n", lookups[_i].host,
		lookups[_i].error);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, words), 1);
}

/* Sockets that were passed. */

/* After open_all_from_predecessor(): is there a descriptor that nobody has taken? */
static bool left_open[PASSED_MAX];

static int open_all_with(const int *fds, int passed, const char *names)
{
	passed_begin(fds, passed, getpid(), names);
	int status = open_all();
	for (size_t i = 0; i < count; i++)
		listeners[i].fd = passed_lift(listeners[i].fd);
	passed_end();
	return status;
}

/* The same from a predecessor. */
static int open_all_from_predecessor(
	const int *fds, int passed, const char *names, const char *origins)
{
	passed_begin(fds, passed, getpid(), names);
	passed_as_handover(origins);
	int status = open_all();
	predecessor_tell_ready();
	for (size_t i = 0; i < count; i++)
		listeners[i].fd = passed_lift(listeners[i].fd);
	for (int i = 0; i < passed; i++)
		left_open[i] = passed_is_open(i);
	passed_end();
	return status;
}

static int must_listen_plainly(struct address *at)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*at = pair_loopback();
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, &at->any, address_size(at)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(socket_local_address(fd, at), 0);
	return fd;
}

TEST(a_passed_socket_is_adopted_with_the_options_and_the_next_connections_are_set)
{
	struct address at;
	struct timeval timeout;
	socklen_t len = sizeof timeout;
	int fd = must_listen_plainly(&at);

	begin();
	struct endpoint *e = add(NETWORK_TCP4, "127.0.0.1", address_port(&at));
	e->backlog = 10;
	ck_assert_int_eq(open_all_with(&fd, 1, NULL), EX_OK);
	ck_assert_uint_eq(count, 1);
	ck_assert(listeners[0].shared);
	ck_assert_uint_eq(listeners[0].unset, 11);
	ck_assert(address_equal(&listeners[0].bound, &at));
	ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, &len), 0);
	ck_assert_int_eq(timeout.tv_sec, 60);
	ck_assert_str_eq(capture_text(STDERR_FILENO), "");
}

TEST(a_passed_socket_that_no_listener_wants_gets_the_default_service)
{
	struct address ats[2];
	char words[256];
	const int fds[] = {must_listen_plainly(&ats[0]), must_listen_plainly(&ats[1])};

	begin();
	add(NETWORK_TCP4, "127.0.0.1", address_port(&ats[1]));
	ck_assert_int_eq(open_all_with(fds, 2, "spare:known"), EX_OK);
	ck_assert_uint_eq(count, 2);
	ck_assert_uint_eq(rig.settings->endpoint_count, 2);
	ck_assert(address_equal(&listeners[0].bound, &ats[1]));
	ck_assert(address_equal(&listeners[1].bound, &ats[0]));
	ck_assert_str_eq(listeners[1].endpoint->name, "spare");
	ck_assert_str_eq(listeners[1].endpoint->service_name, "line");
	snprintf(words, sizeof words,
		" level=warn event=inherited_socket_without_listener address=127.0.0.1:%u name=spare "
		"effect=\"it gets the default service\" service=line\n",
		(unsigned)address_port(&ats[0]));
	ck_assert_uint_eq(capture_count(STDERR_FILENO, words), 1);
}

TEST(two_passed_sockets_of_one_name_are_told_apart_by_their_addresses)
{
	struct address ats[2];
	char text[ADDRESS_TEXT_MAX];
	const int fds[] = {must_listen_plainly(&ats[0]), must_listen_plainly(&ats[1])};

	begin();
	ck_assert_int_eq(open_all_with(fds, 2, "same:same"), EX_OK);
	ck_assert_uint_eq(count, 2);
	ck_assert_str_eq(listeners[0].endpoint->name, "same");
	ck_assert_str_eq(listeners[1].endpoint->name, address_format(&ats[1], text));
}

TEST(a_failure_closes_the_passed_sockets_too)
{
	struct address ats[2];
	const int fds[] = {must_listen_plainly(&ats[0]), must_listen_plainly(&ats[1])};
	bool open[2];

	begin();
	add(NETWORK_TCP4, "127.0.0.1", address_port(&ats[0]));
	add(NETWORK_TCP4, "192.0.2.1", 0);
	add(NETWORK_TCP4, "127.0.0.1", address_port(&ats[1]));
	passed_begin(fds, 2, getpid(), NULL);
	int status = open_all();
	open[0] = passed_is_open(0);
	open[1] = passed_is_open(1);
	passed_end();
	ck_assert_int_eq(status, EX_UNAVAILABLE);
	ck_assert(!open[0]);
	ck_assert(!open[1]);
}

TEST(a_listener_takes_its_address_before_another_takes_the_socket_by_its_name)
{
	struct address ats[2];
	const int fds[] = {must_listen_plainly(&ats[0]), must_listen_plainly(&ats[1])};

	begin();
	add(NETWORK_TCP4, "127.0.0.1", 0);
	add(NETWORK_TCP4, "127.0.0.1", address_port(&ats[1]));
	free(rig.settings->endpoints[0].name);
	rig.settings->endpoints[0].name = strdup("b");
	ck_assert_int_eq(open_all_with(fds, 2, "a:b"), EX_OK);
	ck_assert_uint_eq(count, 3);
	ck_assert(!listeners[0].shared);
	ck_assert(address_equal(&listeners[1].bound, &ats[1]));
	ck_assert(address_equal(&listeners[2].bound, &ats[0]));
}

TEST(a_socket_carries_where_it_came_from)
{
	struct address ats[2];
	const int fds[] = {must_listen_plainly(&ats[0]), must_listen_plainly(&ats[1])};

	begin();
	add(NETWORK_TCP4, "127.0.0.1", address_port(&ats[0]));
	add(NETWORK_TCP4, "127.0.0.1", 0);
	ck_assert_int_eq(open_all_with(fds, 2, "a:b"), EX_OK);
	ck_assert_uint_eq(count, 3);
	ck_assert_int_eq(listeners[0].origin, ORIGIN_PASSED);
	ck_assert_int_eq(listeners[1].origin, ORIGIN_OPENED);
	ck_assert_int_eq(listeners[2].origin, ORIGIN_SPARE);
}

/* Handed over. */

TEST(what_a_predecessor_hands_over_is_adopted_and_carries_on_where_it_came_from)
{
	struct address ats[3];
	unsigned value;
	const int fds[] = {must_listen_plainly(&ats[0]), must_listen_plainly(&ats[1]),
		must_listen_plainly(&ats[2])};

	begin();
	for (int i = 0; i < 3; i++)
		add(NETWORK_TCP4, "127.0.0.1", address_port(&ats[i]));
	ck_assert_int_eq(open_all_from_predecessor(fds, 3, "a:b:c", "ops"), EX_OK);
	ck_assert_uint_eq(count, 3);
	for (int i = 0; i < 3; i++) {
		ck_assert(address_equal(&listeners[i].bound, &ats[i]));
		ck_assert(listeners[i].inherited);
		/* What a bobbind opened it gives up; what was passed to it the supervisor keeps. */
		ck_assert_int_eq(listeners[i].shared, i > 0);
		ck_assert_uint_gt(listeners[i].unset, 0);
	}
	ck_assert_int_eq(listeners[0].origin, ORIGIN_OPENED);
	ck_assert_int_eq(listeners[1].origin, ORIGIN_PASSED);
	/* Somebody asks for it now. */
	ck_assert_int_eq(listeners[2].origin, ORIGIN_PASSED);
	ck_assert_int_eq(passed_hear(&value), PIPE_READY);
	ck_assert_str_eq(capture_text(STDERR_FILENO), "");
}

static const char *const unwanted[] = {"oo", "op"};

TEST_ROWS(a_handed_over_socket_that_no_listener_wants_is_told_of_and_closed, SUITE_COUNT(unwanted))
{
	struct address ats[2];
	unsigned value;
	char words[128];
	const int fds[] = {must_listen_plainly(&ats[0]), must_listen_plainly(&ats[1])};

	begin();
	add(NETWORK_TCP4, "127.0.0.1", address_port(&ats[0]));
	ck_assert_int_eq(open_all_from_predecessor(fds, 2, "a:b%3ac", unwanted[_i]), EX_OK);
	ck_assert_uint_eq(count, 1);
	ck_assert(!left_open[1]);
	ck_assert_int_eq(passed_hear(&value), PIPE_UNUSED);
	ck_assert_uint_eq(value, 1);
	ck_assert_int_eq(passed_hear(&value), PIPE_READY);
	snprintf(words, sizeof words,
		" level=info event=handed_over_socket_unused address=127.0.0.1:%u name=b:c\n",
		(unsigned)address_port(&ats[1]));
	ck_assert_uint_eq(capture_count(STDERR_FILENO, words), 1);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, "\n"), 1);
}

TEST(a_spare_socket_keeps_the_default_service_through_a_handover)
{
	struct address ats[2];
	unsigned value;
	const int fds[] = {must_listen_plainly(&ats[0]), must_listen_plainly(&ats[1])};

	begin();
	add(NETWORK_TCP4, "127.0.0.1", address_port(&ats[0]));
	ck_assert_int_eq(open_all_from_predecessor(fds, 2, "a:b", "os"), EX_OK);
	ck_assert_uint_eq(count, 2);
	ck_assert(address_equal(&listeners[1].bound, &ats[1]));
	ck_assert_str_eq(listeners[1].endpoint->service_name, "line");
	ck_assert_int_eq(listeners[1].origin, ORIGIN_SPARE);
	ck_assert_int_eq(passed_hear(&value), PIPE_READY);
}

TEST(the_built_in_listener_gives_way_to_a_supervisors_sockets_in_a_handover_too)
{
	struct address ats[2];
	unsigned value;
	const int fds[] = {must_listen_plainly(&ats[0]), must_listen_plainly(&ats[1])};

	begin();
	add(NETWORK_TCP4, "127.0.0.1", 0);
	rig.settings->built_in_listener = true;
	ck_assert_int_eq(open_all_from_predecessor(fds, 2, "a:b", "po"), EX_OK);
	ck_assert_uint_eq(count, 1);
	ck_assert(address_equal(&listeners[0].bound, &ats[0]));
	ck_assert_int_eq(listeners[0].origin, ORIGIN_SPARE);
	ck_assert_int_eq(passed_hear(&value), PIPE_UNUSED);
	ck_assert_uint_eq(value, 1);
}

TEST(the_built_in_listener_takes_its_own_socket_over)
{
	struct address at;
	unsigned value;
	int fd = must_listen_plainly(&at);

	begin();
	add(NETWORK_TCP4, "127.0.0.1", address_port(&at));
	rig.settings->built_in_listener = true;
	ck_assert_int_eq(open_all_from_predecessor(&fd, 1, "a", "o"), EX_OK);
	ck_assert_uint_eq(count, 1);
	ck_assert(address_equal(&listeners[0].bound, &at));
	ck_assert_int_eq(listeners[0].origin, ORIGIN_OPENED);
	ck_assert_int_eq(passed_hear(&value), PIPE_READY);
	ck_assert_str_eq(capture_text(STDERR_FILENO), "");
}

/* Saying. */

static const struct {
	enum network network;
	const char *host;
	const char *service;
	const char *address;
	const char *try;
} announcements[] = {
	{NETWORK_TCP4, "127.0.0.1", "line", "127.0.0.1:%u", "echo hello | nc -N 127.0.0.1 %u"},
	{NETWORK_TCP, "", "echo", "[::]:%u", "echo hello | nc -N 127.0.0.1 %u"},
	{NETWORK_TCP6, "", "line", "[::]:%u", "echo hello | nc -N ::1 %u"},
	{NETWORK_TCP6, "[::1]", "frame", "[::1]:%u",
		"printf '\\\\0\\\\0\\\\0\\\\5hello' | nc -N ::1 %u | od -c"},
};

static const char *with_port(const char *format)
{
	static char text[2][128];
	static int turn;
	const char *at = strstr(format, "%u");

	turn = !turn;
	snprintf(text[turn], sizeof text[turn], "%.*s%u%s", (int)(at - format), format,
		(unsigned)address_port(&listeners[0].bound), at + 2);
	return text[turn];
}

TEST_ROWS(a_listener_is_announced_with_what_was_really_bound_and_how_to_try_it,
	SUITE_COUNT(announcements))
{
	char words[512];

	if (!has_ipv6())
		SUITE_SKIP("this machine has no IPv6");
	begin();
	rig_add_endpoint(strcmp(announcements[_i].host, "") == 0    ? ":0"
			: announcements[_i].network == NETWORK_TCP4 ? "127.0.0.1:0"
								    : "[::1]:0",
		announcements[_i].service)
		->network = announcements[_i].network;
	must_open_all();
	listener_announce(&listeners[0]);
	snprintf(words, sizeof words,
		" event=listening listener=%s service=%s network=%s address=%s try=\"%s\"\n",
		rig.settings->endpoints[0].name, announcements[_i].service,
		address_network_name(announcements[_i].network),
		with_port(announcements[_i].address), with_port(announcements[_i].try));
	ck_assert_msg(capture_count(STDERR_FILENO, words) == 1, "%s, not %s",
		capture_text(STDERR_FILENO), words);
	log_open(LOG_INFO, LOG_JSON);
	capture_begin(STDERR_FILENO);
	listener_announce(&listeners[0]);
	ck_assert(json_is_line(capture_text(STDERR_FILENO)));
}

/* The queue, and its end. */

static bool three_are_queued(void *l)
{
	return listener_queued(l) == 3;
}

TEST(the_clients_in_the_queue_are_counted)
{
	begin();
	add(NETWORK_TCP4, "127.0.0.1", 0);
	must_open_all();
	ck_assert_uint_eq(listener_queued(&listeners[0]), 0);
	for (int i = 0; i < 3; i++)
		must_dial(&listeners[0].bound);
	await(three_are_queued, &listeners[0]);
	must_accept(listeners[0].fd);
	ck_assert_uint_eq(listener_queued(&listeners[0]), 2);
}

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

TEST_ROWS(when_nobody_is_let_in_the_queue_and_the_accepted_are_as_before, 2)
{
	open_with_privilege(_i);
	int one = must_dial(&listeners[0].bound);
	int accepted = must_accept(listeners[0].fd);
	int two = must_dial(&listeners[0].bound);
	listener_let_nobody_in(&listeners[0]);
	ck_assert_int_eq(
		socket_dial(&listeners[0].bound, deadline_after(300 * NS_PER_MS)), -ETIMEDOUT);
	int queued = must_accept(listeners[0].fd);
	listener_admit(&listeners[0], queued);
	must_send_text(one, "one");
	peer_expects(accepted, "one");
	must_send_text(two, "two");
	peer_expects(queued, "two");
}

/* A client whose last word of the handshake is withheld until it sends: it believes itself connected. */
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

TEST_ROWS(when_nobody_is_let_in_a_handshake_that_is_under_way_is_completed, 2)
{
	open_with_privilege(_i);
	int client = must_dial_half(&listeners[0].bound);
	ck_assert_uint_eq(listener_queued(&listeners[0]), 0);
	listener_let_nobody_in(&listeners[0]);
	must_send_text(client, "half");
	int late = must_accept(listeners[0].fd);
	listener_admit(&listeners[0], late);
	peer_expects(late, "half");
	must_send_text(client, "whole");
	peer_expects(late, "whole");
}
