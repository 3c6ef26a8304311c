/* SPDX-License-Identifier: ISC */
/* expression_test - bounds: what is one, what it measures, when it is broken. */
#include "test/load/figures/expression.h"
#include "test/suite.h"

#include <string.h>

static struct figures figures;
static struct expression expression;

static void set_up(void)
{
	memset(&figures, 0, sizeof figures);
	for (int64_t ms = 1; ms <= 1000; ms++) {
		histogram_record(&figures.latency, ms * 1000000);
		histogram_record(&figures.connect, 1000);
	}
	figures.due = 1000;
	figures.sent = 1000;
	figures.answered = 990;
	figures.lost = 10;
	figures.failures.count[FAILURE_RESET] = 3;
	figures.failures.count[FAILURE_MISMATCH + VERDICT_SWAPPED] = 2;
}

static bool holds(const char *text)
{
	const char *fault = "";

	ck_assert_msg(expression_parse(text, &expression, &fault) == 0, "%s: %s", text, fault);
	return expression_holds(&expression, expression_measure(&expression, &figures, 5000));
}

TEST(durations_are_compared_with_percentiles)
{
	ck_assert(holds("p99 > 5ms"));
	ck_assert(!holds("p50 > 501ms"));
	ck_assert(holds("p50 > 499ms"));
	ck_assert(holds("p99.9 >= 999ms"));
	ck_assert(!holds("max > 1s"));
	ck_assert(holds("max >= 1s"));
	ck_assert(holds("mean < 501ms"));
	ck_assert(!holds("connect.p99 > 1us"));
	/* Nothing was measured, so no bound is kept. */
	ck_assert(holds("first_byte.max > 0"));
}

TEST(counts_are_compared_as_they_are_or_as_shares)
{
	ck_assert(holds("errors > 0"));
	ck_assert(holds("errors == 5"));
	ck_assert(holds("mismatches == 2"));
	ck_assert(holds("lost > 0.1%"));
	ck_assert(!holds("lost > 1%"));
	ck_assert(holds("lost >= 1 %"));
	ck_assert(holds("answered != 1000"));
	ck_assert(!holds("cut_off > 0"));
	ck_assert(holds("due == 1000"));
}

/* Failures are counted by name; their share is that of the messages that have no right answer. */
TEST(a_share_of_errors_is_one_of_the_messages)
{
	figures.failures.count[FAILURE_RESET] = 3000;
	ck_assert(holds("errors > 3000"));
	ck_assert(holds("errors == 1%"));
	figures.excused = 4;
	ck_assert(holds("errors == 0.6%"));
}

TEST(what_was_not_sent_is_counted_and_never_came)
{
	figures.due += 250;
	figures.not_sent_no_vacancy = 240;
	figures.not_sent_late = 10;
	histogram_record_never(&figures.latency, 250);
	ck_assert(holds("not_sent == 250"));
	ck_assert(holds("not_sent == 20%"));
	ck_assert(expression_is_on_not_sent(&expression));
	ck_assert(!expression_is_timed(&expression));
	ck_assert(!holds("p80 > 1s"));
	ck_assert(holds("p81 > 1h"));
	ck_assert(holds("max > 1h"));
	ck_assert(holds("mean > 1h"));
	ck_assert(!expression_is_on_not_sent(&expression));
}

TEST(rates_are_compared_a_second)
{
	ck_assert(holds("rate < 10000/s"));
	ck_assert(!holds("rate<5000"));
	ck_assert(holds("rate < 10k/s"));
	ck_assert(!holds("rate < 300000/min"));
	ck_assert(!holds("rate <= 0"));
	ck_assert(expression_is_timed(&expression));
	holds("lost > 0");
	ck_assert(!expression_is_timed(&expression));
}

TEST(spaces_do_not_matter)
{
	ck_assert(holds("p99>5ms"));
	ck_assert(holds("  p99  >  5ms  "));
}

TEST(what_is_no_bound_is_refused)
{
	static const char *const wrong[] = {"", "p99", "p99 >", "p99 5ms", "p99 > 5", "p99 > ms",
		"p101 > 5ms", "p > 5ms", "p-1 > 5ms", "px > 1ms", "latency > 5ms", "errors > 5ms",
		"errors > 1%%", "rate > 5%", "rate > 5/ms", "errors => 5", "errors > -1",
		"errors > 0x10", "errors > 1e3", "errors > 1 2", "connect.errors > 0",
		"connect. > 1ms"};

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		const char *fault = NULL;
		ck_assert_msg(
			expression_parse(wrong[i], &expression, &fault) < 0, "\"%s\"", wrong[i]);
		ck_assert_ptr_nonnull(fault);
	}
}

TEST(a_broken_bound_says_by_how_much)
{
	char text[256];

	ck_assert(holds("lost > 0.1%"));
	double measured = expression_measure(&expression, &figures, 0);
	ck_assert_str_eq(expression_explain(&expression, measured, text, sizeof text),
		"lost > 0.1%: it was 1 %, 900 % above");
	ck_assert(holds("rate < 10000/s"));
	ck_assert_str_eq(expression_explain(&expression, 7500, text, sizeof text),
		"rate < 10000/s: it was 7,500/s, 25 % below");
	ck_assert(holds("p99 > 5ms"));
	ck_assert_str_eq(expression_explain(&expression, 7200000, text, sizeof text),
		"p99 > 5ms: it was 7.20 ms, 44 % above");
}

SUITE_FIXTURE(set_up, NULL)
