/* SPDX-License-Identifier: ISC */
/* listen - where bobbind listens, and what it says when it cannot. */
#include "client.h"
#include "test/suite.h"

#include "common/deadline.h"
#include "common/socket.h"
#include "test/mode.h"
#include "test/unit/port.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

/* 0, or the errno of connecting there. */
static int try_connect(const char *host, in_port_t port)
{
	struct address a = client_address(host, port);
	int fd = socket_dial(&a, deadline_after(SERVER_PATIENCE_NS));

	if (fd < 0)
		return -fd;
	close(fd);
	return 0;
}

/* Start with -l and the text; expect the exit status and what it says. */
static void expect_refused(const char *listen_at, int status, const char *says)
{
	struct server s;
	const char *const arguments[] = {"-l", listen_at, NULL};

	server_launch(&s, &(struct server_plan){.arguments = arguments});
	ck_assert_int_eq(server_wait(&s), status);
	if (!strstr(s.log, says))
		ck_abort_msg("-l %s: no \"%s\" in: %s", listen_at, says, s.log);
}

TEST(addresses_that_are_none_are_refused_by_the_name_of_their_fault)
{
	static const struct {
		const char *address;
		const char *says;
	} rows[] = {
		{"7007", "missing port"},
		{":99999", "above 65535"},
		{":-1", "not a number"},
		{"[::1", "closing ']' is missing"},
		{"::1:7007", "too many colons"},
		{"a:b:c", "too many colons"},
		{"", "address is empty"},
		{"127.0.0.1:", "port is empty"},
		{":http", "not a number"},
		{"8080:1", "not an IPv4 address"},
		{"127.0.0.1:0=nothing", "no such service"},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		expect_refused(rows[i].address, EX_USAGE, rows[i].says);
}

TEST(addresses_of_every_form_are_served)
{
	static const char *const forms[] = {":0", "127.0.0.1:0", "localhost:0", "[::1]:0"};

	for (size_t i = 0; i < sizeof forms / sizeof *forms - !client_has_ipv6(); i++) {
		struct server s;
		if (strcmp(forms[i], "localhost:0") == 0 && !suite_knows_localhost(__func__))
			continue;
		SERVER_START(&s, "-l", forms[i]);
		int fd = client_connect(&s);
		CLIENT_SAY(fd, "here\n");
		CLIENT_EXPECT(fd, "echo: here\n");
		close(fd);
		ck_assert_int_eq(server_stop(&s), 0);
	}
}

TEST(a_loopback_address_is_reached_by_itself_alone_and_a_wildcard_by_all)
{
	struct server s;

	SERVER_START(&s, "-l", "127.0.0.1:0", "-l", ":0");
	in_port_t one = address_port(&s.addresses[0]);
	in_port_t all = address_port(&s.addresses[1]);
	ck_assert_int_eq(try_connect("127.0.0.1", one), 0);
	ck_assert_int_eq(try_connect("127.0.0.2", one), ECONNREFUSED);
	ck_assert_int_eq(try_connect("127.0.0.1", all), 0);
	ck_assert_int_eq(try_connect("127.0.0.2", all), 0);
	if (client_has_ipv6()) {
		ck_assert_int_eq(try_connect("::1", one), ECONNREFUSED);
		ck_assert_int_eq(try_connect("::1", all), 0);
	}
	ck_assert_int_eq(server_stop(&s), 0);
}

/* Two bobbinds at the wildcard of one port: does the second start? */
static bool coexist(const char *first_network, const char *second_network)
{
	struct server first;
	struct server second;
	struct address all = client_address("::", 0);
	int reserved = must_reserve(&all);
	char where[32];

	snprintf(where, sizeof where, "%s::%u", first_network, (unsigned)address_port(&all));
	SERVER_START(&first, "-l", where);
	snprintf(where, sizeof where, "%s::%u", second_network, (unsigned)address_port(&all));
	server_launch(&second,
		&(struct server_plan){.arguments = (const char *const[]){"-l", where, NULL}});
	char *line = server_await_log(&second, "level=");
	bool started = !strstr(line, "event=cannot_listen");
	free(line);
	if (started) {
		server_await_ready(&second);
		ck_assert_int_eq(server_stop(&second), 0);
	} else {
		ck_assert_int_eq(server_wait(&second), EX_UNAVAILABLE);
		ck_assert_ptr_nonnull(strstr(second.log, "Address already in use"));
	}
	ck_assert_int_eq(server_stop(&first), 0);
	close(reserved);
	return started;
}

TEST(tcp4_and_tcp6_share_a_port_and_tcp_shares_with_neither)
{
	if (!client_has_ipv6())
		SUITE_SKIP("this machine has no IPv6");
	ck_assert(coexist("tcp4", "tcp6"));
	ck_assert(coexist("tcp6", "tcp4"));
	ck_assert(!coexist("tcp", "tcp4"));
	ck_assert(!coexist("tcp", "tcp6"));
	ck_assert(!coexist("tcp4", "tcp"));
	ck_assert(!coexist("tcp6", "tcp"));
	ck_assert(!coexist("tcp", "tcp"));
}

/* A kernel without IPv6, as far as the server can tell. */
static void refuse_ipv6_sockets(void *argument)
{
	struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = {.len = sizeof program / sizeof *program, .filter = program};

	(void)argument;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0)
		_exit(EXIT_FAILURE);
}

