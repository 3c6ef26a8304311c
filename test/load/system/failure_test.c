/* SPDX-License-Identifier: ISC */
/* failure_test - each way in which an endpoint cannot be used is named as it is. */
#include "common/address.h"
#include "common/socket.h"
#include "fixture.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* A port of 127.0.0.1 that is taken, and on which nobody listens. */
static int must_hold_port(unsigned *port)
{
	struct address a = {.in4 = {.sin_family = AF_INET}};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.in4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, &a.any, address_size(&a)), 0);
	ck_assert_int_eq(socket_local_address(fd, &a), 0);
	*port = address_port(&a);
	return fd;
}

START_TEST(a_port_where_nothing_listens_is_refused)
{
	int fd = must_hold_port(&fixture.port);

	fixture_run_load("line", "-c 4 -d 1s");
	fixture_must_print("4 refused");
	fixture_must_print("connecting: ECONNREFUSED");
	ck_assert_int_eq(fixture.status, 69);
	close(fd);
}
END_TEST

START_TEST(a_name_that_does_not_resolve_is_no_name)
{
	const char *argv[] = {getenv("BOBBIN_LOAD"), "bobbin.invalid:7007", NULL};

	fixture.load = process_start(argv, 0);
	ck_assert_int_eq(process_end(fixture.load), 69);
	ck_assert_ptr_nonnull(strstr(fixture.load->err.text, "no name: bobbin.invalid"));
}
END_TEST

START_TEST(a_server_that_resets_at_once_is_reset_and_not_unreachable)
{
	fixture_serve("line", "reset");
	fixture_run_load("line", "-c 4 -d 300ms");
	fixture_must_print(" reset\n");
	fixture_must_print("ECONNRESET");
	ck_assert_int_eq(fixture.status, 1);
}
END_TEST

START_TEST(a_server_that_never_answers_is_a_timeout)
{
	fixture_serve("line", "silent");
	fixture_run_load("line", "-c 4 -n 4 --timeout 200ms");
	fixture_must_print("4 timeout");
	fixture_must_print("waiting for a reply (message 0)");
	fixture_must_print("4 sent, 0 answered, 0 mismatched, 4 lost");
	ck_assert_int_eq(fixture.status, 1);
}
END_TEST

START_TEST(a_server_that_closes_half_way_is_truncated)
{
	fixture_serve("frame", "half");
	fixture_run_load("frame", "-c 2 -n 100");
	fixture_must_print(" truncated\n");
	fixture_must_print("within a reply (message 5): after 36 bytes of the reply");
}
END_TEST

START_TEST(a_server_that_closes_instead_of_answering_is_eof)
{
	fixture_serve("echo", "eof");
	fixture_run_load("echo", "-c 2 -n 100");
	fixture_must_print(" eof\n");
	fixture_must_print("waiting for a reply (message 5)");
}
END_TEST

START_TEST(an_error_reply_is_refused_by_server_in_its_words)
{
	static const char *const services[] = {"line", "frame"};

	for (size_t i = 0; i < 2; i++) {
		fixture_serve(services[i], "error");
		fixture_run_load(services[i], "-c 2 -n 100");
		fixture_must_print(" refused by server\n");
		fixture_must_print("error: come back later");
	}
}
END_TEST

START_TEST(too_few_descriptors_are_no_descriptors)
{
	fixture_serve("line", "right");
	fixture_run_load_with("line", "-c 40 -n 100", 24);
	fixture_must_print(" no descriptors\n");
	fixture_must_print("EMFILE");
	fixture_must_print("100 answered");
}
END_TEST

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

START_TEST(a_source_that_runs_out_of_ports_is_no_local_port)
{
	if (!enter_network_of_few_ports()) {
		fputs("skipped: no network namespace may be made here\n", stderr);
		return;
	}
	fixture_serve("line", "right");
	fixture_run_load("line", "-c 20 -n 200 --source 127.0.0.2");
	fixture_must_print(" no local port\n");
	fixture_must_print("add addresses with --source");
	fixture_must_print("200 answered");

	/* Other addresses: the ports of that one rest in TIME_WAIT. */
	fixture_run_load("line", "-c 20 -n 200 --source 127.0.0.3-127.0.0.5");
	fixture_must_print("failures     none");
}
END_TEST

START_TEST(a_source_that_is_not_of_this_host_is_a_wrong_option)
{
	fixture_serve("line", "right");
	fixture_run_load("line", "-n 10 --source 192.0.2.1");
	ck_assert_int_eq(fixture.status, 64);
	ck_assert_ptr_nonnull(strstr(fixture.load->err.text, "192.0.2.1:0 cannot be used here"));
}
END_TEST

START_TEST(a_server_that_goes_away_ends_a_run_by_messages)
{
	fixture_serve("line", "silent");
	fixture_start_load("line", "-c 1 -n 1000 --timeout 300ms");
	process_await(fixture.server, &fixture.server->out, "accepted 127.0.0.1");
	process_kill(fixture.server, SIGKILL);
	ck_assert_int_eq(process_end(fixture.load), 1);
	fixture_must_print(" refused\n");
}
END_TEST

START_TEST(all_addresses_of_a_name_are_tried_in_turn)
{
	char address[64];
	const char *argv[] = {getenv("BOBBIN_LOAD"), "-c", "4", "-n", "400", address, NULL};

	fixture_serve("line", "right");
	snprintf(address, sizeof address, "localhost:%u", fixture.port);
	fixture.load = process_start(argv, 0);
	ck_assert_int_eq(process_end(fixture.load), 0);
	fixture_must_print("400 answered");
	fixture_must_print("failures     none");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("load: failures");
	TCase *tc = tcase_create("failure");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, fixture_set_up, fixture_tear_down);
	tcase_add_test(tc, a_port_where_nothing_listens_is_refused);
	tcase_add_test(tc, a_name_that_does_not_resolve_is_no_name);
	tcase_add_test(tc, a_server_that_resets_at_once_is_reset_and_not_unreachable);
	tcase_add_test(tc, a_server_that_never_answers_is_a_timeout);
	tcase_add_test(tc, a_server_that_closes_half_way_is_truncated);
	tcase_add_test(tc, a_server_that_closes_instead_of_answering_is_eof);
	tcase_add_test(tc, an_error_reply_is_refused_by_server_in_its_words);
	tcase_add_test(tc, too_few_descriptors_are_no_descriptors);
	tcase_add_test(tc, a_source_that_runs_out_of_ports_is_no_local_port);
	tcase_add_test(tc, a_source_that_is_not_of_this_host_is_a_wrong_option);
	tcase_add_test(tc, a_server_that_goes_away_ends_a_run_by_messages);
	tcase_add_test(tc, all_addresses_of_a_name_are_tried_in_turn);
	suite_add_tcase(suite, tc);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
