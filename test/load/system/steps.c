/* SPDX-License-Identifier: ISC */
/* steps - what a scene says, one step a line. */
#include "steps.h"

#include "common/deadline.h"
#include "common/quantity.h"
#include "fixture.h"
#include "plan.h"
#include "test/mode.h"

#include <check.h>
#include <ctype.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIENT_LATE 3

/* What has to be done. */

static void at_host(const char *host)
{
	snprintf(fixture.host, sizeof fixture.host, "%s", host);
}

static void await_server(const char *text)
{
	process_await(fixture.server, &fixture.server->out, text);
}

static void await_load(const char *text)
{
	process_await(fixture.load, &fixture.load->err, text);
}

static void tell(const char *name)
{
	fixture_tell(strcmp(name, "INT") == 0       ? SIGINT
			: strcmp(name, "TERM") == 0 ? SIGTERM
						    : SIGUSR1);
}

static void kill_server(const char *unused)
{
	(void)unused;
	process_kill(fixture.server, SIGKILL);
	process_end(fixture.server);
}

static void stop(const char *text)
{
	bool load = strncmp(text, "load ", 5) == 0;
	int64_t ns = 0;

	ck_assert_int_eq(quantity_parse_duration(strchr(text, ' ') + 1, &ns), 0);
	fixture_stop_for(load ? fixture.load : fixture.server, ns);
}

static void rest(const char *unused)
{
	(void)unused;
	process_await_rest(fixture.load);
}

/* What must be. */

static void print_not(const char *text)
{
	ck_assert_msg(!fixture_prints(text), "\"%s\" is in the result:\n%s", text,
		fixture.load->out.text);
}

static void complain(const char *text)
{
	ck_assert_msg(strstr(fixture.load->err.text, text) != NULL,
		"\"%s\" is not on standard error:\n%s", text, fixture.load->err.text);
}

static void fit(const char *text)
{
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		ck_assert_msg(strcspn(line, "\n") <= 80, "more than 80 columns: %s", line);
}

static void fits(const char *unused)
{
	(void)unused;
	fit(fixture.load->out.text);
	fit(fixture.load->err.text);
}

static void add_up(const char *unused)
{
	(void)unused;
	fixture_must_add_up();
}

static void agree(const char *unused)
{
	(void)unused;
	fixture_must_agree();
	ck_assert_double_eq(
		fixture_json("connections_opened"), (double)fixture.record->connection_count);
}

static void follow_plan(const char *unused)
{
	(void)unused;
	fixture_must_agree();
	plan_must_be_followed();
}

/* This machine, and not the server, may have kept the client from its schedule: a test of the
 * server's part cannot exclude that. */
static void late_or(const char *text)
{
	int status = (int)strtol(text, NULL, 10);

	if (fixture.status == CLIENT_LATE &&
		fixture_json("messages.late") + fixture_json("messages.not_sent_client_late") +
				fixture_json("client.stalls") >
			0)
		return;
	ck_assert_msg(
		fixture.status == status, "status %d\n%s", fixture.status, fixture.load->out.text);
	ck_assert_double_eq(fixture_json("exit_status"), status);
}

static void within(const char *text)
{
	int64_t ns = 0;

	ck_assert_int_eq(quantity_parse_duration(text, &ns), 0);
	mode_check_most(fixture.ended_ns - fixture.told_ns, ns);
}

static const struct {
	const char *name;
	void (*act)(const char *text);
	bool ends; /* after the load's end */
} verbs[] = {
	{"serve", fixture_serve, false},
	{"serve-right", fixture_serve_right, false},
	{"at", at_host, false},
	{"load", fixture_start, false},
	{"run", fixture_run, false},
	{"await", await_server, false},
	{"await-load", await_load, false},
	{"tell", tell, false},
	{"kill-server", kill_server, false},
	{"stop", stop, false},
	{"rest", rest, false},
	{"print", fixture_must_print, true},
	{"print-not", print_not, true},
	{"complain", complain, true},
	{"fits", fits, true},
	{"add-up", add_up, true},
	{"agree", agree, true},
	{"plan", follow_plan, true},
	{"late-or", late_or, true},
	{"within", within, true},
};

/* Values. */

static double owing(const struct record *r)
{
	double count = 0;

	for (size_t i = 0; i < r->connection_count; i++)
		count += r->connections[i].received > r->connections[i].replied;
	return count;
}

