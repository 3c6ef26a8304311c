/* SPDX-License-Identifier: ISC */
/* result_test - the exit status that follows from the figures, and which cause comes first. */
#include "common/deadline.h"
#include "test/load/figures/result.h"
#include "test/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static struct result *r;
static struct bounds bounds;

/* A thousand messages in a second, all answered after 1 ms. */
static void set_up(void)
{
	r = calloc(1, sizeof *r);
	ck_assert_ptr_nonnull(r);
	*r = (struct result){
		.rate = {1000, NS_PER_S}, .reached = true, .loaded = true, .window_ns = NS_PER_S};
	r->figures.due = r->figures.sent = r->figures.answered = r->figures.replies = 1000;
	for (int i = 0; i < 1000; i++) {
		histogram_record(&r->figures.latency, NS_PER_MS);
		histogram_record(&r->figures.actual, NS_PER_MS);
	}
}

static void tear_down(void)
{
	free(r);
}

/* Bounds with ';' between; none is an empty text. */
static void must_be(int status, const char *text)
{
	char copy[256];
	char *rest = NULL;
	const char *mistake;

	snprintf(copy, sizeof copy, "%s", text);
	bounds.count = 0;
	for (char *b = strtok_r(copy, ";", &rest); b; b = strtok_r(NULL, ";", &rest))
		ck_assert_int_eq(expression_parse(b, &bounds.of[bounds.count++], &mistake), 0);
	ck_assert_msg(result_status(r, &bounds) == status, "%s: %d, not %d", text,
		result_status(r, &bounds), status);
}

/* What is unlike the thousand, and what follows. */
static const struct {
	unsigned late;
	unsigned not_sent_late;
	unsigned not_sent_no_vacancy;
	unsigned lost;
	const char *bounds;
	int status;
	bool schedule_kept;
} rows[] = {
	{0, 0, 0, 0, "", RESULT_KEPT, true},
	{0, 0, 0, 0, "p99 > 5ms", RESULT_KEPT, true},
	{0, 0, 0, 0, "p99 > 5us", RESULT_BROKEN, true},
	/* Nothing answered is never well. */
	{0, 0, 0, 1000, "", RESULT_BROKEN, true},
	{0, 0, 0, 1000, "mismatches > 0", RESULT_BROKEN, true},
	/* A loss is judged by the bounds if there are any. */
	{0, 0, 0, 1, "", RESULT_BROKEN, true},
	{0, 0, 0, 1, "lost > 1", RESULT_KEPT, true},
	{0, 0, 0, 1, "lost > 1;lost > 0", RESULT_BROKEN, true},
	/* A late client is not valid unless a count is wrong. */
	{10, 0, 0, 0, "", RESULT_KEPT, true},
	{11, 0, 0, 0, "", RESULT_NOT_VALID, false},
	{11, 0, 0, 0, "p99 > 5us", RESULT_NOT_VALID, false},
	{11, 0, 0, 0, "p99 > 5us;answered == 1000", RESULT_BROKEN, false},
	/* What had no vacancy breaks a latency. */
	{0, 0, 10, 0, "", RESULT_KEPT, true},
	{0, 0, 100, 0, "", RESULT_NOT_VALID, false},
	{0, 0, 100, 0, "p50 > 5ms", RESULT_KEPT, false},
	{0, 0, 100, 0, "p50 > 5ms;p99 > 5ms", RESULT_BROKEN, false},
	/* A bound on what was not sent decides alone about it. */
	{0, 100, 0, 0, "", RESULT_NOT_VALID, false},
	{0, 100, 0, 0, "not_sent > 10%", RESULT_KEPT, false},
	{0, 100, 0, 0, "not_sent > 10%;not_sent > 9%", RESULT_BROKEN, false},
	{11, 100, 0, 0, "not_sent > 10%", RESULT_KEPT, false},
	{20, 100, 0, 0, "not_sent > 10%", RESULT_NOT_VALID, false},
	/* What the client did not send breaks no bound of the server's. */
	{0, 100, 0, 0, "errors > 0;errors > 0%", RESULT_NOT_VALID, false},
	{0, 100, 0, 0, "errors > 0;errors > 0%;not_sent > 50%", RESULT_KEPT, false},
	{0, 100, 0, 0, "not_sent > 50%;p99 > 5ms", RESULT_NOT_VALID, false},
};

