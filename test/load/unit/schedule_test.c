/* SPDX-License-Identifier: ISC */
/* schedule_test - when messages are due, and how fast connections open. */
#include "common/deadline.h"
#include "test/load/engine/schedule.h"
#include "test/suite.h"

#include <stdlib.h>

static struct schedule every(uint64_t count, int64_t per_ns, int64_t ramp_ns)
{
	return (struct schedule){
		.rate = {count, per_ns},
		.ramp_ns = ramp_ns,
		.connections = 5,
		.messages = UINT64_MAX,
	};
}

TEST(a_ramp_rises_evenly_to_the_full_rate)
{
	struct schedule s = every(1000, NS_PER_S, 2 * NS_PER_S);

	/* After half of the time a quarter of the ramp's 1,000 messages, after all of it all. */
	ck_assert_int_eq(schedule_due(&s, 0), 0);
	ck_assert_int_le(llabs(schedule_due(&s, 250) - NS_PER_S), 1000);
	ck_assert_int_le(llabs(schedule_due(&s, 1000) - 2 * NS_PER_S), 1000);
	ck_assert_int_le(llabs(schedule_due(&s, 2000) - 3 * NS_PER_S), 1000);
	s.ramp_ns = 0;
	for (uint64_t k = 0; k < 5000; k++)
		ck_assert_int_eq(schedule_due(&s, k), (int64_t)k * NS_PER_MS);
}

/* The count is what the moments say, at each of them, just before it, and on the ramp, too. */
TEST(messages_are_due_in_order_and_are_counted_to_the_message)
{
	struct schedule schedules[] = {
		every(1000, NS_PER_S, 0), every(333333, NS_PER_S, 0), every(1, 60 * NS_PER_S, 0)};

	for (size_t i = 0; i < 6; i++) {
		struct schedule *s = &schedules[i % 3];
		s->ramp_ns = i < 3 ? 0 : NS_PER_S;
		for (uint64_t k = 1; k < 3000; k++) {
			int64_t due = schedule_due(s, k);
			ck_assert_int_ge(due, schedule_due(s, k - 1));
			ck_assert_uint_gt(schedule_count(s, due), k);
			ck_assert_int_gt(schedule_due(s, schedule_count(s, due)), due);
			ck_assert_uint_le(schedule_count(s, due - 1), k);
		}
		ck_assert_uint_eq(schedule_count(s, -1), 0);
	}
}

TEST(no_more_are_due_than_there_are)
{
	struct schedule s = every(1000000000, NS_PER_S, 0);

	ck_assert_uint_eq(schedule_count(&s, 3600 * NS_PER_S), UINT64_C(3600000000001));
	s.messages = 12;
	ck_assert_uint_eq(schedule_count(&s, 3600 * NS_PER_S), 12);
}

TEST(connections_begin_spread_over_the_ramp)
{
	struct schedule s = {.ramp_ns = 1000, .connections = 4};

	for (uint32_t slot = 0; slot < 4; slot++)
		ck_assert_int_eq(schedule_begin(&s, slot), 250 * slot);
}

static const struct rate ninety = {90, NS_PER_S};

/* How many a part of a pace lets go in a second, looked at every step_ns. */
static unsigned count_in_a_second(uint32_t part, uint32_t parts, int64_t step_ns)
{
	struct pace p;
	unsigned count = 0;

	pace_init(&p, &ninety, part, parts, 0);
	for (int64_t now = 0; now < NS_PER_S; now += step_ns)
		count += pace_take(&p, now);
	return count;
}

TEST(a_pace_is_kept_although_the_look_is_late_and_its_parts_add_up)
{
	ck_assert_uint_eq(count_in_a_second(0, 1, NS_PER_MS), 90);
	ck_assert_uint_ge(count_in_a_second(0, 1, 7 * NS_PER_MS), 89);
	ck_assert_uint_eq(count_in_a_second(0, 3, NS_PER_MS) + count_in_a_second(1, 3, NS_PER_MS) +
			count_in_a_second(2, 3, NS_PER_MS),
		90);
}

TEST(a_pause_is_not_made_up_for_by_a_burst)
{
	struct pace p;
	unsigned burst = 0;

	pace_init(&p, &ninety, 0, 1, 0);
	while (pace_take(&p, 60 * NS_PER_S))
		burst++;
	ck_assert_uint_le(burst, 2);
}
