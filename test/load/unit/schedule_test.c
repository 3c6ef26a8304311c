/* SPDX-License-Identifier: ISC */
/* schedule_test - when messages are due, and how fast connections open. */
#include "common/deadline.h"
#include "test/load/engine/schedule.h"
#include "test/suite.h"

#include <stdlib.h>

static struct schedule every(uint64_t count, int64_t per_ns, uint64_t connections)
{
	return (struct schedule){
		.rate = {count, per_ns},
		.connections = connections,
		.messages = UINT64_MAX,
	};
}

TEST(messages_are_due_evenly)
{
	struct schedule s = every(1000, NS_PER_S, 4);

	for (uint64_t k = 0; k < 5000; k++)
		ck_assert_int_eq(schedule_due(&s, k), (int64_t)k * NS_PER_MS);
}

TEST(a_rate_that_divides_nothing_does_not_drift)
{
	struct schedule s = every(333333, NS_PER_S, 1);

	/* A day later the message of a whole second is due at that second, to the nanosecond. */
	ck_assert_int_eq(schedule_due(&s, UINT64_C(333333) * 86400), 86400 * NS_PER_S);
	ck_assert_int_eq(schedule_due(&s, 1), 3000);
}

TEST(no_message_is_due_before_the_one_ahead_of_it)
{
	struct schedule s = every(12345, NS_PER_S, 7);
	int64_t last = -1;

	s.ramp_ns = NS_PER_S;
	for (uint64_t k = 0; k < 30000; k++) {
		ck_assert_int_ge(schedule_due(&s, k), last);
		last = schedule_due(&s, k);
	}
}

TEST(a_ramp_rises_evenly_to_the_full_rate)
{
	struct schedule s = every(1000, NS_PER_S, 1);

	s.ramp_ns = 2 * NS_PER_S;
	/* After a quarter of the time a sixteenth of the ramp's 1,000 messages, after all of it
	 * all. */
	ck_assert_int_eq(schedule_due(&s, 0), 0);
	ck_assert_int_le(llabs(schedule_due(&s, 250) - NS_PER_S), 1000);
	ck_assert_int_le(llabs(schedule_due(&s, 1000) - 2 * NS_PER_S), 1000);
	ck_assert_int_le(llabs(schedule_due(&s, 2000) - 3 * NS_PER_S), 1000);
}

/* The count is what the moments say, at each of them, just before it, and on the ramp, too. */
TEST(what_is_due_is_counted_to_the_message)
{
	struct schedule schedules[] = {
		every(1000, NS_PER_S, 1), every(333333, NS_PER_S, 1), every(1, 60 * NS_PER_S, 1)};

	for (size_t i = 0; i < 6; i++) {
		struct schedule *s = &schedules[i % 3];
		s->ramp_ns = i < 3 ? 0 : NS_PER_S;
		for (uint64_t k = 1; k < 3000; k++) {
			int64_t due = schedule_due(s, k);
			ck_assert_uint_gt(schedule_count(s, due), k);
			ck_assert_int_gt(schedule_due(s, schedule_count(s, due)), due);
			ck_assert_uint_le(schedule_count(s, due - 1), k);
		}
		ck_assert_uint_eq(schedule_count(s, -1), 0);
	}
}

TEST(no_more_are_due_than_there_are)
{
	struct schedule s = every(1000000000, NS_PER_S, 7);

	s.messages = 12;
	ck_assert_uint_eq(schedule_count(&s, 3600 * NS_PER_S), 12);
	s.messages = UINT64_MAX;
	ck_assert_uint_eq(schedule_count(&s, 3600 * NS_PER_S), UINT64_C(3600000000001));
}

TEST(shares_are_dealt_like_cards)
{
	for (uint64_t connections = 1; connections < 10; connections++) {
		struct schedule s = every(1, NS_PER_S, connections);
		for (uint64_t messages = 0; messages < 30; messages++) {
			uint64_t dealt[10] = {0};
			for (uint64_t k = 0; k < messages; k++)
				dealt[k % connections]++;
			for (uint32_t slot = 0; slot < connections; slot++)
				ck_assert_uint_eq(schedule_quota(&s, slot, messages), dealt[slot]);
		}
	}
}

TEST(slots_have_their_messages_in_turn)
{
	struct schedule s = every(1, NS_PER_S, 5);
	uint64_t k = 0;

	for (uint64_t round = 0; round < 3; round++) {
		for (uint32_t slot = 0; slot < 5; slot++)
			ck_assert_uint_eq(schedule_number(&s, slot, round), k++);
	}
}

TEST(connections_begin_spread_over_the_ramp)
{
	struct schedule s = {.ramp_ns = 1000, .connections = 4};

	ck_assert_int_eq(schedule_begin(&s, 0), 0);
	ck_assert_int_eq(schedule_begin(&s, 1), 250);
	ck_assert_int_eq(schedule_begin(&s, 3), 750);
}

static const struct rate none;
static const struct rate ninety = {90, NS_PER_S};
static const struct rate hundred = {100, NS_PER_S};

/* How many a pace lets go in a second, looked at every step_ns. */
static unsigned count_in_a_second(struct pace *p, int64_t step_ns)
{
	unsigned count = 0;

	for (int64_t now = 0; now < NS_PER_S; now += step_ns)
		count += pace_take(p, now);
	return count;
}

TEST(a_pace_is_kept_although_the_look_is_late)
{
	struct pace p;

	pace_init(&p, &hundred, 0, 1, 0);
	ck_assert_uint_eq(count_in_a_second(&p, NS_PER_MS), 100);
	pace_init(&p, &hundred, 0, 1, 0);
	ck_assert_uint_ge(count_in_a_second(&p, 7 * NS_PER_MS), 99);
}

TEST(a_pause_is_not_made_up_for_by_a_burst)
{
	struct pace p;
	unsigned burst = 0;

	pace_init(&p, &hundred, 0, 1, 0);
	while (pace_take(&p, 60 * NS_PER_S))
		burst++;
	ck_assert_uint_le(burst, 2);
}

TEST(parts_of_a_pace_add_up)
{
	unsigned count = 0;

	for (uint32_t part = 0; part < 3; part++) {
		struct pace p;
		pace_init(&p, &ninety, part, 3, 0);
		count += count_in_a_second(&p, NS_PER_MS);
	}
	ck_assert_uint_eq(count, 90);
}

TEST(without_a_rate_there_is_no_pace)
{
	struct pace p;

	pace_init(&p, &none, 0, 1, 5);
	ck_assert(!pace_take(&p, 4));
	ck_assert(pace_take(&p, 5) && pace_take(&p, 5));
}