TEST_ROWS(the_status_follows_from_figures_and_bounds, SUITE_COUNT(rows))
{
	struct figures *f = &r->figures;

	f->late = rows[_i].late;
	f->not_sent_late = rows[_i].not_sent_late;
	f->not_sent_no_vacancy = rows[_i].not_sent_no_vacancy;
	f->lost = rows[_i].lost;
	f->answered -= f->lost;
	f->due += f->not_sent_late + f->not_sent_no_vacancy;
	f->failures.count[FAILURE_NOT_SENT_LATE] = f->not_sent_late;
	f->failures.count[FAILURE_NO_VACANCY] = f->not_sent_no_vacancy;
	histogram_record_never(&f->latency, f->not_sent_late + f->not_sent_no_vacancy);
	histogram_record_never(&f->own, f->not_sent_late);
	must_be(rows[_i].status, rows[_i].bounds);
	ck_assert(result_schedule_kept(r) == rows[_i].schedule_kept);
}

TEST(figures_that_contradict_each_other_come_before_all_else)
{
	r->reached = false;
	r->figures.lost = 1;
	must_be(EX_SOFTWARE, "");
	r->figures.lost = 0;
	r->figures.due++;
	must_be(EX_SOFTWARE, "");
	r->figures.due--;
	must_be(EX_UNAVAILABLE, "");
}

TEST(an_end_before_the_load_began_is_no_verdict)
{
	r->loaded = false;
	r->interrupted = true;
	r->figures = (struct figures){.opened = 3};
	must_be(RESULT_NOT_VALID, "");
}

TEST(what_the_clients_own_stalls_explain_is_not_valid)
{
	struct figures *f = &r->figures;

	f->due = f->sent = f->answered = 1050;
	for (int i = 0; i < 50; i++) {
		histogram_record(&f->latency, 2 * NS_PER_S);
		histogram_record(&f->own, 2 * NS_PER_S);
	}
	must_be(RESULT_NOT_VALID, "p99 > 1s");
	ck_assert_ptr_nonnull(result_judge(r, &bounds.of[0]).why_not_valid);
	/* Those that are slow without it break it all the same. */
	f->due = f->sent = f->answered = 1100;
	for (int i = 0; i < 50; i++)
		histogram_record(&f->latency, 2 * NS_PER_S);
	must_be(RESULT_BROKEN, "p99 > 1s");
}

TEST(a_slow_connect_may_be_a_stall_too)
{
	histogram_record(&r->figures.connect, NS_PER_S);
	must_be(RESULT_BROKEN, "connect.max > 5ms");
	histogram_record(&r->figures.own_connect, NS_PER_S);
	must_be(RESULT_NOT_VALID, "connect.max > 5ms");
}

TEST(what_was_not_measured_is_not_judged)
{
	memset(&r->figures.latency, 0, sizeof r->figures.latency);
	r->figures.replies = 0;
	r->window_ns = 0;
	must_be(RESULT_NOT_VALID, "p50 > 1s;rate < 1/s");
	must_be(RESULT_BROKEN, "p50 > 1s;rate < 1/s;answered < 2000");
}

TEST(a_rate_is_that_of_the_time_in_which_the_client_was_there)
{
	r->figures.stalls = 1;
	r->figures.stalled_ns = NS_PER_S / 2;
	must_be(RESULT_NOT_VALID, "rate < 1500");
	must_be(RESULT_BROKEN, "rate < 2500");
}

TEST(the_messages_that_a_rate_needs_in_flight_are_told)
{
	r->rate.count = 50000;
	ck_assert_uint_eq(result_needed_in_flight(r), 50);
	memset(&r->figures.actual, 0, sizeof r->figures.actual);
	ck_assert_uint_eq(result_needed_in_flight(r), 0);
}

TEST(a_thread_that_runs_or_waits_nearly_always_is_the_limit)
{
	r->figures.busiest_of_ns = 100;
	r->figures.busiest_running_ns = 90;
	r->figures.busiest_ns = 91;
	ck_assert(!result_client_limited(r) && result_processors_short(r));
	r->figures.busiest_running_ns = 91;
	ck_assert(result_client_limited(r) && !result_processors_short(r));
	r->figures.busiest_running_ns = r->figures.busiest_ns = 90;
	ck_assert(!result_client_limited(r) && !result_processors_short(r));
}

SUITE_FIXTURE(set_up, tear_down)
