/* SPDX-License-Identifier: ISC */
/* measure_test - what a run measures, how it ends, and what it says of itself. */
#include "common/deadline.h"
#include "fixture.h"

#include <check.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define STALL_NS (200 * NS_PER_MS)

START_TEST(ten_thousand_connections_are_all_answered)
{
	fixture_serve("line", "right");
	fixture_run_load("line", "-c 10000 -n 30000 --timeout 20s");
	fixture_must_print("30,000 sent, 30,000 answered, 0 mismatched, 0 lost, 0 cut off");
	fixture_must_print("failures     none");
	ck_assert_int_eq(fixture.status, 0);
}
END_TEST

/* Wait, without a sleep, until that moment has passed: nothing will come on a pipe that we hold
 * ourselves. */
static void wait_until(int64_t moment_ns)
{
	struct timespec ts = deadline_timespec(moment_ns);

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) != 0)
		;
}

/* The server stands still for a while, in the middle of the load; returns for how long, in ns. */
static double stall_server(void)
{
	fixture_await_traffic();
	int64_t stopped_ns = deadline_now();
	process_kill(fixture.server, SIGSTOP);
	wait_until(stopped_ns + STALL_NS);
	int64_t stall_ns = deadline_now() - stopped_ns;
	process_kill(fixture.server, SIGCONT);
	return (double)stall_ns;
}

START_TEST(a_stall_has_its_true_size_in_the_open_loop)
{
	fixture_serve("line", "right");
	fixture_start_load("line", "-c 8 -d 2s --rate 1000 --json JSON");
	double stall_ns = stall_server();
	process_end(fixture.load);
	/*
	 * For a tenth of the two seconds every message had to wait, on average half of the stall;
	 * the 0.1 % that waited longest did so for nearly all of it.
	 */
	double p99_9_ns = fixture_json_number("latency_from_intended", "p99_9_ns");
	ck_assert_double_ge(p99_9_ns, 0.95 * (double)STALL_NS);
	ck_assert_double_ge(fixture_json_number("latency_from_intended", "p95_ns"), 0.3 * stall_ns);
	ck_assert_double_le(fixture_json_number("latency_from_intended", "p50_ns"), 0.5 * p99_9_ns);
	/* From the actual send on only the 8 in flight saw it, as much of it as was left then. */
	ck_assert_double_lt(fixture_json_number("latency_from_sent", "p99_ns"), 0.5 * p99_9_ns);
	ck_assert_double_ge(fixture_json_number("latency_from_sent", "max_ns"), 0.5 * stall_ns);
}
END_TEST

START_TEST(the_closed_loop_does_not_see_the_stall_in_p99)
{
	fixture_serve("line", "right");
	fixture_start_load("line", "-c 8 -d 2s --json JSON");
	double stall_ns = stall_server();
	process_end(fixture.load);
	ck_assert_double_lt(fixture_json_number("latency", "p99_ns"), stall_ns / 2);
	ck_assert_double_ge(fixture_json_number("latency", "max_ns"), 0.95 * stall_ns);
}
END_TEST

START_TEST(a_schedule_beyond_the_client_is_said_not_to_be_kept)
{
	fixture_serve("line", "right");
	fixture_run_load("line", "-c 1 -d 300ms --rate 100000000 --timeout 5s");
	fixture_must_print("THE SCHEDULE WAS NOT KEPT");
	ck_assert_int_eq(fixture.status, 3);
}
END_TEST

START_TEST(a_broken_bound_is_said_and_is_status_1)
{
	fixture_serve("line", "right");
	fixture_run_load("line", "-n 100 -c 1 --fail-if p50>1ns --fail-if errors>0");
	fixture_must_print("BROKEN       p50>1ns: it was ");
	fixture_must_print("% above\n");
	fixture_must_print("kept         errors>0: it was 0");
	ck_assert_int_eq(fixture.status, 1);
	fixture_run_load("line", "-n 100 -c 1 --fail-if p50>1h --fail-if rate<1/s");
	ck_assert_int_eq(fixture.status, 0);
}
END_TEST

