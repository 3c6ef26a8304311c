/* SPDX-License-Identifier: ISC */
/* steps - what a scene says, one step a line. */
#include "steps.h"

#include "common/address.h"
#include "common/deadline.h"
#include "common/quantity.h"
#include "common/socket.h"
#include "fixture.h"
#include "plan.h"
#include "test/mode.h"

#include <arpa/inet.h>
#include <check.h>
#include <ctype.h>
#include <fcntl.h>
#include <math.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

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

/* The same kind of server on the same port; the ledger has no port of its own choice. */
static void restart(const char *unused)
{
	char where[64];
	const char *argv[] = {getenv("BOBBIND"), "-l", where, NULL};

	snprintf(where, sizeof where, "127.0.0.1:%u", fixture.port);
	kill_server(unused);
	process_free(fixture.server);
	fixture.server = process_start(argv, NULL);
	process_await(fixture.server, &fixture.server->err, "event=ready");
}

/* Until bobbind has so many connections. */
static void await_active(const char *wanted)
{
	struct process_stream *log = &fixture.server->err;
	const char *active = "";

	while (strtoul(active, NULL, 10) != strtoul(wanted, NULL, 10)) {
		const char *end = process_end_of(fixture.server, log);
		process_kill(fixture.server, SIGUSR1);
		active = process_await_next(fixture.server, log, end, " active=");
	}
}

static double owed(void)
{
	return strtod(
		process_await(fixture.load, &fixture.load->err, "marked: 1 connections, "), NULL);
}

static void await_past_mark(const char *count)
{
	unsigned long step = strtoul(count, NULL, 10);
	char text[64];

	snprintf(text, sizeof text, "received %lu\n", ((unsigned long)owed() / step + 2) * step);
	await_server(text);
}

/* Terminals. */

static void use_terminal(const char *text)
{
	char *term;

	fixture.columns = (int)strtol(text, &term, 10);
	setenv("TERM", term + 1, 1);
}

static void await_drawn(const char *text)
{
	process_await_part(fixture.load, &fixture.load->err, fixture.load->err.text, text);
}

static void await_redraws(const char *count)
{
	const char *end = fixture.load->err.text;

	for (long n = strtol(count, NULL, 10); n > 0; n--)
		end = process_await_part(fixture.load, &fixture.load->err, end, "\r");
}

struct screen {
	char line[256];   /* what the line of the cursor shows */
	size_t column;    /* of the cursor */
	size_t width;     /* the most that any line had */
	size_t sequences; /* "ESC [ ... letter": the one in use clears from the cursor on */
};

static struct screen draw(const char *text, size_t len)
{
	struct screen s = {.column = 0};

	for (const char *p = text; p < text + len; p++) {
		if (*p == '\033') {
			p += 1 + strcspn(p + 1, "ABCDEFGHJKSTfhlmnsu");
			s.sequences++;
			memset(s.line + s.column, 0, sizeof s.line - s.column);
		} else if (*p == '\r' || *p == '\n') {
			s.column = 0;
		} else if (s.column < sizeof s.line - 1) {
			s.line[s.column++] = *p;
		}
		s.width = s.column > s.width ? s.column : s.width;
	}
	return s;
}

static double width(void)
{
	return (double)draw(fixture.load->err.text, fixture.seen).width;
}

static double sequences(void)
{
	return (double)draw(fixture.load->err.text, strlen(fixture.load->err.text)).sequences;
}

static double remains(void)
{
	struct screen s = draw(fixture.load->err.text, strlen(fixture.load->err.text));

	return (double)strlen(s.line + strspn(s.line, " "));
}

static double complained(void)
{
	return (double)strlen(fixture.load->err.text);
}

/* Networks and names. */

static void do_first(const char *text)
{
	snprintf(fixture.shell, sizeof fixture.shell, "%s; exec \"$@\"", text);
}

static void need(const char *command)
{
	static char reason[128];

	snprintf(reason, sizeof reason, "this fails here: %s", command);
	if (system(command) != 0)
		fixture.skipped = reason;
}

/* A network of the test's own, where an address has ten ports. */
static void use_few_ports(const char *unused)
{
	static const char ports[] = "50000 50009";
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};

	(void)unused;
	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0) {
		fixture.skipped = "no network namespace may be made here";
		return;
	}
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(ioctl(fd, SIOCSIFFLAGS, &request), 0);
	close(fd);
	fd = open("/proc/sys/net/ipv4/ip_local_port_range", O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(write(fd, ports, strlen(ports)), (ssize_t)strlen(ports));
	close(fd);
}

/* A listener that accepts nothing: a client in its queue is connected, and nothing reads from it. */
static struct address listen_deaf(const char *host)
{
	struct address a = {
		.in4 = {.sin_family = AF_INET, .sin_port = htons((in_port_t)fixture.port)}};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_eq(inet_pton(AF_INET, host, &a.in4.sin_addr), 1);
	ck_assert_int_eq(bind(fd, &a.any, address_size(&a)), 0);
	ck_assert_int_eq(listen(fd, 0), 0);
	return a;
}

