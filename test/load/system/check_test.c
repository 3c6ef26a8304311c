/* SPDX-License-Identifier: ISC */
/* check_test - a wrong server is caught in every way, and the report names the way, the connection
 * and the offset. */
#include "fixture.h"
#include "suite.h"

#include <stdio.h>

/* A message that is never answered should not hold a test up for long. */
#define TIMEOUT "--timeout 1s "

static const char *const services[] = {"line", "frame", "echo"};

#define SERVICES (sizeof services / sizeof *services)

/* The payload is 64 bytes, the fault in message 5: the byte in its middle is at 32 of the payload.
 */
static const unsigned head_bytes[SERVICES] = {6, 4, 0};

static void run_against(const char *service, const char *mode, const char *options)
{
	char server[64];

	snprintf(server, sizeof server, "--mode %s", mode);
	fixture_serve(service, server);
	fixture_run_load(service, options);
}

static void must_name(const char *verdict, const char *detail)
{
	char name[64];

	snprintf(name, sizeof name, "mismatch: %s", verdict);
	fixture_must_print(name);
	fixture_must_print(detail);
	fixture_must_print("first: connection ");
	ck_assert_int_eq(fixture.status, 1);
}

static void must_have_all_answered(unsigned count)
{
	fixture_json_must_be("messages.sent", count);
	fixture_json_must_be("messages.answered", count);
	ck_assert_int_eq(fixture.status, 0);
}

TEST_OF_ANY_SERVER(a_right_server_has_every_reply_right)
{
	for (size_t i = 0; i < SERVICES; i++) {
		fixture_serve_right(services[i]);
		fixture_run_load(services[i], "-n 1000 -c 8 -P 4");
		must_have_all_answered(1000);
		fixture_must_print("1,000 answered, 0 mismatched, 0 lost, 0 cut off");
		fixture_must_print("failures     none");
	}
}

TEST_OF_ANY_SERVER(payloads_of_many_sizes_are_right)
{
	fixture_serve_right("line");
	fixture_run_load("line", "-n 2000 -c 4 -P 8 -s 0B-2KiB");
	must_have_all_answered(2000);
	fixture_serve_right("frame");
	fixture_run_load("frame", "-n 2000 -c 4 -P 8 -s 0B-2KiB");
	must_have_all_answered(2000);
	fixture_run_load("frame", "-n 40 -c 4 -s 700KiB-1MiB");
	must_have_all_answered(40);
}

TEST_OF_ANY_SERVER(any_prefix_is_right_when_asked_for)
{
	fixture_serve_right("line");
	fixture_run_load("line", "-n 1000 -c 4 -P 16 --prefix-any");
	must_have_all_answered(1000);
	fixture_run_load("line", "-n 20 -c 2 -s 200KiB --prefix-any");
	must_have_all_answered(20);
}

TEST_OF_ANY_SERVER(several_threads_share_the_work)
{
	fixture_serve_right("frame");
	fixture_run_load("frame", "-c 7 -t 3 -P 3 -n 1001");
	must_have_all_answered(1001);
	fixture_run_load("frame", "-c 7 -t 3 -n 301 --rate 3000");
	/* Whether that schedule was kept is the machine's affair: status 3 is none of ours. */
	fixture_must_send_all(301);
}

static void drop_in(size_t i)
{
	run_against(services[i], "drop", TIMEOUT "-n 30 -c 2 -P 4");
	must_name("dropped", "reply 5 at offset 0: never came, reply 6 did");
}

TEST(a_dropped_reply_is_caught_and_named)
{
	fixture_for_each(SERVICES, SERVICES, drop_in);
}

static void repeat_in(size_t i)
{
	run_against(services[i], "repeat", TIMEOUT "-n 30 -c 2 -P 4");
	must_name("repeated", ": reply 5 came again");
}

TEST(a_repeated_reply_is_caught_and_named)
{
	fixture_for_each(SERVICES, SERVICES, repeat_in);
}

static void swap_in(size_t i)
{
	run_against(services[i], "swap", TIMEOUT "-n 30 -c 2 -P 4");
	must_name("swapped", "reply 5 at offset 0: came after reply 6");
}

TEST(a_swapped_reply_is_caught_and_named)
{
	fixture_for_each(SERVICES, SERVICES, swap_in);
}

