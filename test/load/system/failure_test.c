/* SPDX-License-Identifier: ISC */
/* failure_test - each way in which an endpoint cannot be used is named as it is. */
#include "common/address.h"
#include "common/deadline.h"
#include "common/socket.h"
#include "fixture.h"
#include "suite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netdb.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

/* A socket of that address; port 0 is any.  -1 if the port is taken there. */
static int bind_to(const char *host, unsigned *port)
{
	struct address a = {.in4 = {.sin_family = AF_INET, .sin_port = htons((in_port_t)*port)}};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(inet_pton(AF_INET, host, &a.in4.sin_addr), 1);
	if (bind(fd, &a.any, address_size(&a)) < 0) {
		close(fd);
		return -1;
	}
	ck_assert_int_eq(socket_local_address(fd, &a), 0);
	*port = address_port(&a);
	return fd;
}

TEST(a_port_where_nothing_listens_is_refused)
{
	fixture.port = 0;
	int fd = bind_to("127.0.0.1", &fixture.port);

	fixture_run_load("line", "-c 4 -d 1s");
	fixture_must_print("4 refused");
	fixture_must_print("connecting: ECONNREFUSED");
	fixture_json_must_be("connections_opened", 0);
	ck_assert_int_eq(fixture.status, 69);
	close(fd);
}

TEST(a_name_that_does_not_resolve_is_no_name)
{
	const char *argv[] = {getenv("BOBBIN_LOAD"), "bobbin.invalid:7007", NULL};

	fixture.load = process_start(argv, NULL);
	fixture_end_load();
	ck_assert_int_eq(fixture.status, 69);
	fixture_must_complain("no name: bobbin.invalid");
}

TEST(a_server_that_resets_at_once_is_reset_and_not_unreachable)
{
	fixture_serve("line", "--mode reset");
	fixture_run_load("line", "-c 4 -d 300ms");
	fixture_must_print(" reset\n");
	fixture_must_print("ECONNRESET");
	ck_assert_int_eq(fixture.status, 1);
	fixture_read_record();
	ck_assert_double_le(
		fixture_json("connections_opened"), (double)fixture.record->connection_count);
}

/* Nothing was answered, and the run still ends when it should: whatever it makes of such a peer. */
TEST(a_server_that_closes_at_once_answers_nothing_and_is_status_1)
{
	fixture_serve("line", "--mode close");
	fixture_start_load("line", "-c 4 -d 300ms --timeout 1s");
	fixture_must_end_soon();
	ck_assert_int_eq(fixture.status, 1);
	fixture_json_must_be("messages.answered", 0);
	fixture_must_add_up();
	fixture_read_record();
	/* At the end some may be accepted that the load does not look at any more. */
	ck_assert_double_le(
		fixture_json("connections_opened"), (double)fixture.record->connection_count);
}

TEST(a_server_that_never_answers_is_a_timeout)
{
	fixture_serve("line", "--mode silent");
	fixture_run_load("line", "-c 4 -n 4 --timeout 200ms");
	fixture_must_print("4 timeout");
	fixture_must_print("waiting for a reply (message 0)");
	fixture_must_print("0 answered, 0 mismatched, 4 lost");
	ck_assert_int_eq(fixture.status, 1);
	fixture_read_record();
	fixture_must_agree_with_record();
	/* Not before. */
	for (size_t i = 0; i < fixture.record->connection_count; i++) {
		const struct record_connection *c = &fixture.record->connections[i];
		ck_assert_int_ge(c->ended_ns - fixture.started_ns, 200 * NS_PER_MS);
	}
}

TEST(a_server_that_closes_half_way_is_truncated)
{
	fixture_serve("frame", "--mode half");
	fixture_run_load("frame", "-c 2 -n 100");
	fixture_must_print(" truncated\n");
	fixture_must_print("within a reply (message 5): after 36 bytes of the reply");
}

TEST(a_server_that_closes_instead_of_answering_is_eof)
{
	fixture_serve("echo", "--mode eof");
	fixture_run_load("echo", "-c 2 -n 100");
	fixture_must_print(" eof\n");
	fixture_must_print("waiting for a reply (message 5)");
}

TEST(an_error_reply_is_refused_by_server_in_its_words)
{
	static const char *const services[] = {"line", "frame"};

	for (size_t i = 0; i < 2; i++) {
		fixture_serve(services[i], "--mode error");
		fixture_run_load(services[i], "-c 2 -n 100");
		fixture_must_print(" refused by server\n");
		fixture_must_print("error: come back later");
	}
}

