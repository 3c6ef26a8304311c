/* SPDX-License-Identifier: ISC */
/* slot_test - which messages come due, and whose fault it is that they are late. */
#include "common/deadline.h"
#include "test/load/engine/slot.h"
#include "test/suite.h"

#include <stdlib.h>

#define START_NS (1000 * NS_PER_S)

static struct schedule schedule;
static struct settings settings;
static struct lane lane;
static struct slot slot;

/* A message of the slot's each ms. */
static void set_up(void)
{
	schedule = (struct schedule){
		.rate = {2000, NS_PER_S}, .connections = 2, .messages = UINT64_MAX};
	settings = (struct settings){.timeout_ns = NS_PER_S};
	lane = (struct lane){
		.settings = &settings,
		.schedule = &schedule,
		.figures = calloc(1, sizeof *lane.figures),
		.now_ns = START_NS,
		.start_ns = START_NS,
		.measure_ns = START_NS,
		.beginning = true,
		.budget = UINT64_MAX,
	};
	ck_assert_ptr_nonnull(lane.figures);
	slot_init(&slot, 0, &schedule);
	slot_set_vacant(&slot, &lane);
}

static void tear_down(void)
{
	ck_assert_uint_eq(
		lane.figures->due, lane.figures->sent + figures_not_sent(lane.figures) + lane.owed);
	free(lane.figures);
}

static void notice_at(int64_t ms)
{
	lane.now_ns = START_NS + ms * NS_PER_MS;
	slot_notice(&slot, &lane, lane.now_ns);
}

/* Returns by how much the client is late, in ms. */
static int64_t take_at(int64_t ms)
{
	int64_t intended_ns;

	lane.now_ns = START_NS + ms * NS_PER_MS;
	return slot_take(&slot, &lane, &intended_ns) / NS_PER_MS;
}

TEST(a_message_that_waited_for_a_vacancy_is_not_the_clients_fault)
{
	slot_set_full(&slot);
	notice_at(0);
	lane.now_ns = START_NS + 300 * NS_PER_MS;
	slot_set_vacant(&slot, &lane);
	ck_assert_int_eq(take_at(300), 0);
	ck_assert_uint_eq(lane.figures->late, 0);
}

TEST(a_message_that_had_a_vacancy_is_the_clients_fault)
{
	notice_at(0);
	ck_assert_int_eq(take_at(30), 30);
	ck_assert_uint_eq(lane.figures->late, 1);
}

static void stand_still(int64_t from_ms, int64_t to_ms)
{
	lane.stalls[lane.stall_count++] =
		(struct lane_stall){START_NS + from_ms * NS_PER_MS, START_NS + to_ms * NS_PER_MS};
}

/* What piles up while the client stands still waits for a vacancy then, but because of the
 * client. */
TEST(what_piles_up_while_the_client_stands_still_is_its_fault)
{
	notice_at(0);
	take_at(0);
	slot_set_full(&slot);
	stand_still(1, 200);
	notice_at(200);
	lane.now_ns = START_NS + 250 * NS_PER_MS;
	slot_set_vacant(&slot, &lane);
	ck_assert_int_eq(take_at(250), 199);
	ck_assert_uint_eq(lane.figures->late, 1);
}

/* A short stall of the client says nothing about a server that has no vacancy for long. */
TEST(a_short_stall_does_not_excuse_a_long_wait_for_a_vacancy)
{
	slot_set_full(&slot);
	notice_at(0);
	stand_still(100, 160);
	lane.now_ns = START_NS + 900 * NS_PER_MS;
	slot_set_vacant(&slot, &lane);
	ck_assert_int_eq(take_at(900), 0);
	notice_at(900);
	slot_set_full(&slot);
	slot_give_up_due(&slot, &lane);
	ck_assert_uint_eq(lane.figures->not_sent_late, 0);
	ck_assert_uint_eq(lane.figures->not_sent_no_vacancy, 900);
	ck_assert_uint_eq(lane.figures->failures.count[FAILURE_NO_VACANCY], 900);
}

TEST(what_had_a_vacancy_and_was_not_sent_is_the_clients_fault)
{
	notice_at(99);
	slot_give_up_due(&slot, &lane);
	ck_assert_uint_eq(lane.figures->not_sent_late, 100);
	ck_assert_uint_eq(lane.figures->failures.count[FAILURE_NOT_SENT_LATE], 100);
	ck_assert_uint_eq(lane.figures->own.never, 100);
}

TEST(what_has_waited_for_longer_than_the_timeout_is_given_up)
{
	slot_set_full(&slot);
	notice_at(1500);
	slot_give_up_overdue(&slot, &lane);
	/* Those of the first 500 ms have waited for more than a second. */
	ck_assert_uint_eq(lane.figures->not_sent_no_vacancy, 500);
	ck_assert_uint_eq(lane.figures->latency.never, 500);
	slot_give_up_overdue(&slot, &lane);
	ck_assert_uint_eq(lane.figures->not_sent_no_vacancy, 500);
}

TEST(what_was_not_sent_on_the_ramp_is_in_no_rank)
{
	lane.measure_ns = START_NS + 100 * NS_PER_MS;
	slot_set_full(&slot);
	notice_at(150);
	slot_give_up_due(&slot, &lane);
	ck_assert_uint_eq(lane.figures->not_sent_no_vacancy, 151);
	ck_assert_uint_eq(lane.figures->latency.never, 51);
}

TEST(a_closed_loop_gives_up_the_rest_of_its_quota)
{
	schedule = (struct schedule){.connections = 2, .messages = 9};
	slot_init(&slot, 0, &schedule);
	lane.budget = slot.quota;
	slot_allow(&slot, &lane, 2);
	take_at(0);
	take_at(0);
	slot_give_up_rest(&slot, &lane);
	ck_assert_uint_eq(lane.figures->due, 5);
	ck_assert_uint_eq(lane.figures->not_sent_no_vacancy, 3);
	ck_assert_uint_eq(lane.budget, 0);
	ck_assert(!slot_has_more(&slot, &lane));
}

SUITE_FIXTURE(set_up, tear_down)
