/* SPDX-License-Identifier: ISC */
/* terminal_test - what a person sees: the progress on a terminal, and the report. */
#include "common/deadline.h"
#include "fixture.h"
#include "suite.h"

#include <ctype.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REPORT_COLUMNS 80

/* Wait until the terminal has seen the text. */
static void await_drawn(const char *text)
{
	struct process_stream *terminal = &fixture.load->err;

	process_await_part(fixture.load, terminal, terminal->text, text);
}

static void set_term(const void *term)
{
	setenv("TERM", term, 1);
}

/* Start a load on such a terminal that goes on until it is told to end. */
static void start_on_terminal(const char *options, int columns, const char *term)
{
	const struct process_setting setting = {
		.columns = columns, .prepare = set_term, .argument = term};

	fixture_start_load_with("line", options, &setting);
}

/* What had been drawn before the load was told to end. */
static char seen[8192];

static void end_on_terminal(void)
{
	const char *text = fixture.load->err.text;
	size_t len = (size_t)(process_end_of(fixture.load, &fixture.load->err) - text);

	snprintf(seen, sizeof seen, "%.*s", (int)len, text);
	process_kill(fixture.load, SIGINT);
	process_kill(fixture.load, SIGTERM);
	fixture_must_end_soon();
}

/* The length of a control sequence, "ESC [ ... letter", at p; or 0. */
static size_t sequence_at(const char *p)
{
	size_t len = 2;

	if (p[0] != '\033' || p[1] != '[')
		return 0;
	while (p[len] && !isalpha((unsigned char)p[len]))
		len++;
	return len + 1;
}

/* The widest that any line became, as a terminal counts. */
static size_t widest_line(const char *text)
{
	size_t widest = 0;
	size_t column = 0;

	while (*text) {
		size_t sequence = sequence_at(text);
		if (sequence == 0)
			column = *text == '\r' || *text == '\n' ? 0 : column + 1;
		widest = column > widest ? column : widest;
		text += sequence > 0 ? sequence : 1;
	}
	return widest;
}

TEST(a_terminal_sees_the_progress)
{
	fixture_serve("line", "");
	start_on_terminal("-c 2 -d 1h", 120, "xterm");
	await_drawn("errors 0");
	end_on_terminal();
	ck_assert_ptr_nonnull(strstr(seen, " s "));
	ck_assert_ptr_nonnull(strstr(seen, "/s"));
	ck_assert_ptr_nonnull(strstr(seen, "p99 "));
}

static const int widths[] = {30, 40, 80};

static void draw_in_width(size_t i)
{
	fixture_serve("line", "");
	start_on_terminal("-c 2 -d 1h", widths[i], "xterm");
	const char *end = fixture.load->err.text;
	for (int redraws = 0; redraws < 4; redraws++)
		end = process_await_part(fixture.load, &fixture.load->err, end, "\r");
	end_on_terminal();
	ck_assert_uint_gt(widest_line(seen), 10);
	ck_assert_msg(widest_line(seen) <= (size_t)widths[i], "%zu columns:\n%s", widest_line(seen),
		seen);
}

TEST(the_progress_is_cut_to_the_width_of_the_terminal)
{
	fixture_for_each(sizeof widths / sizeof *widths, 3, draw_in_width);
}

TEST(a_dumb_terminal_sees_no_control_sequences)
{
	fixture_serve("line", "");
	start_on_terminal("-c 2 -d 1h", 80, "dumb");
	await_drawn("p99 ");
	end_on_terminal();
	ck_assert_ptr_null(strchr(fixture.load->err.text, '\033'));
}

/* Before anything came there is no p99, and 0 would be a good one. */
TEST(there_is_a_dash_for_p99_before_anything_came)
{
	fixture_serve("line", "--mode silent");
	start_on_terminal("-c 2 -d 1h --timeout 1h", 80, "xterm");
	await_drawn("p99 ");
	await_drawn("errors 0");
	end_on_terminal();
	ck_assert_ptr_nonnull(strstr(seen, "p99 -"));
	ck_assert_ptr_null(strstr(seen, "p99 0"));
}

TEST(the_progress_says_so_while_connections_are_being_opened)
{
	fixture_serve("line", "");
	start_on_terminal("-c 1000 --connect-rate 5/s -d 1h", 80, "xterm");
	await_drawn("open");
	end_on_terminal();
}

TEST(a_quiet_load_draws_nothing)
{
	static const char *const names[] = {"--quiet -c 2 -d 700ms", "-q -c 2 -d 700ms"};

	for (size_t i = 0; i < 2; i++) {
		fixture_serve("line", "");
		start_on_terminal(names[i], 80, "xterm");
		fixture_end_load();
		ck_assert_str_eq(fixture.load->err.text, "");
		ck_assert_int_eq(fixture.status, 0);
	}
}