/* Slots that never had a connection keep their messages; the others send theirs. */
static void must_do_without_some(void)
{
	fixture_read_record();
	fixture_must_agree_with_record();
	fixture_json_must_be("messages.lost", 0);
	ck_assert_double_gt(fixture_json("messages.answered"), 0);
	ck_assert_double_gt(fixture_json("messages.not_sent_no_room"), 0);
}

static void have_few_descriptors(const void *unused)
{
	const struct rlimit few = {24, 24};

	(void)unused;
	setrlimit(RLIMIT_NOFILE, &few);
}

TEST(too_few_descriptors_are_no_descriptors)
{
	fixture_serve("line", "");
	fixture_start_load_with("line", "-c 40 -n 100 --timeout 1s",
		&(struct process_setting){.prepare = have_few_descriptors});
	fixture_end_load();
	fixture_must_print(" no descriptors\n");
	fixture_must_print("EMFILE");
	must_do_without_some();
}

static void must_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void must_raise_loopback(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(ioctl(fd, SIOCSIFFLAGS, &request), 0);
	close(fd);
}

/* A network of the test's own, where an address has ten ports.  False where the system does not let
 * us. */
static bool enter_network_of_few_ports(void)
{
	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return false;
	must_raise_loopback();
	must_write("/proc/sys/net/ipv4/ip_local_port_range", "50000 50009");
	return true;
}

TEST(a_source_that_runs_out_of_ports_is_no_local_port)
{
	if (!enter_network_of_few_ports())
		SUITE_SKIP("no network namespace may be made here");
	fixture_serve("line", "");
	fixture_run_load("line", "-c 20 -n 200 --source 127.0.0.2 --timeout 1s");
	fixture_must_print(" no local port\n");
	fixture_must_print("add addresses with --source");
	must_do_without_some();

	/* Other addresses: the ports of that one rest in TIME_WAIT. */
	fixture_serve("line", "");
	fixture_run_load("line", "-c 20 -n 200 --source 127.0.0.3-127.0.0.5");
	fixture_must_print("failures     none");
}

TEST(sources_are_used_in_turn)
{
	fixture_serve("line", "");
	fixture_run_load("line", "-c 4 -n 4 --source 127.0.0.5-127.0.0.6");
	process_await(fixture.server, &fixture.server->out, " 127.0.0.5");
	process_await(fixture.server, &fixture.server->out, " 127.0.0.6");
}

TEST(a_source_that_is_not_of_this_host_is_a_wrong_option)
{
	fixture_serve("line", "");
	fixture_run_load("line", "-n 10 --source 192.0.2.1");
	ck_assert_int_eq(fixture.status, 64);
	fixture_must_complain("192.0.2.1:0 cannot be used here");
	fixture_read_record();
	ck_assert_uint_eq(fixture.record->connection_count, 0);
}

TEST(a_server_that_goes_away_ends_a_run_by_messages)
{
	fixture_serve("line", "--mode silent");
	fixture_start_load("line", "-c 1 -n 1000 --timeout 300ms");
	process_await(fixture.server, &fixture.server->out, "accepted 1 ");
	process_kill(fixture.server, SIGKILL);
	fixture_end_load();
	ck_assert_int_eq(fixture.status, 1);
	fixture_must_print(" refused\n");
}

/* A bad path is no reason to load somebody's server for an hour first. */
TEST(a_json_file_that_cannot_be_written_is_told_before_the_run)
{
	fixture_serve("line", "");
	fixture_start_load("line", "-c 2 -d 1h --json /nowhere/at/all.json");
	fixture_must_end_soon();
	ck_assert_int_eq(fixture.status, 73);
	fixture_must_complain("/nowhere/at/all.json");
	fixture_read_record();
	ck_assert_uint_eq(fixture.record->connection_count, 0);
}

/* A reader of the file must not take the last run's result for that of a run that failed. */
/* Run by a shell, which closes what the redirection says. */
static void run_redirected(const char *redirection)
{
	char script[64];
	char address[64];
	const char *argv[] = {"/bin/sh", "-c", script, "sh", getenv("BOBBIN_LOAD"), "-n", "10",
		"-c", "2", "--json", fixture.json, address, NULL};

	fixture_serve("line", "");
	snprintf(script, sizeof script, "exec \"$@\" %s", redirection);
	snprintf(address, sizeof address, "127.0.0.1:%u", fixture.port);
	process_free(fixture.load);
	fixture.load = process_start(argv, NULL);
	fixture_end_load();
}

/* The file does not get the descriptor of what is closed, and with it the report. */
TEST(a_closed_standard_output_is_an_error_and_the_json_whole)
{
	run_redirected(">&-");
	ck_assert_int_eq(fixture.status, EX_IOERR);
	fixture_json_must_be("messages.answered", 10);
	fixture_json_must_be("exit_status", 0);
}