TEST(without_ipv6_the_wildcard_serves_ipv4_and_one_line_says_so)
{
	struct server s;

	server_launch(&s,
		&(struct server_plan){
			.arguments = (const char *const[]){"-l", ":0", NULL},
			.prepare = refuse_ipv6_sockets,
		});
	server_await_ready(&s);
	ck_assert_int_eq(try_connect("127.0.0.1", server_port(&s)), 0);
	ck_assert_int_eq(server_stop(&s), 0);
	ck_assert_uint_eq(server_count_log(&s, "event=no_ipv6"), 1);
	ck_assert_uint_eq(server_count_log(&s, "address=0.0.0.0:"), 1);
}

TEST(without_ipv6_an_ipv6_address_is_refused)
{
	struct server s;

	server_launch(&s,
		&(struct server_plan){
			.arguments = (const char *const[]){"-l", "tcp6::0", NULL},
			.prepare = refuse_ipv6_sockets,
		});
	ck_assert_int_eq(server_wait(&s), EX_UNAVAILABLE);
	ck_assert_ptr_nonnull(strstr(s.log, "Address family not supported"));
}

TEST(a_server_that_closed_first_restarts_at_once)
{
	struct address at = client_address("127.0.0.1", 0);
	int reserved = must_reserve(&at);
	char where[32];

	snprintf(where, sizeof where, "127.0.0.1:%u", (unsigned)address_port(&at));
	for (int i = 0; i < mode_times(3, 20); i++) {
		struct server s;
		SERVER_START(&s, "-l", where);
		int fd = client_connect(&s);
		CLIENT_SAY(fd, "hello\n");
		CLIENT_EXPECT(fd, "echo: hello\n");
		server_signal(&s, SIGTERM);
		client_expect_end(fd);
		close(fd);
		ck_assert_int_eq(server_wait(&s), 0);
	}
	close(reserved);
}

/* A second bobbind at the first one's address, which both are willing to share. */
static void start_beside(struct server *second, const struct server *first)
{
	char where[32];

	snprintf(where, sizeof where, "127.0.0.1:%s", server_port_text(first));
	SERVER_START(second, "-l", where, "-o", "listen.reuse_port=true");
	ck_assert_uint_eq(server_port(second), server_port(first));
}

static void serve_one(const struct server *s)
{
	int fd = client_connect(s);

	CLIENT_SAY(fd, "hello\n");
	CLIENT_EXPECT(fd, "echo: hello\n");
	close(fd);
}

TEST(two_processes_that_both_say_so_share_a_port_and_both_serve)
{
	struct server first;
	struct server second;
	int64_t deadline = deadline_after(SERVER_PATIENCE_NS);

	SERVER_START(&first, "-l", "127.0.0.1:0", "-o", "listen.reuse_port=true");
	start_beside(&second, &first);
	/* The kernel chooses by a hash of the addresses: each next client may be the other's. */
	do {
		for (int i = 0; i < 20; i++)
			serve_one(&first);
		ck_assert_int_lt(deadline_now(), deadline);
	} while (server_counter(&first, "accepted") == 0 ||
		server_counter(&second, "accepted") == 0);
	ck_assert_int_eq(server_stop(&first), 0);
	/* All that comes now is the second one's. */
	int64_t before = server_counter(&second, "accepted");
	for (int i = 0; i < 20; i++)
		serve_one(&second);
	ck_assert_int_eq(server_counter(&second, "accepted"), before + 20);
	ck_assert_int_eq(server_stop(&second), 0);
}