static void make_deaf(const char *host)
{
	listen_deaf(host);
}

/* With its queue full a SYN to it is dropped, as to a host that is gone.  The queue takes one more
 * than its length. */
static void make_dead_end(const char *host)
{
	struct address a = listen_deaf(host);

	ck_assert_int_ge(socket_dial(&a, DEADLINE_NEVER), 0);
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

static void complain_not(const char *text)
{
	ck_assert_msg(strstr(fixture.load->err.text, text) == NULL, "\"%s\" is in:\n%s", text,
		fixture.load->err.text);
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
	{"restart", restart, false},
	{"stop", stop, false},
	{"rest", rest, false},
	{"active", await_active, false},
	{"past-mark", await_past_mark, false},
	{"terminal", use_terminal, false},
	{"drawn", await_drawn, false},
	{"redrawn", await_redraws, false},
	{"first", do_first, false},
	{"needs", need, false},
	{"few-ports", use_few_ports, false},
	{"deaf", make_deaf, false},
	{"dead-end", make_dead_end, false},
	{"print", fixture_must_print, true},
	{"print-not", print_not, true},
	{"complain", complain, true},
	{"complain-not", complain_not, true},
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

static double own_status(void)
{
	return fixture.status;
}

static double took(void)
{
	return (double)(fixture.ended_ns - fixture.started_ns);
}

static double stood_still(void)
{
	return (double)fixture.stood_still;
}

/* What the test itself knows, or the record: the latter is read when the server has ended. */
static const struct {
	const char *name;
	double (*value)(void);
	double (*recorded)(const struct record *r);
	enum record_end end; /* or how many connections ended so */
} words[] = {
	{"status", own_status, NULL, RECORD_OPEN},
	{"took", took, NULL, RECORD_OPEN},
	{"stood_still", stood_still, NULL, RECORD_OPEN},
	{"owed", owed, NULL, RECORD_OPEN},
	{"width", width, NULL, RECORD_OPEN},
	{"sequences", sequences, NULL, RECORD_OPEN},
	{"remains", remains, NULL, RECORD_OPEN},
	{"complained", complained, NULL, RECORD_OPEN},
	{"received", NULL, record_received, RECORD_OPEN},
	{"replied", NULL, record_replied, RECORD_OPEN},
	{"accepted", NULL, record_accepted, RECORD_OPEN},
	{"owing", NULL, owing, RECORD_OPEN},
	{"server_fins", NULL, NULL, RECORD_SERVER_FIN},
	{"client_resets", NULL, NULL, RECORD_CLIENT_RESET},
	{"since_start", NULL, since_start, RECORD_OPEN},
};

static double failures(const char *name, size_t len)
{
	char text[64];

	snprintf(text, sizeof text, "%.*s", (int)len, name);
	for (char *p = strchr(text, '_'); p; p = strchr(p, '_'))
		*p = ' ';
	return fixture_json_failures(text);
}

/* A number, with a unit or without. */
static double number(const char *text)
{
	int64_t exact;
	char *end;
	double value = strtod(text, &end);

	if (*end == '\0')
		return value;
	ck_assert_msg(quantity_parse_duration(text, &exact) == 0 ||
			quantity_parse_size(text, &exact) == 0,
		"no number: %s", text);
	return (double)exact;
}

static double term(const char *name)
{
	size_t len = strcspn(name, "+@");

	if (strcmp(name, "null") == 0)
		return NAN;
	if (strcmp(name, "true") == 0 || strcmp(name, "false") == 0)
		return name[0] == 't';
	if (isdigit((unsigned char)*name))
		return number(name);
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (strcmp(name, words[i].name) != 0)
			continue;
		if (words[i].value)
			return words[i].value();
		const struct record *r = fixture_read_record();
		return words[i].recorded ? words[i].recorded(r) : record_ended_by(r, words[i].end);
	}
	if (name[len] == '+')
		return failures(name, len);
	if (name[len] == '@')
		return fixture_json_count_from(
			name, len, strtod(name + len + 1, NULL) * stood_still());
	return fixture_json(name);
}

/* Take terms off the front, up to a relation or the end. */
static double take_value(char **rest)
{
	char *word = strtok_r(NULL, " ", rest);

	ck_assert_ptr_nonnull(word);
	double value = term(word);
	while (*rest && **rest && strchr("+-*/", **rest) && (*rest)[1] == ' ') {
		char sign = *strtok_r(NULL, " ", rest);
		double other = term(strtok_r(NULL, " ", rest));
		value = sign == '*'   ? value * other
			: sign == '/' ? value / other
			: sign == '+' ? value + other
				      : value - other;
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
