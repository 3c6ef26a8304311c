/* SPDX-License-Identifier: ISC */
/* measure_test - what a run measures while the server stands still, and what a mark and a restart
 * make of it. */
#include "common/deadline.h"
#include "fixture.h"
#include "test/suite.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/* Longer than a machine stands still by itself. */
#define STALL_NS NS_PER_S
#define RATE     1000

/* A histogram keeps three digits: what it says may be smaller by so much. */
#define ROUNDING 0.998

/* The server stands still in the middle of the load; returns for how long, in ns. */
static double stall_under(const char *options)
{
	fixture_serve("line");
	fixture_start(options);
	fixture_await_received(200);
	fixture_stop_for(fixture.server, STALL_NS);
	/* Both may have been late with their answers by a while: the load goes on until it is
	 * told. */
	fixture_tell(SIGINT);
	fixture_end();
	return (double)fixture.stood_still;
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
	fixture_serve("line --speak-every 500");
	fixture_start("-c 8 -d 1h --timeout 1h");
	fixture_await_received(2000);
	fixture_stop_for(fixture.server, STALL_NS);
	fixture_tell(SIGINT);
	fixture_end();
	fixture_must_agree();
	double stall_ns = (double)fixture.stood_still;
	/* A message of each connection, and no more: that is no hundredth. */
	ck_assert_double_ge(fixture_json("latency.max_ns"), 0.5 * stall_ns);
	ck_assert_double_le(fixture_json_count_from("latency", 0.95 * stall_ns), 8);
	ck_assert_double_ge(fixture_json("latency.count"), 2000);
	ck_assert_double_lt(fixture_json("latency.p99_ns"), 0.95 * stall_ns);
}

TEST_OF_TIME(the_last_replies_of_an_overloaded_schedule_are_awaited)
{
	fixture_serve("line --delay 200ms");
	fixture_run("-c 4 -d 1s --rate 100 --timeout 500ms");
	ck_assert_double_eq(fixture_json("messages.cut_off") + fixture_json("messages.lost"), 0);
	ck_assert_double_ge(fixture_json("messages.not_sent_no_room"), 1);
}

/* The open loop's messages in flight are as few; all the others waited before they were sent. */
TEST_OF_TIME(from_their_sending_on_only_those_in_flight_saw_the_stall)
{
	double stall_ns = stall_under("-c 8 -d 1h --rate 1000 --timeout 1h");

	ck_assert_double_le(fixture_json_count_from("latency_from_sent", 0.5 * stall_ns), 8);
}

/* What the client itself does between two messages is not on the wire. */
TEST_OF_TIME(from_sent_has_no_work_of_the_client_in_it)
{
	fixture_serve("line");
	fixture_run("-c 1 -d 1s --rate 50000000 --timeout 100ms");
	ck_assert_double_lt(fixture_json("latency_from_sent.max_ns"), 50e6);
}

TEST(marked_requests_are_lost_and_later_ones_cut_off)
{
	fixture_serve("line --mode silent");
	fixture_start("-c 1 -P 65536 -d 1h --rate 500 --timeout 1h");
	fixture_await_received(50);
	fixture_tell(SIGUSR1);
	const char *marked =
		process_await(fixture.load, &fixture.load->err, "marked: 1 connections, ");
	unsigned long owed = strtoul(marked, NULL, 10);
	fixture_await_received((unsigned)(owed / 50 + 2) * 50);
	process_kill(fixture.server, SIGKILL);
	fixture_tell(SIGINT);
	fixture_end();
	ck_assert_uint_ge(owed, 50);
	fixture_must_add_up();
	ck_assert_double_eq(fixture_json("messages.lost"), (double)owed);
	ck_assert_double_ge(fixture_json("messages.cut_off"), 50);
	ck_assert_double_eq(fixture_json("messages.excused"), fixture_json("messages.cut_off"));
	fixture_must_print("(by the mark)");
}

static void await_active(unsigned long wanted)
{
	struct process_stream *log = &fixture.server->err;

	for (unsigned long active = 0; active != wanted;) {
		const char *end = process_end_of(fixture.server, log);
		process_kill(fixture.server, SIGUSR1);
		active =
			strtoul(process_await_next(fixture.server, log, end, " active="), NULL, 10);
	}
}

TEST_OF_ANY_SERVER(every_connection_comes_back_to_a_server_that_was_killed_and_restarted)
{
	char where[64];
	const char *argv[] = {getenv("BOBBIND"), "-l", where, NULL};

	/* The ledger has no port of its own choice. */
	if (!argv[0])
		return;
	fixture_serve_right("line");
	snprintf(where, sizeof where, "127.0.0.1:%u", fixture.port);
	fixture_start("-c 400 -P 4 --rate 40000 -d 1h --timeout 500ms");
	await_active(400);
	process_free(fixture.server);
	fixture.server = process_start(argv, NULL);
	process_await(fixture.server, &fixture.server->err, "event=ready");
	await_active(400);
	fixture_tell(SIGINT);
	fixture_end();
	fixture_must_add_up();
}

SUITE_FIXTURE(fixture_set_up, fixture_tear_down)