TEST(one_of_two_that_is_stopped_answers_those_in_its_queue)
{
	struct server servers[2];
	enum {
		MANY = 200
	};
	int fds[MANY];

	SERVER_START(&servers[0], "-l", "127.0.0.1:0", "-o", "listen.reuse_port=true", "-o",
		"drain.timeout=1min");
	start_beside(&servers[1], &servers[0]);
	server_signal(&servers[0], SIGSTOP);
	for (int i = 0; i < MANY; i++) {
		fds[i] = client_connect(&servers[0]);
		CLIENT_SAY(fds[i], "hello\n");
	}
	/* Pending until it goes on: the first thing that it sees. */
	server_signal(&servers[0], SIGTERM);
	server_signal(&servers[0], SIGCONT);
	for (int i = 0; i < MANY; i++) {
		CLIENT_EXPECT(fds[i], "echo: hello\n");
		close(fds[i]);
	}
	ck_assert_int_eq(server_wait(&servers[0]), 0);
	char *line = server_await_log(&servers[0], "event=stopped");
	ck_assert_int_gt(server_field(line, "accepted_in_all"), 0);
	ck_assert_int_eq(server_field(line, "refused"), 0);
	free(line);
	ck_assert_int_eq(server_stop(&servers[1]), 0);
}

TEST(a_port_is_shared_only_when_both_say_so)
{
	static const char *const says[] = {
		"listen.reuse_port=false", "listen.reuse_port=true", "listen.backlog=4096"};

	for (int i = 0; i < 3; i++) {
		for (int j = 0; j < 3; j++) {
			struct server first;
			struct server second;
			char where[32];
			if (i == 1 && j == 1)
				continue;
			SERVER_START(&first, "-l", "127.0.0.1:0", "-o", says[i]);
			snprintf(where, sizeof where, "127.0.0.1:%s", server_port_text(&first));
			server_launch(&second,
				&(struct server_plan){.arguments = (const char *const[]){
							      "-l", where, "-o", says[j], NULL}});
			ck_assert_int_eq(server_wait(&second), EX_UNAVAILABLE);
			ck_assert_ptr_nonnull(strstr(second.log, "Address already in use"));
			ck_assert_int_eq(server_stop(&first), 0);
		}
	}
}

TEST_TIMED(a_busy_port_is_told_with_its_holder_at_once)
{
	struct server first;
	struct server second;
	char where[32];
	char holder[64];

	SERVER_START(&first, "-l", "127.0.0.1:0");
	snprintf(where, sizeof where, "127.0.0.1:%s", server_port_text(&first));
	snprintf(holder, sizeof holder, " port_owner_pid=%d port_owner=bobbind", (int)first.pid);
	int64_t began = deadline_now();
	server_launch(&second,
		&(struct server_plan){.arguments = (const char *const[]){"-l", where, NULL}});
	ck_assert_int_eq(server_wait(&second), EX_UNAVAILABLE);
	bound_check("A7", "busy port refused", deadline_now() - began, 100 * NS_PER_MS);
	ck_assert_ptr_nonnull(strstr(second.log, where));
	ck_assert_ptr_nonnull(strstr(second.log, "Address already in use"));
	if (!strstr(second.log, holder))
		ck_abort_msg("no %s in: %s", holder, second.log);
	ck_assert_ptr_null(strstr(second.log, "event=ready"));
	ck_assert_int_eq(server_stop(&first), 0);
}

