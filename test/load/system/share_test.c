/* SPDX-License-Identifier: ISC */
/* share_test - which connection sends what, and not before when, by the record of the server. */
#include "common/deadline.h"
#include "fixture.h"
#include "plan.h"
#include "suite.h"

#include <stdio.h>

/* Every message was answered, and the record is as the plan has it. */
static void must_follow(const struct plan *plan)
{
	struct plan p = *plan;
	char fault[PLAN_FAULT_MAX];

	fixture_read_record();
	fixture_must_agree_with_record();
	p.given_up = (uint64_t)fixture_json("messages.not_sent_client_late");
	ck_assert_msg(plan_check(&p, fixture.record, fixture.started_ns, fault), "%s\n%s", fault,
		fixture.load->out.text);
}

TEST(more_threads_than_messages_end)
{
	static const unsigned threads[] = {1, 4, 8};

	for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
		char options[64];
		snprintf(options, sizeof options, "-t %u -n 5", threads[i]);
		fixture_serve("line", "");
		fixture_start_load("line", options);
		fixture_must_end_soon();
		must_follow(&(struct plan){.connections = 64, .messages = 5});
		fixture_must_send_all(5);
		ck_assert_int_eq(fixture.status, 0);
	}
}

TEST(every_connection_is_opened_though_it_has_nothing_to_send)
{
	fixture_serve("line", "");
	fixture_start_load("line", "-t 3 -c 9 -n 1");
	fixture_must_end_soon();
	must_follow(&(struct plan){.connections = 9, .messages = 1});
	ck_assert_uint_eq(fixture.record->connection_count, 9);
	fixture_json_must_be("connect.count", 9);
}

TEST(messages_are_shared_evenly_in_the_closed_loop)
{
	fixture_serve("frame", "--delay 5ms");
	fixture_run_load("frame", "-t 2 -c 5 -n 17 -P 2");
	must_follow(&(struct plan){.connections = 5, .messages = 17});
	fixture_must_send_all(17);
}

TEST(each_connection_has_its_share_of_an_open_loop_at_the_whole_rate)
{
	struct plan p = {.connections = 3, .messages = 300, .rate_per_s = 300};

	fixture_serve("line", "");
	fixture_run_load("line", "-n 300 -c 3 -t 2 --rate 300");
	must_follow(&p);
	fixture_must_send_all(300);
	/* The last one is due 299 intervals after the first. */
	ck_assert_double_ge(fixture_json("measured_ns"), 299e9 / 300);
	ck_assert_double_le(fixture_json("throughput.replies_per_s"), 300.0 * 300 / 299);
}

TEST(a_slot_has_as_many_connections_as_its_messages_need)
{
	fixture_serve("echo", "");
	fixture_run_load("echo", "-n 17 -c 4 -t 3 --per-connection 2");
	must_follow(&(struct plan){.connections = 4, .messages = 17, .per_connection = 2});
	ck_assert_uint_eq(fixture.record->connection_count, 3 + 2 + 2 + 2);

	fixture_serve("echo", "");
	fixture_run_load("echo", "-n 500 -c 4 --per-connection 1");
	must_follow(&(struct plan){.connections = 4, .messages = 500, .per_connection = 1});
	ck_assert_uint_eq(fixture.record->connection_count, 500);
}

TEST(connections_that_are_reset_when_done_lose_nothing)
{
	fixture_serve("line", "");
	fixture_run_load("line", "-n 500 -c 4 --per-connection 10 -P 4 --close reset");
	must_follow(&(struct plan){.connections = 4, .messages = 500, .per_connection = 10});
	ck_assert_uint_eq(record_ended_by(fixture.record, RECORD_CLIENT_RESET),
		fixture.record->connection_count);
}

TEST(a_ramp_is_in_the_schedule_and_not_measured)
{
	struct plan p = {
		.connections = 4,
		.rate_per_s = 1000,
		.ramp_ns = 200 * NS_PER_MS,
		.duration_ns = 200 * NS_PER_MS,
	};

	fixture_serve("line", "");
	fixture_run_load("line", "-c 4 -d 200ms --ramp 200ms --rate 1000");
	must_follow(&p);
	/* 1,000/s for 200 ms, and half of that on the way there. */
	fixture_must_send_all(300);
	double late = fixture_json("messages.not_sent_client_late");
	fixture_json_must_be("messages.measured", 200 - late);
	fixture_json_must_be("latency.count", 200 - late);
	fixture_json_must_be("latency.never", late);
}

