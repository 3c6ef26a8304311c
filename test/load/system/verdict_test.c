/* SPDX-License-Identifier: ISC */
/* verdict_test - what a run concludes: its schedule, its bounds, what never came, its status. */
#include "common/deadline.h"
#include "fixture.h"
#include "suite.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a run says if this machine, and not the server, kept the client from its schedule: a test
 * of the server's part cannot exclude that. */
#define CLIENT_LATE     3
#define CLIENT_LATE_NS  10e6

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static bool says_that_it_was_late(void)
{
	return fixture_json("messages.late") + fixture_json("messages.not_sent_client_late") > 0 ||
		fixture_json("client.stalls") > 0;
}

/* The status, unless the client was late, and says so. */
static void must_be_status(int status)
{
	if (fixture.status == CLIENT_LATE && says_that_it_was_late())
		return;
	ck_assert_msg(fixture.status == status, "status %d, not %d\n%s", fixture.status, status,
		fixture.load->out.text);
	fixture_json_must_be("exit_status", status);
}

static void must_break(const char *expression, const char *says)
{
	char line[128];

	snprintf(line, sizeof line, "BROKEN       %s: it was %s", expression, says);
	fixture_must_print(line);
	ck_assert(fixture_json_bool("fail_if.0.broken"));
}

static void must_keep(const char *expression)
{
	char line[128];

	snprintf(line, sizeof line, "kept         %s: ", expression);
	fixture_must_print(line);
	ck_assert(!fixture_json_bool("fail_if.0.broken"));
}

static void run_to_the_record(const char *options)
{
	fixture_run_load("line", options);
	fixture_read_record();
	fixture_must_add_up();
	fixture_json_must_be("messages.sent", (double)record_received(fixture.record));
}

/* The schedule. */

/* 50 a second on one connection to a server that takes 200 ms: five can be answered each second.
 * Nothing here can be quicker than that, on any machine. */
static void run_beyond_the_room(const char *bound)
{
	char options[128];

	snprintf(options, sizeof options, "-c 1 -d 1s --rate 50 --timeout 600ms %s", bound);
	fixture_serve("line", "--delay 200ms");
	run_to_the_record(options);
	fixture_json_must_be("messages.scheduled", 50);
	/* For a second, and 600 ms more for those that may still go. */
	ck_assert_double_le(fixture_json("messages.sent"), 9);
	ck_assert_double_gt(fixture_json("messages.not_sent_no_room"), 0);
	fixture_must_print("THE SCHEDULE WAS NOT KEPT");
}

static void must_name_the_room_it_needs(void)
{
	const char *needs = strstr(fixture.load->out.text, "needs ");

	ck_assert_ptr_nonnull(needs);
	/* 50/s for 200 ms each; more if this machine made it longer. */
	ck_assert_int_ge(strtol(needs + strlen("needs "), NULL, 10), 10);
	fixture_must_print(" messages in flight");
}

static void run_without_a_bound(void)
{
	char row[96];

	run_beyond_the_room("");
	snprintf(row, sizeof row, "50 due, %.0f sent, %.0f not sent", fixture_json("messages.sent"),
		fixture_json("messages.not_sent"));
	fixture_must_print(row);
	fixture_must_print(" no room");
	ck_assert_double_eq(fixture_json_failures("not sent: no room"),
		fixture_json("messages.not_sent_no_room"));
	must_name_the_room_it_needs();
	ck_assert_int_eq(fixture.status, 3);
}

static void run_with_a_bound_on_latency(void)
{
	run_beyond_the_room("--fail-if p99>1500ms");
	must_break("p99>1500ms", "never");
	ck_assert(isnan(fixture_json("fail_if.0.measured")));
	ck_assert(isnan(fixture_json("latency.p99_ns")));
	must_be_status(1);
}

static void run_with_a_wide_bound_on_it(void)
{
	run_beyond_the_room("--fail-if not_sent>99%");
	must_keep("not_sent>99%");
	must_be_status(0);
}

/* A count decides, whatever the client itself was. */
static void run_with_a_narrow_bound_on_it(void)
{
	run_beyond_the_room("--fail-if not_sent>10");
	must_break("not_sent>10", "");
	ck_assert_double_eq(fixture_json("fail_if.0.measured"), fixture_json("messages.not_sent"));
	ck_assert_int_eq(fixture.status, 1);
}

static void (*const without_room[])(void) = {
	run_without_a_bound,
	run_with_a_bound_on_latency,
	run_with_a_wide_bound_on_it,
	run_with_a_narrow_bound_on_it,
};

