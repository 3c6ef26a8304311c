/* SPDX-License-Identifier: ISC */
/* ending_test - servers that speak first, and that end connections politely: no failure, as long as
 * they owe nothing. */
#include "common/deadline.h"
#include "fixture.h"
#include "suite.h"

#include <stdio.h>

static uint64_t unanswered(const struct record *r)
{
	return record_received(r) - record_replied(r);
}

/* Connections that the server ended while a message was on its way to it. */
static uint64_t ended_in_debt(const struct record *r)
{
	uint64_t count = 0;

	for (size_t i = 0; i < r->connection_count; i++)
		count += r->connections[i].received > r->connections[i].replied;
	return count;
}

/* Ends that the client need not have seen: of the last connection of each slot. */
static void must_count_ends(unsigned slots)
{
	double ends = (double)(record_ended_by(fixture.record, RECORD_SERVER_FIN) -
		ended_in_debt(fixture.record));
	double counted = fixture_json("connections_ended_by_server");

	ck_assert_double_le(counted, ends);
	ck_assert_double_ge(counted, ends - slots);
}

/* Each slot's next connection is opened at once: with a rest of 100 ms these would take 30 s. */
TEST(a_server_that_ends_each_connection_after_its_reply_is_no_failure_and_no_rest)
{
	fixture_serve("line", "--end-after 1");
	fixture_start_load("line", "-c 1 -n 300 --fail-if errors>0");
	fixture_must_end_soon();
	fixture_read_record();
	fixture_must_agree_with_record();
	fixture_json_must_be("messages.answered", 300);
	ck_assert_uint_ge(fixture.record->connection_count, 300);
	must_count_ends(1);
	fixture_must_print("failures     none");
	fixture_must_print(" ended by the server with nothing owed");
	ck_assert_int_eq(fixture.status, 0);
}

TEST(a_server_that_ends_connections_in_an_open_loop_is_no_failure)
{
	fixture_serve("frame", "--end-after 5");
	fixture_start_load("frame", "-c 4 -n 400 --rate 1000 --timeout 20s");
	fixture_must_end_soon();
	fixture_read_record();
	fixture_must_agree_with_record();
	fixture_must_send_all(400);
	must_count_ends(4);
	ck_assert_double_eq(fixture_json_failures("eof") + fixture_json_failures("reset"), 0);
}

/* The end may cross with a message; then that one is owed, and the server's record says so. */
TEST(a_server_that_ends_idle_connections_is_no_failure_unless_a_message_crosses_the_end)
{
	fixture_serve("line", "--idle 40ms");
	fixture_start_load("line", "-c 4 -n 24 --rate 20 --timeout 5s");
	fixture_must_end_soon();
	fixture_read_record();
	ck_assert_uint_gt(record_ended_by(fixture.record, RECORD_SERVER_FIN), 4);
	fixture_must_agree_with_record();
	fixture_json_must_be("messages.lost", (double)unanswered(fixture.record));
	fixture_json_must_be("connections_opened", (double)fixture.record->connection_count);
	must_count_ends(4);
	ck_assert_double_le(fixture_json_failures("eof") + fixture_json_failures("reset"),
		(double)ended_in_debt(fixture.record));
}

/* Messages that wait on one slot are not for another one's connection. */
TEST(a_connection_that_is_ended_with_replies_owed_is_a_failure_and_a_loss)
{
	fixture_serve("line", "--end-after 3 --delay 20ms");
	fixture_start_load("line", "-c 2 -P 4 -n 40");
	fixture_must_end_soon();
	fixture_read_record();
	ck_assert_uint_gt(unanswered(fixture.record), 0);
	fixture_must_add_up();
	fixture_json_must_be("messages.answered", (double)record_replied(fixture.record));
	fixture_json_must_be("messages.lost", 40 - (double)record_replied(fixture.record));
	ck_assert_double_gt(fixture_json_failures("eof") + fixture_json_failures("reset"), 0);
	ck_assert_int_eq(fixture.status, 1);
}

/* A peer that does not read: messages that were not wholly sent are cut off, not lost. */
TEST(a_server_that_stops_reading_owes_nothing_for_what_it_was_never_sent)
{
	fixture_serve("frame", "--read-at-most 1");
	fixture_start_load("frame", "-c 1 -P 64 -s 1MiB -n 64 --timeout 500ms");
	fixture_must_end_soon();
	fixture_read_record();
	fixture_must_add_up();
	ck_assert_double_ge(fixture_json("messages.cut_off"), 1);
	ck_assert_double_le(
		fixture_json("messages.answered"), (double)record_replied(fixture.record));
	ck_assert_int_eq(fixture.status, 1);
}

/* A line that the server says first. */

static const struct {
	const char *said;
	const char *expected;
	bool right;
} banners[] = {
	{"220~ready", "220~ready", true},
	{"220~mail.example~ESMTP", "220~{host}~ESMTP", true},
	{"220~mail.example~ESMTP~2026", "220~{host}~ESMTP~{year}", true},
	{"220~ready", "220~steady", false},
	{"220~ready", "220~ready~now", false},
	{"220~~ready", "220~{host}~ready", false},
};

static void run_behind_banner(size_t i)
{
	char server[64];
	char options[96];

	snprintf(server, sizeof server, "--banner %s", banners[i].said);
	snprintf(options, sizeof options, "-c 3 -n 30 -P 2 --timeout 2s --banner %s",
		banners[i].expected);
	fixture_serve("line", server);
	fixture_run_load("line", options);
	fixture_read_record();
	if (banners[i].right) {
		fixture_must_agree_with_record();
		fixture_json_must_be("messages.answered", 30);
		fixture_must_print("failures     none");
	} else {
		fixture_json_must_be("messages.answered", 0);
	}
	ck_assert_int_eq(fixture.status, banners[i].right ? 0 : 1);
}

TEST(a_banner_is_read_before_anything_is_sent_and_must_be_the_one_expected)
{
	fixture_for_each(sizeof banners / sizeof *banners, 6, run_behind_banner);
}

TEST(a_banner_that_was_not_asked_for_is_a_wrong_reply)
{
	fixture_serve("line", "--banner 220~ready");
	fixture_run_load("line", "-c 1 -n 3 --timeout 1s");
	fixture_json_must_be("messages.answered", 0);
	fixture_must_print("mismatch: ");
	ck_assert_int_eq(fixture.status, 1);
}

TEST(a_banner_that_never_comes_is_a_timeout)
{
	fixture_serve("line", "");
	fixture_run_load("line", "-c 2 -n 4 --timeout 300ms --banner 220~ready");
	fixture_read_record();
	ck_assert_uint_eq(record_received(fixture.record), 0);
	ck_assert_double_ge(fixture_json_failures("timeout"), 1);
	fixture_json_must_be("messages.answered", 0);
}
