/* SPDX-License-Identifier: ISC */
/* check_test - a wrong server is caught in every way, and the report names the way, the connection
 * and the offset. */
#include "fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const services[] = {"line", "frame", "echo"};

/* The payload is 64 bytes, the fault in message 5: the byte in its middle is at 32 of the payload.
 */
static const unsigned head_bytes[] = {6, 4, 0};

static void run_against(const char *service, const char *mode, const char *options)
{
	char all[256];

	/* A message that is never answered should not hold the test up for long. */
	snprintf(all, sizeof all, "--timeout 1s %s", options);
	fixture_serve(service, mode);
	fixture_run_load(service, all);
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

START_TEST(a_right_server_has_every_reply_right)
{
	for (size_t i = 0; i < 3; i++) {
		run_against(services[i], "right", "-n 1000 -c 8 -P 4");
		fixture_must_print("1,000 sent, 1,000 answered, 0 mismatched, 0 lost, 0 cut off");
		ck_assert_int_eq(fixture.status, 0);
	}
}
END_TEST

START_TEST(payloads_of_many_sizes_are_right)
{
	run_against("line", "right", "-n 2000 -c 4 -P 8 -s 0B-2KiB");
	fixture_must_print("2,000 answered");
	run_against("frame", "right", "-n 2000 -c 4 -P 8 -s 0B-2KiB");
	fixture_must_print("2,000 answered");
	run_against("frame", "right", "-n 40 -c 4 -s 700KiB-1MiB");
	fixture_must_print("40 answered");
	ck_assert_int_eq(fixture.status, 0);
}
END_TEST

START_TEST(any_prefix_is_right_when_asked_for)
{
	run_against("line", "right", "-n 1000 -c 4 -P 16 --prefix-any");
	fixture_must_print("1,000 answered, 0 mismatched");
	run_against("line", "right", "-n 20 -c 2 -s 200KiB --prefix-any");
	fixture_must_print("20 answered, 0 mismatched");
	ck_assert_int_eq(fixture.status, 0);
}
END_TEST

START_TEST(a_dropped_reply_is_caught_and_named)
{
	for (size_t i = 0; i < 3; i++) {
		run_against(services[i], "drop", "-n 30 -c 2 -P 4");
		must_name("dropped", "reply 5 at offset 0: never came, reply 6 did");
	}
}
END_TEST

START_TEST(a_repeated_reply_is_caught_and_named)
{
	for (size_t i = 0; i < 3; i++) {
		run_against(services[i], "repeat", "-n 30 -c 2 -P 4");
		must_name("repeated", ": reply 5 came again");
	}
}
END_TEST

START_TEST(a_swapped_reply_is_caught_and_named)
{
	for (size_t i = 0; i < 3; i++) {
		run_against(services[i], "swap", "-n 30 -c 2 -P 4");
		must_name("swapped", "reply 5 at offset 0: came behind reply 6");
	}
}
END_TEST

START_TEST(a_changed_byte_is_caught_and_its_offset_named)
{
	for (size_t i = 0; i < 3; i++) {
		char detail[64];
		snprintf(detail, sizeof detail, "reply 5 at offset %u: expected 0x",
			head_bytes[i] + 32);
		run_against(services[i], "change", "-n 30 -c 2 -P 4");
		must_name("changed", detail);
	}
}
END_TEST

START_TEST(a_changed_byte_is_caught_behind_any_prefix)
{
	run_against("line", "change", "-n 30 -c 2 -P 4 --prefix-any");
	must_name("changed", "reply 5 at offset 38");
}
END_TEST

START_TEST(a_short_reply_is_caught_and_named)
{
	run_against("line", "short", "-n 30 -c 2 -P 4");
	must_name("short", "reply 5 at offset 69: expected ");
	run_against("frame", "short", "-n 30 -c 2 -P 4");
	must_name("short", "reply 5 at offset 3: expected 0x40 ('@'), got 0x3f");
	run_against("echo", "short", "-n 30 -c 2 -P 4");
	must_name("short", "reply 5 at offset 63: expected ");
}
END_TEST

START_TEST(a_long_reply_is_caught_and_named)
{
	run_against("line", "long", "-n 30 -c 2 -P 4");
	must_name("long", "reply 5 at offset 70: expected 0x0a, got 0x21 ('!')");
}
END_TEST

/* With one message in flight nothing is owed when the second reply comes with the first. */
START_TEST(an_early_reply_is_caught_and_named)
{
	for (size_t i = 0; i < 3; i++) {
		run_against(services[i], "early", "-n 30 -c 2");
		must_name("early", "reply 6 at offset 0: came before its request was sent");
	}
}
END_TEST

START_TEST(someone_elses_reply_is_caught_and_named)
{
	for (size_t i = 0; i < 3; i++) {
		run_against(services[i], "foreign", "-n 60 -c 2");
		must_name("foreign", " of connection ");
	}
}
END_TEST

START_TEST(a_wrong_prefix_is_caught)
{
	run_against("line", "right", "-n 30 -c 2 --prefix >");
	must_name("long", "reply 0 at offset 0: expected 0x3e ('>'), got 0x65 ('e')");
}
END_TEST

START_TEST(every_message_ends_in_exactly_one_way)
{
	static const char *const modes[] = {"drop", "swap", "change", "repeat", "half", "eof"};
	static const char *const ends[] = {"answered", "mismatched", "lost", "cut_off"};

	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
		double sum = 0;
		run_against("frame", modes[i], "-n 90 -c 3 -P 4 --json JSON");
		for (size_t k = 0; k < 4; k++)
			sum += fixture_json_number("messages", ends[k]);
		ck_assert_double_eq(sum, 90);
		ck_assert_double_eq(fixture_json_number("messages", "sent"), 90);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("load: checking");
	TCase *server = tcase_create("server");
	TCase *tc = tcase_create("check");

	tcase_set_timeout(server, 120);
	tcase_add_checked_fixture(server, fixture_set_up, fixture_tear_down);
	tcase_add_test(server, a_right_server_has_every_reply_right);
	tcase_add_test(server, payloads_of_many_sizes_are_right);
	tcase_add_test(server, any_prefix_is_right_when_asked_for);
	suite_add_tcase(suite, server);
	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, fixture_set_up, fixture_tear_down);
	tcase_add_test(tc, a_dropped_reply_is_caught_and_named);
	tcase_add_test(tc, a_repeated_reply_is_caught_and_named);
	tcase_add_test(tc, a_swapped_reply_is_caught_and_named);
	tcase_add_test(tc, a_changed_byte_is_caught_and_its_offset_named);
	tcase_add_test(tc, a_changed_byte_is_caught_behind_any_prefix);
	tcase_add_test(tc, a_short_reply_is_caught_and_named);
	tcase_add_test(tc, a_long_reply_is_caught_and_named);
	tcase_add_test(tc, an_early_reply_is_caught_and_named);
	tcase_add_test(tc, someone_elses_reply_is_caught_and_named);
	tcase_add_test(tc, a_wrong_prefix_is_caught);
	tcase_add_test(tc, every_message_ends_in_exactly_one_way);
	suite_add_tcase(suite, tc);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed > 0;
}
