/* SPDX-License-Identifier: ISC */
/* terminal_test - the progress that a terminal shows. */
#include "fixture.h"
#include "test/suite.h"

#include <ctype.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

	fixture_start_with(options, &setting);
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
	fixture_end();
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
	fixture_serve("line");
	start_on_terminal("-c 2 -d 1h", 120, "xterm");
	await_drawn("errors 0");
	end_on_terminal();
	ck_assert_ptr_nonnull(strstr(seen, " s "));
	ck_assert_ptr_nonnull(strstr(seen, "/s"));
	ck_assert_ptr_nonnull(strstr(seen, "p99 "));
}

static const int widths[] = {30, 40, 80};

TEST_ROWS(the_progress_is_cut_to_the_width_of_the_terminal, SUITE_COUNT(widths))
{
	fixture_serve("line");
	start_on_terminal("-c 2 -d 1h", widths[_i], "xterm");
	const char *end = fixture.load->err.text;
	for (int redraws = 0; redraws < 4; redraws++)
		end = process_await_part(fixture.load, &fixture.load->err, end, "\r");
	end_on_terminal();
	ck_assert_uint_gt(widest_line(seen), 10);
	ck_assert_msg(widest_line(seen) <= (size_t)widths[_i], "%zu columns:\n%s",
		widest_line(seen), seen);
}

TEST(a_dumb_terminal_sees_no_control_sequences)
{
	fixture_serve("line");
	start_on_terminal("-c 2 -d 1h", 80, "dumb");
	await_drawn("p99 ");
	end_on_terminal();
	ck_assert_ptr_null(strchr(fixture.load->err.text, '\033'));
}

/* Before anything came there is no p99, and 0 would be a good one. */
TEST(there_is_a_dash_for_p99_before_anything_came)
{
	fixture_serve("line --mode silent");
	start_on_terminal("-c 2 -d 1h --timeout 1h", 80, "xterm");
	await_drawn("p99 ");
	await_drawn("errors 0");
	end_on_terminal();
	ck_assert_ptr_nonnull(strstr(seen, "p99 -"));
	ck_assert_ptr_null(strstr(seen, "p99 0"));
}

TEST(the_progress_says_so_while_connections_are_being_opened)
{
	fixture_serve("line");
	start_on_terminal("-c 1000 --connect-rate 5/s -d 1h", 80, "xterm");
	await_drawn("open");
	end_on_terminal();
}

TEST(a_quiet_load_draws_nothing)
{
	static const char *const names[] = {"--quiet -c 2 -d 700ms", "-q -c 2 -d 700ms"};

	for (size_t i = 0; i < 2; i++) {
		fixture_serve("line");
		start_on_terminal(names[i], 80, "xterm");
		fixture_end();
		ck_assert_str_eq(fixture.load->err.text, "");
		ck_assert_int_eq(fixture.status, 0);
	}
}

TEST(nothing_is_drawn_where_there_is_no_terminal)
{
	fixture_serve("line");
	fixture_run("-c 2 -d 700ms");
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

TEST_ROWS(the_progress_is_gone_at_the_end, SUITE_COUNT(terms))
{
	fixture_serve("line");
	start_on_terminal("-c 2 -d 900ms", 80, terms[_i]);
	fixture_end();
	const char *left = last_line(fixture.load->err.text);
	ck_assert_msg(left[strspn(left, " ")] == '\0', "\"%s\" was left of:\n%s", left,
		fixture.load->err.text);
}

SUITE_FIXTURE(fixture_set_up, fixture_tear_down)
