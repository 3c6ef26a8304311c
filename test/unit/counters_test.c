/* SPDX-License-Identifier: ISC */
/* Proves counters: the rows, their cells, and that the log line has every row. */
#include "server/admission/counters.h"

#include "capture.h"
#include "server/log.h"
#include "test/json_scan.h"
#include "test/suite.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const names[] = {"ended", "accepted", "active", "refused", "bytes_in",
	"bytes_out", "messages_in", "messages_out", "threads_started", "threads_failed",
	"accept_peer_errors", "accept_shortages", "reloads", "reloads_failed", "handovers_failed",
	"log_dropped", "end_eof", "end_served", "end_refused", "end_too_long",
	"end_message_timeout", "end_idle", "end_lifetime", "end_drained", "end_reply_timeout",
	"end_forced", "end_truncated", "end_reset", "end_unreachable", "end_no_memory",
	"end_failed", "refused_denied", "refused_rate", "refused_per_address",
	"refused_listener_full", "refused_full", "refused_shortage", "refused_stopping"};

TEST(a_row_has_a_name_and_help_and_a_reason_its_row)
{
	char name[COUNTER_NAME_MAX];

	ck_assert_int_eq(COUNTERS, SUITE_COUNT(names));
	for (int row = 0; row < COUNTERS; row++) {
		ck_assert_str_eq(counter_name((enum counter)row, name), names[row]);
		ck_assert_uint_gt(strlen(counter_help((enum counter)row)), 0);
	}
	ck_assert_str_eq(counter_name(counter_of_end(STREAM_EOF), name), "end_eof");
	ck_assert_str_eq(counter_name(counter_of_end(STREAM_FAILED), name), "end_failed");
	ck_assert_str_eq(counter_name(counter_of_refusal(REFUSAL_DENIED), name), "refused_denied");
	ck_assert_str_eq(
		counter_name(counter_of_refusal(REFUSAL_STOPPING), name), "refused_stopping");
}

TEST(what_is_added_to_a_cell_completes_a_snapshot)
{
	struct counters c = {.cells = {0}};
	struct counts counts = {
		.of = {[COUNTER_ACCEPTED] = 7, [COUNTER_RELOADS] = 99, [COUNTER_LOG_DROPPED] = 99}};

	counters_add(&c, COUNTER_THREADS_STARTED, 2);
	counters_add(&c, COUNTER_HANDOVERS_FAILED, 3);
	counters_add(&c, COUNTER_HANDOVERS_FAILED, 4);
	counters_complete(&c, &counts);
	for (int row = 0; row < COUNTERS; row++)
		ck_assert_uint_eq(counts.of[row],
			row == COUNTER_ACCEPTED                   ? 7
				: row == COUNTER_THREADS_STARTED  ? 2
				: row == COUNTER_HANDOVERS_FAILED ? 7
								  : 0);
}

/* Every row with its own number, in this order, and none is lost for want of room. */
TEST(the_log_line_has_every_row_even_at_its_largest)
{
	struct counts counts;
	char expected[LOG_LINE_MAX] = " level=info event=counters";
	double last;

	for (int row = 0; row < COUNTERS; row++) {
		size_t len = strlen(expected);
		counts.of[row] = (uint64_t)INT64_MAX - (unsigned)row;
		snprintf(expected + len, sizeof expected - len, " %s=%llu%s", names[row],
			(unsigned long long)counts.of[row], row == COUNTERS - 1 ? "\n" : "");
	}
	capture_begin(STDERR_FILENO);
	log_open(LOG_INFO, LOG_LOGFMT);
	counters_log(&counts);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, expected), 1);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, "\n"), 1);
	log_open(LOG_INFO, LOG_JSON);
	capture_begin(STDERR_FILENO);
	counters_log(&counts);
	ck_assert_int_eq(
		json_scan_number(capture_text(STDERR_FILENO), names[COUNTERS - 1], &last), 0);
}
