/* SPDX-License-Identifier: ISC */
/* result_test - the exit status that follows from the figures, and which cause comes first. */
#include "common/deadline.h"
#include "test/load/figures/result.h"
#include "test/suite.h"

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
	bounds.count = 0;
	*r = (struct result){
		.rate = {1000, NS_PER_S}, .reached = true, .loaded = true, .window_ns = NS_PER_S};
	r->figures.due = 1000;
	r->figures.sent = 1000;
	r->figures.answered = 1000;
	r->figures.replies = 1000;
	for (int i = 0; i < 1000; i++) {
		histogram_record(&r->figures.latency, NS_PER_MS);
		histogram_record(&r->figures.actual, NS_PER_MS);
	}
}

static void tear_down(void)
{
	free(r);
}

static void add_bound(const char *text)
{
	const char *fault;

	ck_assert_int_eq(expression_parse(text, &bounds.of[bounds.count++], &fault), 0);
}

static void must_be(int status)
{
	ck_assert_int_eq(result_status(r, &bounds), status);
}

static void not_send(uint64_t count, bool late)
{
	struct figures *f = &r->figures;

	f->due += count;
	*(late ? &f->not_sent_late : &f->not_sent_no_vacancy) += count;
	f->failures.count[late ? FAILURE_NOT_SENT_LATE : FAILURE_NO_VACANCY] += count;
	histogram_record_never(&f->latency, count);
	if (late)
		histogram_record_never(&f->own, count);
}

TEST(all_is_well)
{
	must_be(RESULT_KEPT);
	add_bound("p99 > 5ms");
	must_be(RESULT_KEPT);
}

TEST(figures_that_contradict_each_other_come_before_all_else)
{
	r->reached = false;
	r->figures.lost = 1;
	must_be(EX_SOFTWARE);
	r->figures.lost = 0;
	r->figures.due++;
	must_be(EX_SOFTWARE);
	r->figures.due--;
	must_be(EX_UNAVAILABLE);
}

TEST(nothing_answered_is_never_well)
{
	r->figures.lost = r->figures.answered;
	r->figures.answered = 0;
	must_be(RESULT_BROKEN);
	add_bound("mismatches > 0");
	must_be(RESULT_BROKEN);
}

TEST(a_loss_is_judged_by_the_bounds_if_there_are_any)
{
	r->figures.lost = 1;
	r->figures.answered--;
	must_be(RESULT_BROKEN);
	add_bound("lost > 1");
	must_be(RESULT_KEPT);
	add_bound("lost > 0");
	must_be(RESULT_BROKEN);
}

TEST(a_late_client_is_not_valid_unless_a_count_is_wrong)
{
	r->figures.late = 11;
	must_be(RESULT_NOT_VALID);
	ck_assert(!result_schedule_kept(r));
	add_bound("p99 > 5us");
	must_be(RESULT_NOT_VALID);
	add_bound("answered == 1000");
	must_be(RESULT_BROKEN);
	r->figures.late = 10;
	bounds.count = 0;
	must_be(RESULT_KEPT);
}

TEST(messages_that_had_no_room_break_a_latency)
{
	not_send(100, false);
	must_be(RESULT_NOT_VALID);
	add_bound("p50 > 5ms");
	must_be(RESULT_KEPT);
	add_bound("p99 > 5ms");
	must_be(RESULT_BROKEN);
	ck_assert(!result_schedule_kept(r));
}

TEST(a_bound_on_what_was_not_sent_decides_alone_about_it)
{
	not_send(100, true);
	must_be(RESULT_NOT_VALID);
	add_bound("not_sent > 10%");
	must_be(RESULT_KEPT);
	add_bound("not_sent > 9%");
	must_be(RESULT_BROKEN);
}

TEST(what_the_client_did_not_send_breaks_no_bound_of_the_servers)
{
	not_send(100, true);
	add_bound("errors > 0");
	add_bound("errors > 0%");
	must_be(RESULT_NOT_VALID);
	add_bound("not_sent > 50%");
	must_be(RESULT_KEPT);
	add_bound("p99 > 5ms");
	must_be(RESULT_NOT_VALID);
}

TEST(an_end_before_the_load_began_is_no_verdict)
{
	r->loaded = false;
	r->interrupted = true;
	r->figures = (struct figures){.opened = 3};
	must_be(RESULT_NOT_VALID);
}

TEST(what_the_clients_own_stalls_explain_is_not_valid)
{
	struct figures *f = &r->figures;

	f->due = f->sent = f->answered = 1050;
	for (int i = 0; i < 50; i++) {
		histogram_record(&f->latency, 2 * NS_PER_S);
		histogram_record(&f->own, 2 * NS_PER_S);
	}
	f->stalls = 1;
	add_bound("p99 > 1s");
	must_be(RESULT_NOT_VALID);
	ck_assert_ptr_nonnull(result_judge(r, &bounds.of[0]).why_not_valid);
	/* Those that are slow without it break it all the same. */
	f->due = f->sent = f->answered = 1100;
	for (int i = 0; i < 50; i++)
		histogram_record(&f->latency, 2 * NS_PER_S);
	must_be(RESULT_BROKEN);
}

TEST(a_slow_connect_may_be_a_stall_too)
{
	histogram_record(&r->figures.connect, NS_PER_S);
	add_bound("connect.max > 5ms");
	must_be(RESULT_BROKEN);
	histogram_record(&r->figures.own_connect, NS_PER_S);
	must_be(RESULT_NOT_VALID);
}

TEST(what_was_not_measured_is_not_judged)
{
	memset(&r->figures.latency, 0, sizeof r->figures.latency);
	r->figures.replies = 0;
	r->window_ns = 0;
	add_bound("p50 > 1s");
	add_bound("rate < 1/s");
	must_be(RESULT_NOT_VALID);
	add_bound("answered < 2000");
	must_be(RESULT_BROKEN);
}

TEST(a_rate_is_that_of_the_time_in_which_the_client_was_there)
{
	r->figures.stalls = 1;
	r->figures.stalled_ns = NS_PER_S / 2;
	add_bound("rate < 1500");
	must_be(RESULT_NOT_VALID);
	add_bound("rate < 2500");
	must_be(RESULT_BROKEN);
}

TEST(the_messages_that_a_rate_needs_in_flight_are_told)
{
	r->rate.count = 50000;
	ck_assert_uint_eq(result_needed_in_flight(r), 50);
	memset(&r->figures.actual, 0, sizeof r->figures.actual);
	ck_assert_uint_eq(result_needed_in_flight(r), 0);
}

SUITE_FIXTURE(set_up, tear_down)