START_TEST(a_bound_of_errors_decides_alone_when_it_is_given)
{
	fixture_serve("line", "change");
	fixture_run_load("line", "-n 20 -c 1 --fail-if mismatches>50%");
	ck_assert_int_eq(fixture.status, 0);
	fixture_run_load("line", "-n 20 -c 1 --fail-if mismatches>0");
	ck_assert_int_eq(fixture.status, 1);
}
END_TEST

START_TEST(marked_requests_are_lost_and_later_ones_cut_off)
{
	char later[32];

	fixture_serve("line", "silent");
	/* It goes on until it is told to end. */
	fixture_start_load("line", "-c 1 -P 65536 -d 1h --rate 500 --json JSON");
	process_await(fixture.server, &fixture.server->out, "received 50\n");
	process_kill(fixture.load, SIGUSR1);
	const char *marked =
		process_await(fixture.load, &fixture.load->err, "marked: 1 connections, ");
	unsigned long owed = strtoul(marked, NULL, 10);
	snprintf(later, sizeof later, "received %lu\n", (owed / 50 + 2) * 50);
	process_await(fixture.server, &fixture.server->out, later);
	process_kill(fixture.server, SIGKILL);
	process_kill(fixture.load, SIGINT);
	process_end(fixture.load);
	ck_assert_uint_ge(owed, 50);
	ck_assert_double_eq(fixture_json_number("messages", "lost"), (double)owed);
	ck_assert_double_ge(fixture_json_number("messages", "cut_off"), 50);
	ck_assert_double_eq(fixture_json_number("messages", "sent"),
		fixture_json_number("messages", "lost") +
			fixture_json_number("messages", "cut_off"));
}
END_TEST

START_TEST(a_mark_is_printed_though_one_of_several_threads_has_ended)
{
	fixture_serve("line", "silent");
	/* One message for two threads. */
	fixture_start_load("line", "-c 2 -t 2 -n 1 --timeout 5s");
	process_await(fixture.server, &fixture.server->out, "accepted ");
	process_kill(fixture.load, SIGUSR1);
	process_await(fixture.load, &fixture.load->err, "marked: ");
	process_kill(fixture.load, SIGTERM);
	process_kill(fixture.load, SIGTERM);
	process_end(fixture.load);
}
END_TEST

START_TEST(a_bound_on_a_latency_that_was_never_measured_is_broken)
{
	fixture_serve("line", "silent");
	fixture_run_load("line", "-c 2 -n 4 --timeout 300ms --fail-if p99>5ms");
	ck_assert_int_eq(fixture.status, 1);
	fixture_must_print("BROKEN       p99>5ms: it was never: nothing was measured");
}
END_TEST

START_TEST(every_connection_comes_back_to_a_server_that_was_killed_and_restarted)
{
	const char *bobbind = getenv("BOBBIND");
	char where[64];

	if (!bobbind)
		return;
	fixture_serve("line", "right");
	fixture_start_load("line", "-c 400 -P 4 --rate 40000 -d 20s --timeout 500ms");
	fixture_await_traffic();
	process_kill(fixture.server, SIGKILL);
	process_end(fixture.server);
	process_free(fixture.server);
	snprintf(where, sizeof where, "127.0.0.1:%u", fixture.port);
	const char *argv[] = {bobbind, "-l", where, NULL};
	fixture.server = process_start(argv, 0);
	process_await(fixture.server, &fixture.server->err, "event=ready");
	/* Each count stands behind those before it. */
	for (unsigned long active = 0; active != 400;) {
		fixture.server->err.len = 0;
		fixture.server->err.text[0] = '\0';
		process_kill(fixture.server, SIGUSR1);
		active = strtoul(
			process_await(fixture.server, &fixture.server->err, " active="), NULL, 10);
	}
	process_kill(fixture.load, SIGINT);
	process_end(fixture.load);
}
END_TEST