TEST(nothing_is_drawn_where_there_is_no_terminal)
{
	fixture_serve("line", "");
	fixture_run_load("line", "-c 2 -d 700ms");
	ck_assert_str_eq(fixture.load->err.text, "");
}

/* What the line of the cursor shows at the end.  Of control sequences there is one to clear it from
 * the cursor on. */
static const char *last_line(const char *text)
{
	static char line[256];
	size_t column = 0;

	memset(line, 0, sizeof line);
	while (*text) {
		size_t sequence = sequence_at(text);
		if (sequence > 0)
			memset(line + column, 0, sizeof line - column);
		else if (*text == '\r' || *text == '\n')
			column = 0;
		else if (column < sizeof line - 1)
			line[column++] = *text;
		text += sequence > 0 ? sequence : 1;
	}
	return line;
}

static const char *const terms[] = {"xterm", "dumb"};

static void draw_to_the_end(size_t i)
{
	fixture_serve("line", "");
	start_on_terminal("-c 2 -d 900ms", 80, terms[i]);
	fixture_end_load();
	const char *left = last_line(fixture.load->err.text);
	ck_assert_msg(left[strspn(left, " ")] == '\0', "\"%s\" was left of:\n%s", left,
		fixture.load->err.text);
}

TEST(the_progress_is_gone_at_the_end)
{
	fixture_for_each(2, 2, draw_to_the_end);
}

/* The report. */

static const struct {
	const char *server;
	const char *load;
} reports[] = {
	{"", "-c 10 -n 100"},
	{"", "-c 10 -n 100 --rate 1000 --ramp 20ms --per-connection 1 -s 1KiB-2KiB"},
	{"", "-c 10 -n 100 -P 16 --fail-if p99<1ns --fail-if p99.9>1h --fail-if rate>1M/h"},
	{"--mode drop", "-c 10 -n 100 -P 4 --timeout 300ms --fail-if mismatches>100%"},
	{"--mode change", "-c 3 -n 60 --seed 18446744073709551615"},
	{"--mode silent", "-c 3 -n 6 --timeout 300ms --fail-if actual.p50>1ms"},
	{"--mode error", "-c 3 -n 60"},
	{"--end-after 1", "-c 3 -n 60"},
	{"--delay 100ms", "-c 1 -d 300ms --rate 100 --timeout 200ms --fail-if not_sent>0"},
};

static void must_fit(const char *text)
{
	for (const char *line = text; *line;) {
		size_t len = strcspn(line, "\n");
		ck_assert_msg(len <= REPORT_COLUMNS, "%zu columns: %.*s", len, (int)len, line);
		line += len + (line[len] == '\n');
	}
}

static void report(size_t i)
{
	fixture_serve("line", reports[i].server);
	fixture_run_load("line", reports[i].load);
	must_fit(fixture.load->out.text);
	must_fit(fixture.load->err.text);
}

TEST(the_report_fits_a_terminal_of_80_columns)
{
	fixture_for_each(sizeof reports / sizeof *reports, 3, report);
}

TEST(the_report_names_the_endpoint)
{
	char text[64];

	fixture_serve("frame", "");
	fixture_run_load("frame", "-n 1 -c 1");
	snprintf(text, sizeof text, "127.0.0.1:%u (frame): 1 connection,", fixture.port);
	fixture_must_print(text);
}

TEST(one_connection_is_not_connections)
{
	fixture_serve("line", "");
	fixture_run_load("line", "-c 1 -n 1");
	fixture_must_print("1 connection");
	fixture_must_not_print(" 1 connections");
	fixture_must_not_print(" 1 messages");
}

/* The 99.9th percentile of ten replies is their maximum under another name. */
TEST(there_is_no_percentile_for_which_there_are_too_few_replies)
{
	fixture_serve("line", "");
	fixture_run_load("line", "-c 1 -n 10");
	fixture_must_print("p50");
	fixture_must_print("max");
	fixture_must_not_print("p99.9");
	fixture_must_not_print("p99.99");
	fixture_run_load("line", "-c 4 -n 20000");
	fixture_must_print("p99.9 ");
}

/* Another program reads it. */
TEST(json_on_standard_output_stands_there_alone)
{
	fixture_serve("line", "");
	fixture_run_load("line", "-c 1 -n 10 --json - --fail-if errors>0");
	const char *text = fixture.load->out.text;
	ck_assert_int_eq(text[0], '{');
	ck_assert_str_eq(text + strlen(text) - 2, "}\n");
	fixture_must_not_print("kept ");
	ck_assert_int_eq(fixture.status, 0);
}