static void run_one_without_room(size_t i)
{
	without_room[i]();
}

TEST(a_schedule_for_which_there_is_no_room_is_not_kept_and_said_to_be_so)
{
	fixture_for_each(COUNT_OF(without_room), COUNT_OF(without_room), run_one_without_room);
}

TEST(a_schedule_that_is_kept_is_status_0)
{
	fixture_serve("line", "--delay 20ms");
	run_to_the_record("-c 20 --rate 100 -n 50 --timeout 20s");
	fixture_must_send_all(50);
	must_be_status(0);
}

/* What never came. */

/* Every tenth of 200 is not answered: ranks up to 180 have a reply, and above there is none. */
static const struct {
	const char *expression; /* the bound, or NULL */
	const char *broken;     /* what the report says that it was; NULL: kept */
	int status;
} tenths[] = {
	{NULL, NULL, 1},
	{"p89>1h", NULL, 0},
	{"p91>1h", "never", 1},
	{"max>1h", "never", 1},
	{"lost>10%", NULL, 0},
	{"lost>19", "20", 1},
	{"errors>10%", NULL, 0},
	{"answered<181", "180", 1},
};

static void run_without_every_tenth(size_t i)
{
	char options[128];

	snprintf(options, sizeof options, "-c 100 -n 200 --timeout 1s %s %s",
		tenths[i].expression ? "--fail-if" : "",
		tenths[i].expression ? tenths[i].expression : "");
	fixture_serve("line", "--unanswered 10");
	run_to_the_record(options);
	fixture_json_must_be("messages.lost", 20);
	fixture_json_must_be("messages.answered", 180);
	fixture_json_must_be("latency.count", 180);
	fixture_json_must_be("latency.never", 20);
	ck_assert(isnan(fixture_json("latency.p95_ns")));
	ck_assert(!isnan(fixture_json("latency.p90_ns")));
	if (tenths[i].broken)
		must_break(tenths[i].expression, tenths[i].broken);
	else if (tenths[i].expression)
		must_keep(tenths[i].expression);
	ck_assert_msg(fixture.status == tenths[i].status, "%s: status %d, not %d",
		tenths[i].expression, fixture.status, tenths[i].status);
}

TEST(a_reply_that_never_came_is_slower_than_any_bound_and_lost)
{
	fixture_for_each(COUNT_OF(tenths), COUNT_OF(tenths), run_without_every_tenth);
}

static const char *const any_bounds[] = {
	"", "--fail-if mismatches>0", "--fail-if p50<1ns", "--fail-if lost>100%"};

static void run_in_silence(size_t i)
{
	char options[128];

	snprintf(options, sizeof options, "-c 8 -n 8 --timeout 300ms %s", any_bounds[i]);
	fixture_serve("line", "--mode silent");
	run_to_the_record(options);
	fixture_json_must_be("messages.sent", 8);
	fixture_json_must_be("messages.lost", 8);
	fixture_json_must_be("latency.never", 8);
	ck_assert_int_eq(fixture.status, 1);
}

TEST(nothing_answered_at_all_is_status_1_whatever_the_bound)
{
	fixture_for_each(COUNT_OF(any_bounds), COUNT_OF(any_bounds), run_in_silence);
}

TEST(a_bound_on_a_latency_that_was_never_measured_is_broken)
{
	fixture_serve("line", "--mode silent");
	run_to_the_record("-c 2 -n 4 --timeout 300ms --fail-if p99>5ms");
	must_break("p99>5ms", "never");
	ck_assert_int_eq(fixture.status, 1);
}

TEST(a_broken_bound_is_said_and_is_status_1)
{
	fixture_serve("line", "");
	fixture_run_load("line", "-n 100 -c 1 --fail-if p50>1ns --fail-if errors>0");
	must_break("p50>1ns", "");
	fixture_must_print("kept         errors>0: it was 0");
	fixture_json_must_be("fail_if.1.measured", 0);
	ck_assert_double_gt(fixture_json("fail_if.0.measured"), 1);
	ck_assert_int_eq(fixture.status, 1);
	fixture_run_load("line", "-n 100 -c 1 --fail-if p50>1h --fail-if rate<0.01/s");
	ck_assert_int_eq(fixture.status, 0);
}