START_TEST(a_signal_ends_it_early_with_the_result_so_far)
{
	fixture_serve("line", "right");
	fixture_start_load("line", "-c 2 -d 1h");
	process_await(fixture.server, &fixture.server->out, "received 100\n");
	process_kill(fixture.load, SIGINT);
	ck_assert_int_eq(process_end(fixture.load), 0);
	fixture_must_print("ended early by a signal");
	fixture_must_print("0 mismatched, 0 lost, 0 cut off");
}
END_TEST

START_TEST(a_second_signal_does_not_wait_for_replies)
{
	fixture_serve("line", "silent");
	fixture_start_load("line", "-c 50 -d 1h --timeout 1h");
	process_await(fixture.server, &fixture.server->out, "received 50\n");
	process_kill(fixture.load, SIGINT);
	/* Pending signals of one number are one: the second is of another kind. */
	process_kill(fixture.load, SIGTERM);
	process_end(fixture.load);
	fixture_must_print("50 sent, 0 answered, 0 mismatched, 0 lost, 50 cut off");
}
END_TEST

START_TEST(a_new_connection_for_each_message_counts_both)
{
	fixture_serve("line", "right");
	fixture_run_load("line", "-n 500 -c 4 --per-connection 1 --json JSON");
	ck_assert_double_eq(fixture_json_number(NULL, "connections_opened"), 500);
	fixture_must_print("500 answered");
	fixture_must_print("failures     none");
	fixture_run_load("line", "-n 500 -c 4 --per-connection 10 -P 4 --close reset --json JSON");
	/* The last of each slot may have fewer than ten. */
	ck_assert_double_ge(fixture_json_number(NULL, "connections_opened"), 50);
	ck_assert_double_le(fixture_json_number(NULL, "connections_opened"), 53);
	fixture_must_print("500 answered");
}
END_TEST

START_TEST(connections_open_no_faster_than_asked)
{
	fixture_serve("line", "right");
	fixture_run_load("line", "-n 20 -c 21 --connect-rate 100/s --json JSON");
	ck_assert_double_ge(fixture_json_number(NULL, "opening_ns"), 199e6);
}
END_TEST

START_TEST(sources_are_used_in_turn)
{
	fixture_serve("line", "silent");
	fixture_run_load("line", "-c 4 -n 4 --timeout 100ms --source 127.0.0.5-127.0.0.6");
	process_await(fixture.server, &fixture.server->out, "accepted 127.0.0.5");
	process_await(fixture.server, &fixture.server->out, "accepted 127.0.0.6");
}
END_TEST

START_TEST(a_ramp_is_not_measured)
{
	fixture_serve("line", "right");
	fixture_run_load("line", "-c 4 -d 200ms --ramp 200ms --rate 1000 --json JSON");
	/* 1,000/s for 200 ms, and half of that on the way there. */
	ck_assert_double_eq(fixture_json_number("messages", "sent"), 300);
	ck_assert_double_eq(fixture_json_number("messages", "measured"), 200);
}
END_TEST

START_TEST(the_json_is_json)
{
	const char *python = getenv("PYTHON");
	const char *argv[] = {python, "-m", "json.tool", fixture.json, NULL};

	fixture_serve("line", "change");
	fixture_run_load("line", "-n 300 -c 4 --rate 2000 --fail-if p99>1h --json JSON");
	ck_assert_double_eq(fixture_json_number("settings", "connections"), 4);
	ck_assert_double_eq(fixture_json_number("latency_from_intended", "count"),
		fixture_json_number("messages", "answered"));
	if (!python)
		return;
	struct process *p = process_start(argv, 0);
	ck_assert_int_eq(process_end(p), 0);
	process_free(p);
}
END_TEST