TEST(one_connection_after_the_other_begins_on_a_closed_loops_ramp)
{
	fixture_serve("line", "--delay 1ms");
	fixture_run_load("line", "-c 10 -t 3 -n 100 --ramp 300ms");
	must_follow(&(struct plan){.connections = 10, .messages = 100, .ramp_ns = 300 * NS_PER_MS});
}

TEST(time_and_messages_both_end_a_schedule)
{
	struct plan p = {.connections = 2, .rate_per_s = 100, .duration_ns = 300 * NS_PER_MS};

	fixture_serve("line", "");
	fixture_run_load("line", "-c 2 -d 300ms --rate 100");
	must_follow(&p);
	fixture_must_send_all(30);
	fixture_serve("line", "");
	fixture_run_load("line", "-c 2 -d 300ms --rate 100 -n 7");
	p.messages = 7;
	must_follow(&p);
	fixture_must_send_all(7);
}

/* What has to wait for room may still go, for --timeout. */
TEST(messages_that_wait_for_room_at_the_end_still_go)
{
	struct plan p = {.connections = 1, .rate_per_s = 100, .duration_ns = 200 * NS_PER_MS};

	fixture_serve("line", "--delay 30ms");
	fixture_run_load("line", "-c 1 -d 200ms --rate 100 --timeout 20s");
	must_follow(&p);
	fixture_must_send_all(20);
	/* One at a time. */
	ck_assert_int_ge(fixture.ended_ns - fixture.started_ns, 20 * 30 * NS_PER_MS);
}

static const struct {
	const char *rate;
	double per_s;
	unsigned messages;
} rates[] = {
	{"0.5/s", 0.5, 2},
	{"30/min", 0.5, 2},
	{"20k/s", 20000, 3000},
	{"1M/h", 1e6 / 3600, 120},
	{"2.5", 2.5, 3},
	{"1000", 1000, 200},
};

static void run_at_rate(size_t i)
{
	char options[96];

	snprintf(options, sizeof options, "-c 2 --timeout 20s -n %u --rate %s", rates[i].messages,
		rates[i].rate);
	fixture_serve("line", "");
	fixture_run_load("line", options);
	ck_assert_msg(fixture.status == 0 || fixture.status == 3, "%s: %s", rates[i].rate,
		fixture.load->err.text);
	must_follow(&(struct plan){
		.connections = 2, .messages = rates[i].messages, .rate_per_s = rates[i].per_s});
	fixture_must_send_all(rates[i].messages);
}

TEST(rates_have_fractions_thousands_and_other_times_than_a_second)
{
	fixture_for_each(sizeof rates / sizeof *rates, 6, run_at_rate);
}

TEST(a_run_is_as_long_as_it_was_asked_to_be)
{
	fixture_serve("line", "");
	fixture_run_load("line", "-c 2 -d 400ms");
	fixture_read_record();
	ck_assert_double_ge(fixture_json("measured_ns"), 400e6);
	ck_assert_int_ge(fixture.ended_ns - fixture.started_ns, 400 * NS_PER_MS);
	fixture_must_agree_with_record();
	ck_assert_int_eq(fixture.status, 0);
}

TEST(connections_open_no_faster_than_asked)
{
	fixture_serve("line", "");
	fixture_run_load("line", "-n 20 -c 21 -t 3 --connect-rate 100/s");
	fixture_read_record();
	const struct record *r = fixture.record;
	ck_assert_uint_eq(r->connection_count, 21);
	ck_assert_int_ge(r->connections[20].accepted_ns, fixture.started_ns + 180 * NS_PER_MS);
	ck_assert_double_ge(fixture_json("opening_ns"), 180e6);
}

TEST(connections_of_an_open_loop_open_one_by_one_for_each_message)
{
	struct plan p = {.connections = 3, .messages = 60, .per_connection = 1, .rate_per_s = 200};

	fixture_serve("frame", "");
	fixture_run_load("frame", "-c 3 -n 60 --per-connection 1 --rate 200 --timeout 20s");
	must_follow(&p);
	fixture_must_send_all(60);
}