TEST(a_full_standard_output_is_an_error)
{
	run_redirected(">/dev/full");
	ck_assert_int_eq(fixture.status, EX_IOERR);
	fixture_json_must_be("messages.answered", 10);
}

TEST(a_run_that_fails_leaves_no_older_result_behind)
{
	char text[8] = "";

	fixture_serve("line", "");
	fixture_run_load("line", "-n 4 -c 2");
	fixture_json_must_be("messages.sent", 4);
	process_kill(fixture.server, SIGKILL);
	process_end(fixture.server);
	fixture_run_load("line", "-n 8 -c 2");
	ck_assert_int_eq(fixture.status, 69);
	FILE *f = fopen(fixture.json, "re");
	if (f && fgets(text, sizeof text, f))
		fixture_json_must_be("messages.sent", 0);
	if (f)
		fclose(f);
}

/* Several addresses of one name. */

static bool is_name(const char *name)
{
	struct addrinfo *found;

	if (getaddrinfo(name, NULL, NULL, &found) != 0)
		return false;
	freeaddrinfo(found);
	return true;
}

TEST(all_addresses_of_a_name_are_tried_in_turn)
{
	char address[64];
	const char *argv[] = {getenv("BOBBIN_LOAD"), "-c", "4", "-n", "400", "--json", fixture.json,
		address, NULL};

	if (!is_name("localhost"))
		SUITE_SKIP("localhost has no address here (there is no /etc/hosts)");
	fixture_serve("line", "");
	snprintf(address, sizeof address, "localhost:%u", fixture.port);
	fixture.load = process_start(argv, NULL);
	fixture_end_load();
	ck_assert_int_eq(fixture.status, 0);
	fixture_must_print("failures     none");
	fixture_read_record();
	fixture_must_agree_with_record();
	ck_assert_uint_eq(fixture.record->connection_count, 4);
}

/* Names of the test's own, that no other process sees.  False where the system does not let us. */
static bool enter_hosts(const char *hosts)
{
	char path[] = "/tmp/bobbin-hosts-XXXXXX";

	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return false;
	int fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	must_write(path, hosts);
	close(fd);
	bool done = chmod(path, 0644) == 0 && mount(path, "/etc/hosts", NULL, MS_BIND, NULL) == 0;
	unlink(path);
	return done;
}

/* A listener that accepts nothing, with its queue full: a SYN to it is dropped, as to a host that
 * is gone.  The queue takes one more than its length. */
static void must_make_dead_end(const char *host, unsigned port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((in_port_t)port)};
	int fd = bind_to(host, &port);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(listen(fd, 0), 0);
	ck_assert_int_eq(inet_pton(AF_INET, host, &to.sin_addr), 1);
	int first = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(first, (const struct sockaddr *)&to, sizeof to), 0);
}

static void run_by_name(const char *options)
{
	char address[64];
	const char *argv[] = {getenv("BOBBIN_LOAD"), "-c", "2", "-n", "20", "--json", fixture.json,
		"--timeout", options, address, NULL};

	snprintf(address, sizeof address, "two.bobbin.test:%u", fixture.port);
	fixture.load = process_start(argv, NULL);
	fixture_end_load();
}

TEST(a_dead_first_address_is_part_of_the_time_to_connect)
{
	if (!enter_hosts("127.0.0.2 two.bobbin.test\n127.0.0.1 two.bobbin.test\n"))
		SUITE_SKIP("no mount namespace may be made here");
	fixture_serve("line", "");
	must_make_dead_end("127.0.0.2", fixture.port);
	run_by_name("400ms");
	fixture_read_record();
	fixture_must_agree_with_record();
	fixture_json_must_be("messages.answered", 20);
	ck_assert_uint_eq(fixture.record->connection_count, 2);
	/* One of the two began with the dead one, and had to wait for it. */
	ck_assert_double_ge(fixture_json("connect.max_ns"), 400e6);
	fixture_json_must_be("connect.count", 2);
	ck_assert_int_eq(fixture.status, 0);
}

TEST(connects_that_time_out_are_among_those_that_never_came)
{
	fixture_serve("line", "--accepts-nothing yes --backlog 0");
	fixture_start_load("line", "-c 6 -d 300ms --timeout 300ms");
	fixture_must_end_soon();
	ck_assert_double_ge(fixture_json("connect.never"), 1);
	ck_assert_double_ge(fixture_json_failures("timeout"), 1);
	ck_assert_int_eq(fixture.status, 1);
}