static double since_start(const struct record *r)
{
	double least = INFINITY;

	for (size_t i = 0; i < r->connection_count; i++)
		least = fmin(least, (double)(r->connections[i].ended_ns - fixture.started_ns));
	return least;
}

static bool find_recorded(const char *name, double *value)
{
	static const char *const names[] = {"received", "replied", "accepted", "owing",
		"server_fins", "client_resets", "since_start"};
	size_t i = 0;

	while (strcmp(name, names[i]) != 0) {
		if (++i == sizeof names / sizeof *names)
			return false;
	}
	const struct record *r = fixture_read_record();
	const double values[] = {(double)record_received(r), (double)record_replied(r),
		(double)r->connection_count, owing(r),
		(double)record_ended_by(r, RECORD_SERVER_FIN),
		(double)record_ended_by(r, RECORD_CLIENT_RESET), since_start(r)};
	*value = values[i];
	return true;
}

static bool find_failures(const char *name, double *value)
{
	const char *plus = strstr(name, "+failures");
	char text[64];

	if (!plus)
		return false;
	snprintf(text, sizeof text, "%.*s", (int)(plus - name), name);
	for (char *p = strchr(text, '_'); p; p = strchr(p, '_'))
		*p = ' ';
	*value = fixture_json_failures(text);
	return true;
}

static bool find_number(const char *name, double *value)
{
	int64_t exact;
	char *end;

	*value = strtod(name, &end);
	if (*end == '\0')
		return true;
	if (quantity_parse_duration(name, &exact) < 0 && quantity_parse_size(name, &exact) < 0)
		return false;
	*value = (double)exact;
	return true;
}

static bool find_word(const char *name, double *value)
{
	const struct {
		const char *name;
		double value;
	} words[] = {
		{"null", NAN},
		{"true", 1},
		{"false", 0},
		{"status", fixture.status},
		{"took", (double)(fixture.ended_ns - fixture.started_ns)},
	};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (strcmp(name, words[i].name) == 0) {
			*value = words[i].value;
			return true;
		}
	}
	return false;
}

static double term(const char *name)
{
	double value = NAN;

	if (find_word(name, &value))
		return value;
	if (isdigit((unsigned char)*name) && find_number(name, &value))
		return value;
	if (find_recorded(name, &value) || find_failures(name, &value))
		return value;
	return fixture_json(name);
}

/* Take terms off the front, up to a relation or the end. */
static double take_value(char **rest)
{
	char *word = strtok_r(NULL, " ", rest);

	ck_assert_ptr_nonnull(word);
	double value = term(word);
	while (*rest && **rest && strchr("+-*", **rest) && (*rest)[1] == ' ') {
		char sign = *strtok_r(NULL, " ", rest);
		double other = term(strtok_r(NULL, " ", rest));
		value = sign == '*' ? value * other : sign == '+' ? value + other : value - other;
	}
	return value;
}

static bool holds(double a, const char *relation, double b)
{
	bool same = a == b || (isnan(a) && isnan(b));

	switch (relation[0]) {
	case '=':
		return same;
	case '!':
		return !same;
	case '<':
		return a < b || (relation[1] && same);
	default:
		return a > b || (relation[1] && same);
	}
}

static void compare_text(const char *path, const char *wanted)
{
	char quoted[260];

	snprintf(quoted, sizeof quoted, "\"%s\"", fixture_json_text(path));
	ck_assert_str_eq(quoted, wanted);
}

static void compare(const char *step)
{
	char words[256];
	char *rest = words;
	const char *text = strstr(step, " = \"");

	snprintf(words, sizeof words, "%s", step);
	if (text) {
		words[text - step] = '\0';
		compare_text(words, text + 3);
		return;
	}
	double left = take_value(&rest);
	const char *relation = strtok_r(NULL, " ", &rest);
	ck_assert_msg(relation != NULL && strchr("=!<>", *relation), "no such step: %s", step);
	double right = take_value(&rest);
	ck_assert_msg(holds(left, relation, right), "%s: %.9g and %.9g\n%s\n%s", step, left, right,
		fixture.load->out.text, fixture.load->err.text);
}

void steps_do(const char *step)
{
	size_t len = strcspn(step, " ");

	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		if (strlen(verbs[i].name) != len || strncmp(step, verbs[i].name, len) != 0)
			continue;
		if (verbs[i].ends)
			fixture_end();
		verbs[i].act(step + len + (step[len] == ' '));
		return;
	}
	fixture_end();
	compare(step);
}