TEST(the_json_tells_each_bound_as_numbers_and_in_words)
{
	fixture_serve("line", "--delay 20ms");
	fixture_run_load("line", "-n 8 -c 2 --fail-if p50<1h --fail-if sent>7");
	ck_assert_str_eq(fixture_json_text("fail_if.0.expression"), "p50<1h");
	ck_assert_double_ge(fixture_json("fail_if.0.measured"), 20e6);
	ck_assert_str_eq(fixture_json_text("fail_if.0.unit"), "ns");
	ck_assert(fixture_json_bool("fail_if.0.broken"));
	ck_assert_str_ne(fixture_json_text("fail_if.0.explained"), "");
	fixture_json_must_be("fail_if.1.measured", 8);
	ck_assert(fixture_json_bool("fail_if.1.broken"));
	ck_assert_int_eq(fixture.status, 1);
}

/* The time that was measured. */

TEST(a_server_that_hangs_has_the_rate_of_the_whole_time_asked_for)
{
	fixture_serve("line", "--hang-after 50");
	run_to_the_record("-c 4 -d 1s --timeout 200ms --fail-if rate<60/s");
	ck_assert_uint_eq(record_replied(fixture.record), 50);
	fixture_json_must_be("messages.answered", 50);
	ck_assert_double_ge(fixture_json("measured_ns"), 1e9);
	ck_assert_double_le(fixture_json("throughput.replies_per_s"), 50);
	must_break("rate<60/s", "");
	must_be_status(1);
}

TEST(a_server_that_hangs_in_an_open_loop_has_it_too)
{
	fixture_serve("line", "--hang-time 200ms");
	run_to_the_record("-c 4 -d 1s --rate 100 --timeout 200ms --fail-if rate<90/s");
	/* It is said to have answered what it answered, over all of the second. */
	ck_assert_double_ge(fixture_json("measured_ns"), 1e9);
	ck_assert_double_le(
		fixture_json("throughput.replies_per_s"), (double)record_replied(fixture.record));
	must_break("rate<90/s", "");
	must_be_status(1);
}

TEST(a_server_that_never_said_a_word_has_no_rate_over_all_of_the_time)
{
	fixture_serve("line", "--mode silent");
	run_to_the_record("-c 4 -d 500ms --timeout 300ms --fail-if rate<1/s");
	ck_assert_double_ge(fixture_json("measured_ns"), 500e6);
	fixture_json_must_be("throughput.replies_per_s", 0);
	must_break("rate<1/s", "");
	ck_assert_int_eq(fixture.status, 1);
}

/* 8.8/s is not 8/s. */
TEST(small_rates_are_not_cut_to_whole_numbers)
{
	fixture_serve("line", "--delay 150ms");
	run_to_the_record("-c 1 -n 5 --fail-if rate>6.67/s --fail-if rate<0.5/s");
	must_keep("rate>6.67/s");
	double rate = fixture_json("throughput.replies_per_s");
	ck_assert_double_le(rate, 1 / 0.150);
	const char *row = strstr(fixture.load->out.text, "throughput ");
	ck_assert_ptr_nonnull(row);
	ck_assert_double_eq_tol(strtod(row + strlen("throughput "), NULL), rate, 0.01 * rate);
	ck_assert_int_eq(fixture.status, 0);
}

/* What the client itself is the cause of. */

/* Half of the messages are due while the client stands still. */
TEST(a_client_that_stood_still_is_the_cause_of_a_broken_schedule)
{
	fixture_serve("line", "--speak-every 1");
	fixture_start_load("line", "-c 4 -d 2s --rate 200 --timeout 1s --fail-if p99>900ms");
	fixture_await_received(1);
	fixture_stop_for(fixture.load, 1300 * NS_PER_MS);
	fixture_end_load();
	fixture_read_record();
	fixture_must_add_up();
	ck_assert_int_eq(fixture.status, CLIENT_LATE);
	ck_assert_double_eq(fixture_json_failures("timeout"), 0);
	fixture_json_must_be("messages.lost", 0);
	fixture_json_must_be("messages.sent", (double)record_received(fixture.record));
	fixture_must_print("THE SCHEDULE WAS NOT KEPT");
}

/* Replies that were there all the time, and that the client did not look at, have not timed out. */
TEST(a_client_that_stood_still_in_a_closed_loop_counts_no_timeouts)
{
	fixture_serve("line", "--delay 10ms --speak-every 1");
	fixture_start_load("line", "-c 4 -n 400 --timeout 1s --fail-if max>900ms");
	fixture_await_received(20);
	fixture_stop_for(fixture.load, 1300 * NS_PER_MS);
	fixture_end_load();
	fixture_read_record();
	fixture_must_agree_with_record();
	ck_assert_double_eq(fixture_json_failures("timeout"), 0);
	fixture_json_must_be("messages.answered", 400);
	ck_assert_int_eq(fixture.status, CLIENT_LATE);
}
