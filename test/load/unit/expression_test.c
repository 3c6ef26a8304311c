/* SPDX-License-Identifier: ISC */
/* expression_test - bounds: what is one, what it measures, when it is broken. */
#include "test/load/figures/expression.h"
#include "test/suite.h"

#include <string.h>

static struct figures figures;
static struct expression expression;

/* Latencies of 1 to 1,000 ms, connects of 1 us. */
static void set_up(void)
{
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
	const char *mistake = "";

	ck_assert_msg(expression_parse(text, &expression, &mistake) == 0, "%s: %s", text, mistake);
	return expression_holds(&expression, expression_measure(&expression, &figures, 5000));
}

static void must_hold(const char *const *rows, size_t count, bool wanted)
{
	for (size_t i = 0; i < count; i++)
		ck_assert_msg(holds(rows[i]) == wanted, "%s", rows[i]);
}

TEST(a_bound_is_compared_with_what_was_measured)
{
	static const char *const broken[] = {"p99 > 5ms", "p50 > 499ms", "p99.9 >= 999ms",
		"max >= 1s", "mean < 501ms", "p99>5ms", "  p99  >  5ms  ", "first_byte.max > 0",
		"errors > 0", "errors == 5", "errors != 4", "mismatches == 2", "lost > 0.1%",
		"lost >= 1 %", "lost <= 1%", "answered != 1000", "due == 1000", "sent == 1000",
		"rate < 10000/s", "rate < 10k/s", "rate <= 300000/min"};
	static const char *const kept[] = {"p50 > 501ms", "max > 1s", "connect.p99 > 1us",
		"lost > 1%", "cut_off > 0", "rate<5000", "rate < 300000/min", "rate <= 0",
		"errors != 5", "lost < 10"};

	must_hold(broken, SUITE_COUNT(broken), true);
	must_hold(kept, SUITE_COUNT(kept), false);
}

TEST(a_bound_is_on_a_time_or_on_a_count)
{
	static const struct {
		const char *text;
		const char *unit;
		bool timed;
		bool on_not_sent;
	} rows[] = {
		{"rate > 0", "/s", true, false},
		{"actual.p50 > 0", "ns", true, false},
		{"lost > 0", "", false, false},
		{"not_sent > 0%", "%", false, true},
	};

	for (size_t i = 0; i < SUITE_COUNT(rows); i++) {
		holds(rows[i].text);
		ck_assert_str_eq(expression_unit(&expression), rows[i].unit);
		ck_assert(expression_is_timed(&expression) == rows[i].timed);
		ck_assert(expression_is_on_not_sent(&expression) == rows[i].on_not_sent);
		ck_assert(expression_is_measured(&expression, &figures) != (i == 1));
	}
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
	static const char *const broken[] = {
		"not_sent == 250", "not_sent == 20%", "p81 > 1h", "max > 1h", "mean > 1h"};
	static const char *const kept[] = {"p80 > 1s"};

	figures.due += 250;
	figures.not_sent_no_vacancy = 240;
	figures.not_sent_late = 10;
	histogram_record_never(&figures.latency, 250);
	must_hold(broken, SUITE_COUNT(broken), true);
	must_hold(kept, SUITE_COUNT(kept), false);
}

static const char *const wrong[] = {"", "p99", "p99 >", "p99 5ms", "p99 > 5", "p99 > ms",
	"p101 > 5ms", "p > 5ms", "p-1 > 5ms", "px > 1ms", "latency > 5ms", "errors > 5ms",
	"errors > 1%%", "rate > 5%", "rate > 5/ms", "errors => 5", "errors > -1", "errors > 0x10",
	"errors > 1e3", "errors > 1 2", "connect.errors > 0", "connect. > 1ms"};

TEST(what_is_no_bound_is_refused)
{
	for (size_t i = 0; i < SUITE_COUNT(wrong); i++) {
		const char *mistake = NULL;
		ck_assert_msg(
			expression_parse(wrong[i], &expression, &mistake) < 0, "\"%s\"", wrong[i]);
		ck_assert_ptr_nonnull(mistake);
	}
}

static const struct {
	const char *bound;
	double measured;
	const char *explained;
} explained[] = {
	{"lost > 0.1%", 1, "lost > 0.1%: it was 1 %, 900 % above"},
	{"rate < 10000/s", 7500, "rate < 10000/s: it was 7,500/s, 25 % below"},
	{"p99 > 5ms", 7200000, "p99 > 5ms: it was 7.20 ms, 44 % above"},
	{"p99 > 5ms", 5000000, "p99 > 5ms: it was 5.00 ms"},
	{"p99 > 1ns", 500, "p99 > 1ns: it was 500 ns, 49900 % above"},
	{"lost > 0", 3, "lost > 0: it was 3"},
};

TEST_ROWS(a_broken_bound_says_by_how_much, SUITE_COUNT(explained))
{
	char text[256];

	holds(explained[_i].bound);
	ck_assert_str_eq(expression_explain(&expression, explained[_i].measured, text, sizeof text),
		explained[_i].explained);
}

SUITE_FIXTURE(set_up, NULL)
