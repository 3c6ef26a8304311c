/* SPDX-License-Identifier: ISC */
/* network_test - networks, names and descriptors in which an endpoint cannot be used, or hardly. */
#include "common/address.h"
#include "common/socket.h"
#include "fixture.h"
#include "test/suite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
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
	int fd = bind_to("127.0.0.1", &fixture.port);

	fixture_run("-c 4 -d 1s");
	fixture_must_print("4 refused");
	fixture_must_print("connecting: ECONNREFUSED");
	ck_assert_double_eq(fixture_json("connections_opened"), 0);
	ck_assert_int_eq(fixture.status, EX_UNAVAILABLE);
	close(fd);
}

/* Slots that never had a connection keep their messages; the others send theirs. */
static void must_do_without_some(void)
{
	fixture_must_agree();
	ck_assert_double_eq(fixture_json("messages.lost"), 0);
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
	fixture_serve("line");
	fixture_start_with("-c 40 -n 100 --timeout 1s",
		&(struct process_setting){.prepare = have_few_descriptors});
	fixture_end();
	fixture_must_print(" no descriptors");
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
	fixture_serve("line");
	fixture_run("-c 20 -n 200 --source 127.0.0.2 --timeout 1s");
	fixture_must_print(" no local port");
	fixture_must_print("add addresses with --source");
	must_do_without_some();

	/* Other addresses: the ports of that one rest in TIME_WAIT. */
	fixture_serve("line");
	fixture_run("-c 20 -n 200 --source 127.0.0.3-127.0.0.5");
	fixture_must_print("failures     none");
}

/* Run by a shell, which closes what the redirection says. */
static void run_redirected(const char *redirection)
{
	char script[64];
	char address[64];
	const char *argv[] = {"/bin/sh", "-c", script, "sh", getenv("BOBBIN_LOAD"), "-n", "10",
		"-c", "2", "--json", fixture.json, address, NULL};

	fixture_serve("line");
	snprintf(script, sizeof script, "exec \"$@\" %s", redirection);
	snprintf(address, sizeof address, "127.0.0.1:%u", fixture.port);
	process_free(fixture.load);
	fixture.load = process_start(argv, NULL);
	fixture_end();
}

/* The file does not get the descriptor of what is closed, and with it the report. */
TEST(a_closed_standard_output_is_an_error_and_the_json_whole)
{
	run_redirected(">&-");
	ck_assert_int_eq(fixture.status, EX_IOERR);
	ck_assert_double_eq(fixture_json("messages.answered"), 10);
	ck_assert_double_eq(fixture_json("exit_status"), 0);
}

TEST(a_full_standard_output_is_an_error)
{
	run_redirected(">/dev/full");
	ck_assert_int_eq(fixture.status, EX_IOERR);
	ck_assert_double_eq(fixture_json("messages.answered"), 10);
}

/* Another program reads it. */
TEST(json_on_standard_output_stands_there_alone)
{
	fixture_serve("line");
	fixture_run("-c 1 -n 10 --json - --fail-if errors>0");
	const char *text = fixture.load->out.text;
	ck_assert_int_eq(text[0], '{');
	ck_assert_str_eq(text + strlen(text) - 2, "}\n");
	ck_assert(!fixture_prints("kept "));
	ck_assert_int_eq(fixture.status, 0);
}

/* Several addresses of one name. */

TEST(all_addresses_of_a_name_are_tried_in_turn)
{
	if (!suite_knows_localhost(__func__))
		return;
	fixture_serve("line");
	snprintf(fixture.host, sizeof fixture.host, "localhost");
	fixture_run("-c 4 -n 400");
	ck_assert_int_eq(fixture.status, 0);
	fixture_must_print("failures     none");
	fixture_must_agree();
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

TEST(a_dead_first_address_is_part_of_the_time_to_connect)
{
	if (!enter_hosts("127.0.0.2 two.bobbin.test\n127.0.0.1 two.bobbin.test\n"))
		SUITE_SKIP("no mount namespace may be made here");
	fixture_serve("line");
	must_make_dead_end("127.0.0.2", fixture.port);
	snprintf(fixture.host, sizeof fixture.host, "two.bobbin.test");
	fixture_run("-c 2 -n 20 --timeout 400ms");
	fixture_must_agree();
	ck_assert_double_eq(fixture_json("messages.answered"), 20);
	ck_assert_uint_eq(fixture.record->connection_count, 2);
	/* One of the two began with the dead one, and had to wait for it. */
	ck_assert_double_ge(fixture_json("connect.max_ns"), 400e6);
	ck_assert_double_eq(fixture_json("connect.count"), 2);
	fixture_must_print("127.0.0.2");
	ck_assert_double_eq(
		fixture_json("addresses.0.connections") + fixture_json("addresses.1.connections"),
		2);
	ck_assert_int_eq(fixture.status, 0);
}

SUITE_FIXTURE(fixture_set_up, fixture_tear_down)
