/* SPDX-License-Identifier: ISC */
/* measure_test - what a run measures, held against what the server's record and clock say. */
#include "common/deadline.h"
#include "fixture.h"
#include "suite.h"

#include <math.h>
#include <signal.h>

/* Longer than a machine stands still by itself. */
#define STALL_NS NS_PER_S
#define RATE     1000

/* A histogram keeps three digits: what it says may be smaller by so much. */
#define ROUNDING 0.998

TEST(ten_thousand_connections_are_all_answered)
{
	fixture_serve("line", "");
	fixture_run_load("line", "-c 10000 -n 30000 --timeout 60s");
	fixture_read_record();
	fixture_must_agree_with_record();
	fixture_json_must_be("messages.answered", 30000);
	ck_assert_uint_eq(fixture.record->connection_count, 10000);
	fixture_must_print("30,000 answered, 0 mismatched, 0 lost, 0 cut off");
	fixture_must_print("failures     none");
	ck_assert_int_eq(fixture.status, 0);
}

/* The server stands still in the middle of the load; returns for how long, in ns. */
static double stall_under(const char *options)
{
	fixture_serve("line", "");
	fixture_start_load("line", options);
	fixture_await_received(200);
	int64_t stall_ns = fixture_stop_for(fixture.server, STALL_NS);
	/* Both may have been late with their answers by a while; the load goes on until it is told. */
	process_kill(fixture.load, SIGINT);
	fixture_end_load();
	return (double)stall_ns;
}

/*
 * Every message that was due during the stall was answered after it: those of its first half took
 * half of it at the least, those of its first twentieth nearly all.
 */
TEST(a_stall_has_its_true_size_in_the_open_loop)
{
	double stall_ns = stall_under("-c 8 -d 1h --rate 1000 --timeout 1h");
	double due = RATE * stall_ns / 1e9;

	ck_assert_double_ge(fixture_json_count_from("latency", ROUNDING * 0.5 * stall_ns) +
			fixture_json("messages.not_sent"),
		0.45 * due);
	ck_assert_double_ge(fixture_json_count_from("latency", ROUNDING * 0.95 * stall_ns), 1);
	/* Those that were in flight saw it from their sending on. */
	ck_assert_double_ge(fixture_json("latency_from_sent.max_ns"), 0.5 * stall_ns);
	/* From its sending no message took longer than from the moment that it was due. */
	ck_assert_double_ge(fixture_json_count_from("latency", 0.5 * stall_ns),
		fixture_json_count_from("latency_from_sent", 0.5 * stall_ns));
}

TEST(the_closed_loop_does_not_see_the_stall_in_p99)
{
	double stall_ns;

	fixture_serve("line", "--speak-every 500");
	fixture_start_load("line", "-c 8 -d 1h --timeout 1h");
	fixture_await_received(2000);
	stall_ns = (double)fixture_stop_for(fixture.server, STALL_NS);
	process_kill(fixture.load, SIGINT);
	fixture_end_load();
	fixture_read_record();
	fixture_must_agree_with_record();
	/* A message of each connection, and no more. */
	ck_assert_double_lt(fixture_json("latency.p99_ns"), stall_ns / 2);
	ck_assert_double_ge(fixture_json("latency.max_ns"), 0.5 * stall_ns);
	ck_assert_double_le(fixture_json_count_from("latency", 0.95 * stall_ns), 8);
}

/* The open loop's messages in flight are as few; all the others waited before they were sent. */
TEST_OF_TIME(the_last_replies_of_an_overloaded_schedule_are_awaited)
{
	fixture_serve("line", "--delay 200ms");
	fixture_run_load("line", "-c 4 -d 1s --rate 100 --timeout 500ms");
	fixture_json_must_be("messages.cut_off", 0);
	fixture_json_must_be("messages.lost", 0);
	ck_assert_double_ge(fixture_json("messages.not_sent_no_room"), 1);
}

