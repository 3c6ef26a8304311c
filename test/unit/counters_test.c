/* SPDX-License-Identifier: ISC */
/* Proves counters: what a connection adds, and that the log line has every count. */
#include "server/admission/counters.h"

#include "capture.h"
#include "json.h"
#include "server/log.h"
#include "test/suite.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

TEST(a_connection_that_has_ended_adds_its_bytes_messages_and_end)
{
	struct counters c = {.accepted = 2};
	const struct stream_counts counts = {
		.bytes_in = 3,
		.bytes_out = 5,
		.messages_in = 7,
		.messages_out = 11,
	};

	counters_add_stream(&c, STREAM_IDLE, counts);
	counters_add_stream(&c, STREAM_IDLE, counts);
	ck_assert_uint_eq(c.ends[STREAM_IDLE], 2);
	ck_assert_uint_eq(c.bytes_in, 6);
	ck_assert_uint_eq(c.bytes_out, 10);
	ck_assert_uint_eq(c.messages_in, 14);
	ck_assert_uint_eq(c.messages_out, 22);
	ck_assert_uint_eq(c.accepted, 2);
}

TEST(ended_is_the_sum_of_all_ends)
{
	struct counters c = {.accepted = 0};
	uint64_t sum = 0;

	for (int i = 0; i < STREAM_ENDS; i++) {
		c.ends[i] = UINT64_C(1) << i;
		sum += c.ends[i];
	}
	ck_assert_uint_eq(counters_ended(&c), sum);
}

/* The line is one, has each field with its own number, and none is lost for want of room. */
TEST(the_log_line_has_every_counter_even_at_its_largest)
{
	const uint64_t big = INT64_MAX;
	struct counters c = {
		.accepted = big,
		.active = big - 1,
		.refused = big - 2,
		.bytes_in = big - 3,
		.bytes_out = big - 4,
		.messages_in = big - 5,
		.messages_out = big - 6,
		.threads_started = big - 7,
		.threads_failed = big - 8,
		.accept_peer_errors = big - 9,
		.accept_shortages = big - 10,
		.reloads = big - 11,
		.reloads_failed = big - 12,
		.handovers_failed = big - 13,
	};
	const char *const keys[] = {"accepted", "active", "refused", "bytes_in", "bytes_out",
		"messages_in", "messages_out", "threads_started", "threads_failed",
		"accept_peer_errors", "accept_shortages", "reloads", "reloads_failed",
		"handovers_failed"};
	char field[64];

	for (int i = STREAM_OPEN + 1; i < STREAM_ENDS; i++)
		c.ends[i] = big - 1000 - (uint64_t)i;
	for (int i = REFUSAL_NONE + 1; i < REFUSALS; i++)
		c.refusals[i] = big - 2000 - (uint64_t)i;
	capture_begin(STDERR_FILENO);
	log_open(LOG_INFO, LOG_LOGFMT);
	counters_log(&c);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, "\n"), 1);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, " event=counters "), 1);
	for (size_t i = 0; i < SUITE_COUNT(keys); i++)
		ck_assert_int_eq(capture_number(STDERR_FILENO, keys[i]), (long long)(big - i));
	for (int i = STREAM_OPEN + 1; i < STREAM_ENDS; i++) {
		snprintf(field, sizeof field, "end_%s", stream_end_name((enum stream_end)i));
		ck_assert_int_eq(capture_number(STDERR_FILENO, field), (long long)big - 1000 - i);
	}
	for (int i = REFUSAL_NONE + 1; i < REFUSALS; i++) {
		snprintf(field, sizeof field, "refused_%s", refusal_name((enum refusal)i));
		ck_assert_int_eq(capture_number(STDERR_FILENO, field), (long long)big - 2000 - i);
	}
	ck_assert_int_eq(capture_number(STDERR_FILENO, "ended"), (long long)counters_ended(&c));
	ck_assert_int_eq(capture_number(STDERR_FILENO, "log_dropped"), 0);
}

TEST(the_log_line_is_json_when_json_is_asked_for)
{
	const struct counters c = {.accepted = 1};

	capture_begin(STDERR_FILENO);
	log_open(LOG_INFO, LOG_JSON);
	counters_log(&c);
	ck_assert(json_is_line(capture_text(STDERR_FILENO)));
}