TEST(one_busy_port_of_several_leaves_nothing_half_started)
{
	struct server first;
	struct server second;
	char busy[32];

	SERVER_START(&first, "-l", "127.0.0.1:0");
	snprintf(busy, sizeof busy, "127.0.0.1:%s", server_port_text(&first));
	server_launch(&second,
		&(struct server_plan){.arguments = (const char *const[]){"-l", "127.0.0.1:0", "-l",
					      busy, "-l", "192.0.2.1:0", NULL}});
	ck_assert_int_eq(server_wait(&second), EX_UNAVAILABLE);
	/* What else is wrong is told as well. */
	ck_assert_uint_eq(server_count_log(&second, "event=cannot_listen"), 2);
	ck_assert_ptr_null(strstr(second.log, "event=listening"));
	ck_assert_int_eq(server_stop(&first), 0);
}

TEST(an_address_that_is_not_here_is_told_with_those_that_are)
{
	/* TEST-NET-1 (RFC 5737): nobody has it. */
	expect_refused("192.0.2.1:0", EX_UNAVAILABLE, "local_addresses=");
	expect_refused("192.0.2.1:0", EX_UNAVAILABLE, "127.0.0.1");
	expect_refused("192.0.2.1:0", EX_UNAVAILABLE, "Cannot assign requested address");
}

TEST(a_name_that_does_not_resolve_is_told)
{
	/* Where no name server answers either. */
	setenv("RES_OPTIONS", "timeout:1 attempts:1", 1);
	expect_refused("no-such-host.invalid:0", EX_NOHOST, "event=cannot_listen");
}

/* The Local Address:Port of the row that ss(8) has for the port, in static memory. */
static const char *ask_ss(in_port_t port)
{
	static char local[128];
	char command[128];

	snprintf(command, sizeof command, "ss -H -ltn 'sport = :%u'", (unsigned)port);
	FILE *ss = popen(command, "re");
	ck_assert_ptr_nonnull(ss);
	ck_assert_int_eq(fscanf(ss, "%*s %*s %*s %127s", local), 1);
	pclose(ss);
	return local;
}

TEST(the_log_says_what_ss_says)
{
	static const char *const forms[] = {"127.0.0.1:0", "tcp4::0", "tcp6::0", "[::1]:0"};

	if (!suite_has_program("ss"))
		SUITE_SKIP("ss is not installed (apt-get install iproute2)");
	for (size_t i = 0; i < (client_has_ipv6() ? 4 : 2); i++) {
		struct server s;
		char text[ADDRESS_TEXT_MAX];
		SERVER_START(&s, "-l", forms[i]);
		ck_assert_str_eq(ask_ss(server_port(&s)), address_format(&s.addresses[0], text));
		ck_assert_uint_ne(server_port(&s), 0);
		ck_assert_int_eq(server_stop(&s), 0);
	}
}

TEST(a_dual_stack_wildcard_is_written_as_it_can_be_listened_on)
{
	struct server s;
	char expected[32];

	if (!suite_has_program("ss"))
		SUITE_SKIP("ss is not installed (apt-get install iproute2)");
	if (!client_has_ipv6())
		SUITE_SKIP("this machine has no IPv6");
	/* ss(8) writes "*" for it, which no address parser takes. */
	SERVER_START(&s, "-l", ":0");
	snprintf(expected, sizeof expected, "*:%s", server_port_text(&s));
	ck_assert_str_eq(ask_ss(server_port(&s)), expected);
	snprintf(expected, sizeof expected, " address=[::]:%s", server_port_text(&s));
	ck_assert_uint_eq(server_count_log(&s, expected), 1);
	ck_assert_int_eq(server_stop(&s), 0);
}

TEST(its_first_lines_say_how_to_try_it_and_that_works)
{
	struct server s;
	char reply[64] = "";

	if (!suite_has_program("nc"))
		SUITE_SKIP("nc is not installed (apt-get install netcat-openbsd)");
	SERVER_START(&s, "-l", ":0");
	char *line = server_await_log(&s, "event=listening");
	char *command = strstr(line, " try=\"");
	ck_assert_ptr_nonnull(command);
	command += strlen(" try=\"");
	*strrchr(command, '"') = '\0';
	FILE *shell = popen(command, "re");
	ck_assert_ptr_nonnull(shell);
	ck_assert_ptr_nonnull(fgets(reply, sizeof reply, shell));
	pclose(shell);
	ck_assert_str_eq(reply, "echo: hello\n");
	free(line);
	ck_assert_int_eq(server_stop(&s), 0);
}