START_TEST(nothing_is_drawn_where_there_is_no_terminal)
{
	fixture_serve("line", "right");
	fixture_run_load("line", "-c 2 -d 700ms");
	ck_assert_str_eq(fixture.load->err.text, "");
}
END_TEST

START_TEST(a_terminal_sees_the_progress)
{
	const char *program = getenv("BOBBIN_LOAD");
	char address[64];
	char seen[4096] = "";
	size_t len = 0;
	int terminal;

	ck_assert_ptr_nonnull(program);
	fixture_serve("line", "right");
	snprintf(address, sizeof address, "127.0.0.1:%u", fixture.port);
	pid_t pid = forkpty(&terminal, NULL, NULL, NULL);
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		execl(program, "bobbin-load", "-c", "2", "-d", "900ms", address, (char *)NULL);
		_exit(127);
	}
	/* Reading from the terminal of a child that has ended fails with EIO. */
	for (ssize_t n; len < sizeof seen - 1 &&
		(n = read(terminal, seen + len, sizeof seen - 1 - len)) > 0;)
		len += (size_t)n;
	waitpid(pid, NULL, 0);
	close(terminal);
	ck_assert_ptr_nonnull(strstr(seen, " s   "));
	ck_assert_ptr_nonnull(strstr(seen, "p99 "));
	ck_assert_ptr_nonnull(strstr(seen, "errors 0"));
}
END_TEST

START_TEST(several_threads_share_the_work)
{
	fixture_serve("frame", "right");
	fixture_run_load("frame", "-c 7 -t 3 -P 3 -n 1001");
	fixture_must_print("1,001 sent, 1,001 answered");
	ck_assert_int_eq(fixture.status, 0);
	/* Whether that schedule was kept is the machine's affair: 11 ms of standing still are too many. */
	fixture_run_load("frame", "-c 7 -t 3 -n 301 --rate 3000");
	fixture_must_print("301 sent, 301 answered");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("load: measuring");
	TCase *server = tcase_create("server");
	TCase *tc = tcase_create("measure");

	tcase_set_timeout(server, 120);
	tcase_add_checked_fixture(server, fixture_set_up, fixture_tear_down);
	tcase_add_test(server, ten_thousand_connections_are_all_answered);
	tcase_add_test(server, a_stall_has_its_true_size_in_the_open_loop);
	tcase_add_test(
		server, every_connection_comes_back_to_a_server_that_was_killed_and_restarted);
	tcase_add_test(server, the_closed_loop_does_not_see_the_stall_in_p99);
	suite_add_tcase(suite, server);
	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, fixture_set_up, fixture_tear_down);
	tcase_add_test(tc, a_schedule_beyond_the_client_is_said_not_to_be_kept);
	tcase_add_test(tc, a_broken_bound_is_said_and_is_status_1);
	tcase_add_test(tc, a_bound_of_errors_decides_alone_when_it_is_given);
	tcase_add_test(tc, marked_requests_are_lost_and_later_ones_cut_off);
	tcase_add_test(tc, a_mark_is_printed_though_one_of_several_threads_has_ended);
	tcase_add_test(tc, a_bound_on_a_latency_that_was_never_measured_is_broken);
	tcase_add_test(tc, a_signal_ends_it_early_with_the_result_so_far);
	tcase_add_test(tc, a_second_signal_does_not_wait_for_replies);
	tcase_add_test(tc, a_new_connection_for_each_message_counts_both);
	tcase_add_test(tc, connections_open_no_faster_than_asked);
	tcase_add_test(tc, sources_are_used_in_turn);
	tcase_add_test(tc, a_ramp_is_not_measured);
	tcase_add_test(tc, the_json_is_json);
	tcase_add_test(tc, nothing_is_drawn_where_there_is_no_terminal);
	tcase_add_test(tc, a_terminal_sees_the_progress);
	tcase_add_test(tc, several_threads_share_the_work);
	suite_add_tcase(suite, tc);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