static void change_in(size_t i)
{
	char detail[64];

	snprintf(detail, sizeof detail, "reply 5 at offset %u: expected 0x", head_bytes[i] + 32);
	run_against(services[i], "change", TIMEOUT "-n 30 -c 2 -P 4");
	must_name("changed", detail);
}

TEST(a_changed_byte_is_caught_and_its_offset_named)
{
	fixture_for_each(SERVICES, SERVICES, change_in);
}

TEST(a_changed_byte_is_caught_after_any_prefix)
{
	run_against("line", "change", TIMEOUT "-n 30 -c 2 -P 4 --prefix-any");
	must_name("changed", "reply 5 at offset 38");
}

static void shorten_in(size_t i)
{
	static const char *const details[SERVICES] = {
		"reply 5 at offset 69: expected ",
		"reply 5 at offset 3: expected 0x40 ('@'), got 0x3f",
		"reply 5 at offset 63: expected ",
	};

	run_against(services[i], "short", TIMEOUT "-n 30 -c 2 -P 4");
	must_name("short", details[i]);
}

TEST(a_short_reply_is_caught_and_named)
{
	fixture_for_each(SERVICES, SERVICES, shorten_in);
}

TEST(a_long_reply_is_caught_and_named)
{
	run_against("line", "long", TIMEOUT "-n 30 -c 2 -P 4");
	must_name("long", "reply 5 at offset 70: expected 0x0a, got 0x21 ('!')");
}

/* With one message in flight nothing is owed when the second reply comes with the first. */
static void hurry_in(size_t i)
{
	run_against(services[i], "early", TIMEOUT "-n 30 -c 2");
	must_name("early", "reply 6 at offset 0: came before its request was sent");
}

TEST(an_early_reply_is_caught_and_named)
{
	fixture_for_each(SERVICES, SERVICES, hurry_in);
}

static void mix_up_in(size_t i)
{
	run_against(services[i], "foreign", TIMEOUT "-n 60 -c 2");
	must_name("foreign", " of connection ");
}

TEST(someone_elses_reply_is_caught_and_named)
{
	fixture_for_each(SERVICES, SERVICES, mix_up_in);
}

TEST(a_wrong_prefix_is_caught)
{
	run_against("line", "right", TIMEOUT "-n 30 -c 2 --prefix >");
	must_name("long", "reply 0 at offset 0: expected 0x3e ('>'), got 0x65 ('e')");
}

static const char *const wrong_modes[] = {
	"drop", "repeat", "swap", "change", "short", "foreign", "half", "eof", "error", "silent"};

#define WRONG_MODES (sizeof wrong_modes / sizeof *wrong_modes)

static void add_up_in_mode(size_t i)
{
	run_against("frame", wrong_modes[i], "--timeout 300ms -n 36 -c 3 -P 4");
	fixture_must_add_up();
	fixture_json_must_be("messages.sent", 36);
	fixture_read_record();
	/* What was sent right before an end may not have been read by the server. */
	ck_assert_uint_le(record_received(fixture.record), 36);
	ck_assert_double_le(
		fixture_json("messages.answered"), (double)record_replied(fixture.record));
	fixture_json_must_be("connections_opened", (double)fixture.record->connection_count);
}

/* Whatever came in its place, the message that was due has no right answer.  After the last one of a
 * connection none is due. */
TEST(a_wrong_reply_leaves_a_message_mismatched)
{
	static const char *const modes[] = {"repeat", "foreign", "swap", "change", "short", "long"};

	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		run_against("line", modes[i], "-n 60 -c 2 -P 4 --fail-if errors>0%");
		ck_assert_double_ge(fixture_json("messages.mismatched"), 1);
		fixture_json_must_be("latency.never",
			fixture_json("messages.mismatched") + fixture_json("messages.lost"));
		ck_assert_int_eq(fixture.status, 1);
	}
}

TEST(every_message_ends_in_exactly_one_way)
{
	fixture_for_each(WRONG_MODES, WRONG_MODES, add_up_in_mode);
}

TEST(a_bound_of_errors_decides_alone_when_it_is_given)
{
	run_against("line", "change", "-n 20 -c 1 --fail-if mismatches>50%");
	ck_assert_int_eq(fixture.status, 0);
	run_against("line", "change", "-n 20 -c 1 --fail-if mismatches>0");
	ck_assert_int_eq(fixture.status, 1);
}