TEST_OF_TIME(from_their_sending_on_only_those_in_flight_saw_the_stall)
{
	double least = INFINITY;

	for (int i = 0; i < 3; i++) {
		double stall_ns = stall_under("-c 8 -d 1h --rate 1000 --timeout 1h");
		double seen = fixture_json_count_from("latency_from_sent", 0.5 * stall_ns);
		least = seen < least ? seen : least;
	}
	ck_assert_double_le(least, 8);
}

/* What the client itself does between two messages is not on the wire. */
TEST_OF_TIME(from_sent_has_no_work_of_the_client_in_it)
{
	double best_ns = INFINITY;

	for (int i = 0; i < 3; i++) {
		fixture_serve("line", "");
		fixture_run_load("line", "-c 1 -d 1s --rate 50000000 --timeout 100ms");
		double max_ns = fixture_json("latency_from_sent.max_ns");
		best_ns = max_ns < best_ns ? max_ns : best_ns;
	}
	ck_assert_double_lt(best_ns, 50e6);
}

/* The longest time that a message was in the server's hands. */
static double longest_in_server_ns(const struct record *r)
{
	int64_t longest_ns = 0;

	for (size_t i = 0; i < r->message_count; i++) {
		const struct record_message *m = &r->messages[i];
		if (m->replied_ns - m->arrived_ns > longest_ns)
			longest_ns = m->replied_ns - m->arrived_ns;
	}
	return (double)longest_ns;
}

static void must_measure_the_server(const char *options)
{
	fixture_serve("line", "--delay 30ms");
	fixture_run_load("line", options);
	fixture_read_record();
	fixture_must_agree_with_record();
	fixture_json_must_be("latency.count", fixture_json("messages.measured"));
	fixture_json_must_be("latency.never", 0);
	ck_assert_double_ge(fixture_json("latency.min_ns"), 30e6);
	ck_assert_double_ge(fixture_json("latency_from_sent.min_ns"), 30e6);
	ck_assert_double_ge(fixture_json("first_byte.min_ns"), 30e6);
	ck_assert_double_ge(
		fixture_json("latency_from_sent.max_ns"), longest_in_server_ns(fixture.record));
	fixture_json_must_be("connect.count", (double)fixture.record->connection_count);
}

TEST(no_reply_is_quicker_than_the_server_was)
{
	must_measure_the_server("-c 3 -n 30 -P 2");
	must_measure_the_server("-c 3 -n 30 --rate 200 --timeout 20s");
}

TEST(the_json_has_the_settings_and_the_histograms)
{
	fixture_serve("line", "--mode change");
	fixture_run_load("line", "-n 100 -c 4 --rate 2000 --fail-if p99>1h");
	fixture_json_must_be("settings.connections", 4);
	fixture_json_must_be("settings.messages", 100);
	fixture_json_must_be("settings.rate_per_s", 2000);
	fixture_json_must_be("latency.count", fixture_json("messages.answered"));
	fixture_json_must_be("exit_status", fixture.status);
	ck_assert(!fixture_json_bool("interrupted"));
	ck_assert_double_eq(fixture_json_count_from("latency", 0), fixture_json("latency.count"));
	fixture_must_add_up();
}

/* The names of a result are the same in both loops. */
TEST(both_loops_have_the_same_names_in_the_json)
{
	static const char *const names[] = {"messages.scheduled", "messages.not_sent",
		"messages.late", "messages.measured", "latency.never", "latency_from_sent.count",
		"client_lateness.count", "connect.never", "first_byte.never", "measured_ns",
		"connections_opened", "connections_ended_by_server"};
	static const char *const loops[] = {"-n 20 -c 2", "-n 20 -c 2 --rate 1000"};

	for (size_t i = 0; i < 2; i++) {
		fixture_serve("echo", "");
		fixture_run_load("echo", loops[i]);
		for (size_t k = 0; k < sizeof names / sizeof *names; k++)
			ck_assert(!isnan(fixture_json(names[k])));
	}
}
