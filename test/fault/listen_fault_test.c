/* SPDX-License-Identifier: ISC */
/* Proves listener: a system without IPv6, and every other call that fails. */
#include "server/door/listener.h"

#include "capture.h"
#include "pair.h"
#include "passed.h"
#include "rig.h"
#include "server/log.h"
#include "test/suite.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

static bool no_ipv6;
static int socket_error;
static int bind_error;
static int listen_error;
static bool no_tcp_info;

int __real_socket(int domain, int type, int protocol);
int __wrap_socket(int domain, int type, int protocol);
int __real_bind(int fd, const struct sockaddr *at, socklen_t len);
int __wrap_bind(int fd, const struct sockaddr *at, socklen_t len);
int __real_listen(int fd, int backlog);
int __wrap_listen(int fd, int backlog);
int __real_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len);

static int fail_with(int error)
{
	errno = error;
	return -1;
}

int __wrap_socket(int domain, int type, int protocol)
{
	if (socket_error)
		return fail_with(socket_error);
	if (no_ipv6 && domain == AF_INET6)
		return fail_with(EAFNOSUPPORT);
	return __real_socket(domain, type, protocol);
}

int __wrap_bind(int fd, const struct sockaddr *at, socklen_t len)
{
	return bind_error ? fail_with(bind_error) : __real_bind(fd, at, len);
}

int __wrap_listen(int fd, int backlog)
{
	return listen_error ? fail_with(listen_error) : __real_listen(fd, backlog);
}

int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	if (no_tcp_info && level == IPPROTO_TCP && name == TCP_INFO)
		return fail_with(ENOPROTOOPT);
	return __real_getsockopt(fd, level, name, value, len);
}

static struct listener *listeners;
static size_t count;

static void begin(const char *address, enum network network)
{
	capture_begin(STDERR_FILENO);
	log_open(LOG_INFO, LOG_LOGFMT);
	rig_begin();
	rig_add_endpoint(address, "line")->network = network;
}

static int open_all(void)
{
	return listener_open_all(rig.settings, &listeners, &count);
}

static void check_told(const char *words)
{
	ck_assert_msg(capture_count(STDERR_FILENO, words) == 1, "not once %s in:\n%s", words,
		capture_text(STDERR_FILENO));
}

/* As a bobbind opened it for both families. */
TEST(without_ipv6_an_ipv4_wildcard_that_is_handed_over_is_in_its_place)
{
	const struct socket_options options = {.receive_timeout_ns = 1, .send_timeout_ns = 1};
	const struct socket_listening how = {.backlog = 1};
	struct address at = {.in4 = {.sin_family = AF_INET}};
	char text[16];

	int fd = socket_listen(&at, &how, &options);
	ck_assert_int_eq(socket_local_address(fd, &at), 0);
	passed_put(0, fd);
	passed_tell_handover("o", "x");
	snprintf(text, sizeof text, ":%u", (unsigned)address_port(&at));
	begin(text, NETWORK_TCP);
	no_ipv6 = true;
	ck_assert_int_eq(open_all(), EX_OK);
	ck_assert_int_eq(listeners[0].fd, PIPE_FIRST_FD);
}

static const struct {
	int error;
	int status;
} statuses[] = {
	{EADDRINUSE, EX_UNAVAILABLE},
	{EACCES, EX_NOPERM},
	{EPERM, EX_NOPERM},
	{EMFILE, EX_OSERR},
};

static int *const failing[] = {&socket_error, &bind_error, &listen_error};

TEST_ROWS(each_failure_has_its_status_and_leaves_nothing_open, SUITE_COUNT(statuses))
{
	for (size_t i = 0; i < SUITE_COUNT(failing); i++) {
		begin("127.0.0.1:0", NETWORK_TCP4);
		*failing[i] = statuses[_i].error;
		size_t before = open_descriptors();
		ck_assert_int_eq(open_all(), statuses[_i].status);
		ck_assert_uint_eq(open_descriptors(), before);
		check_told(" level=error event=cannot_listen listener=127.0.0.1:0 "
			   "address=127.0.0.1:0 error=");
		check_told("\n");
		*failing[i] = 0;
		settings_release(rig.settings);
	}
}

TEST(a_passed_socket_that_cannot_listen_is_told_by_its_address_and_closed)
{
	struct address at = passed_listen(0);
	char words[128];
	char text[ADDRESS_TEXT_MAX];

	passed_tell(1, NULL);
	begin(address_format(&at, text), NETWORK_TCP4);
	listen_error = EADDRINUSE;
	ck_assert_int_eq(open_all(), EX_UNAVAILABLE);
	ck_assert(!passed_is_open(0));
	snprintf(words, sizeof words, " address=%s error=", text);
	check_told(words);
}

TEST(a_queue_whose_length_cannot_be_told_counts_as_empty)
{
	begin("127.0.0.1:0", NETWORK_TCP4);
	ck_assert_int_eq(open_all(), EX_OK);
	must_dial(&listeners[0].bound);
	no_tcp_info = true;
	ck_assert_uint_eq(listener_queued(&listeners[0]), 0);
}
