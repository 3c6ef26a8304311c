/* SPDX-License-Identifier: ISC */
/* slot_test - which messages come due, and whose fault it is that they are late. */
#include "slot.h"

#include "common/deadline.h"
#include "suite.h"

#include <stdlib.h>

#define START_NS (1000 * NS_PER_S)

static struct schedule schedule;
static struct settings settings;
static struct bench bench;
static struct slot slot;

/* A message of the slot's each ms. */
static void set_up(void)
{
	schedule = (struct schedule){
		.rate = {2000, NS_PER_S}, .connections = 2, .messages = UINT64_MAX};
	settings = (struct settings){.timeout_ns = NS_PER_S};
	bench = (struct bench){
		.settings = &settings,
		.schedule = &schedule,
		.figures = calloc(1, sizeof *bench.figures),
		.now_ns = START_NS,
		.start_ns = START_NS,
		.measure_ns = START_NS,
		.beginning = true,
		.budget = UINT64_MAX,
	};
	ck_assert_ptr_nonnull(bench.figures);
	slot_init(&slot, 0, &schedule);
}

static void tear_down(void)
{
	ck_assert_uint_eq(bench.figures->due,
		bench.figures->sent + figures_not_sent(bench.figures) + bench.owed);
	free(bench.figures);
}

static void notice_at(int64_t ms)
{
	bench.now_ns = START_NS + ms * NS_PER_MS;
	slot_notice(&slot, &bench, bench.now_ns);
}

/* Returns by how much the client is late, in ms. */
static int64_t take_at(int64_t ms)
{
	int64_t intended_ns;

	bench.now_ns = START_NS + ms * NS_PER_MS;
	return slot_take(&slot, &bench, &intended_ns) / NS_PER_MS;
}

START_TEST(messages_come_due_one_by_one_or_many_at_once)
{
	notice_at(0);
	ck_assert_uint_eq(slot.noticed, 1);
	notice_at(7);
	ck_assert_uint_eq(slot.noticed, 8);
	notice_at(7);
	ck_assert_uint_eq(bench.figures->due, 8);
	ck_assert_uint_eq(bench.owed, 8);
}
END_TEST

START_TEST(a_share_is_not_exceeded)
{
	schedule.messages = 5;
	slot_init(&slot, 0, &schedule);
	bench.budget = slot.share;
	ck_assert_uint_eq(slot.share, 3);
	notice_at(100);
	ck_assert_uint_eq(slot.noticed, 3);
	ck_assert_uint_eq(bench.budget, 0);
	ck_assert(slot_has_more(&slot, &bench));
	for (int i = 0; i < 3; i++)
		take_at(100);
	ck_assert(!slot_has_more(&slot, &bench));
}
END_TEST

START_TEST(a_message_that_waited_for_room_is_not_the_clients_fault)
{
	notice_at(0);
	bench.now_ns = START_NS + 300 * NS_PER_MS;
	slot_has_room(&slot, &bench);
	ck_assert_int_eq(take_at(300), 0);
	ck_assert_uint_eq(bench.figures->late, 0);
}
END_TEST

START_TEST(a_message_that_had_room_is_the_clients_fault)
{
	notice_at(0);
	ck_assert_int_eq(take_at(30), 30);
	ck_assert_uint_eq(bench.figures->late, 1);
}
END_TEST

/* What piles up while the client stands still waits for room then, but because of the client. */
START_TEST(a_message_noticed_late_is_the_clients_fault_even_if_it_then_waits_for_room)
{
	notice_at(0);
	take_at(0);
	notice_at(200);
	bench.now_ns = START_NS + 250 * NS_PER_MS;
	slot_has_room(&slot, &bench);
	ck_assert_int_eq(take_at(250), 199);
	ck_assert_uint_eq(bench.figures->late, 1);
}
END_TEST

START_TEST(only_those_due_long_before_they_were_noticed_are_late)
{
	notice_at(0);
	take_at(0);
	notice_at(30);
	slot_give_up_due(&slot, &bench);
	/* Numbers 1 to 19 were due more than 10 ms before; 20 to 30 have come in time. */
	ck_assert_uint_eq(bench.figures->not_sent_late, 19);
	ck_assert_uint_eq(bench.figures->not_sent_no_room, 11);
	ck_assert_uint_eq(bench.figures->failures.count[FAILURE_NOT_SENT_LATE], 19);
	ck_assert_uint_eq(bench.figures->failures.count[FAILURE_NO_ROOM], 11);
}
END_TEST

START_TEST(what_has_waited_for_longer_than_the_timeout_is_given_up)
{
	for (int64_t ms = 0; ms <= 1500; ms++)
		notice_at(ms);
	slot_give_up_overdue(&slot, &bench);
	/* Those of the first 500 ms have waited for more than a second. */
	ck_assert_uint_eq(bench.figures->not_sent_no_room, 500);
	ck_assert_uint_eq(bench.figures->latency.never, 500);
	slot_give_up_overdue(&slot, &bench);
	ck_assert_uint_eq(bench.figures->not_sent_no_room, 500);
}
END_TEST

START_TEST(what_was_not_sent_on_the_ramp_is_in_no_rank)
{
	bench.measure_ns = START_NS + 100 * NS_PER_MS;
	for (int64_t ms = 0; ms <= 150; ms++)
		notice_at(ms);
	slot_give_up_due(&slot, &bench);
	ck_assert_uint_eq(bench.figures->not_sent_no_room, 151);
	ck_assert_uint_eq(bench.figures->latency.never, 51);
}
END_TEST

/* A loop over messages would not end within the test's time. */
START_TEST(a_rate_beyond_all_bounds_costs_nothing)
{
	schedule.rate = (struct rate){1000000000, NS_PER_S};
	notice_at(3600 * 1000);
	ck_assert_uint_eq(bench.figures->due, UINT64_C(1800000000001));
	slot_give_up_overdue(&slot, &bench);
	slot_give_up_due(&slot, &bench);
	ck_assert_uint_eq(bench.owed, 0);
}
END_TEST

START_TEST(a_closed_loop_gives_up_the_rest_of_its_share)
{
	schedule = (struct schedule){.connections = 2, .messages = 9};
	slot_init(&slot, 0, &schedule);
	bench.budget = slot.share;
	slot_allow(&slot, &bench, 2);
	take_at(0);
	take_at(0);
	slot_give_up_rest(&slot, &bench);
	ck_assert_uint_eq(bench.figures->due, 5);
	ck_assert_uint_eq(bench.figures->not_sent_no_room, 3);
	ck_assert_uint_eq(bench.budget, 0);
	ck_assert(!slot_has_more(&slot, &bench));
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("slot");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, messages_come_due_one_by_one_or_many_at_once);
	tcase_add_test(tc, a_share_is_not_exceeded);
	tcase_add_test(tc, a_message_that_waited_for_room_is_not_the_clients_fault);
	tcase_add_test(tc, a_message_that_had_room_is_the_clients_fault);
	tcase_add_test(
		tc, a_message_noticed_late_is_the_clients_fault_even_if_it_then_waits_for_room);
	tcase_add_test(tc, only_those_due_long_before_they_were_noticed_are_late);
	tcase_add_test(tc, what_has_waited_for_longer_than_the_timeout_is_given_up);
	tcase_add_test(tc, what_was_not_sent_on_the_ramp_is_in_no_rank);
	tcase_add_test(tc, a_rate_beyond_all_bounds_costs_nothing);
	tcase_add_test(tc, a_closed_loop_gives_up_the_rest_of_its_share);
	return suite_run("load: slot", tc);
}
