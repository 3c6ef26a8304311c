/* SPDX-License-Identifier: ISC */
/* fixture - a server and a load against it. */
#include "fixture.h"

#include "../../bench/scan.h"
#include "common/deadline.h"

#include <check.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS_MAX   60
#define OPTIONS_MAX 1024
#define TEXT_MAX    ((size_t)1 << 20)

struct fixture fixture;

static void must_make_file(char *path)
{
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	close(fd);
}

void fixture_set_up(void)
{
	fixture = (struct fixture){
		.json = "/tmp/bobbin-load-XXXXXX",
		.ledger = "/tmp/bobbin-ledger-XXXXXX",
	};
	must_make_file(fixture.json);
	must_make_file(fixture.ledger);
}

void fixture_tear_down(void)
{
	process_free(fixture.load);
	process_free(fixture.server);
	record_unmap(fixture.record);
	unlink(fixture.json);
	unlink(fixture.ledger);
}

static const char *must_getenv(const char *name)
{
	const char *value = getenv(name);

	ck_assert_msg(value != NULL, "%s is not in the environment: run this from meson", name);
	return value;
}

/* A command line under construction. */
struct words {
	const char *argv[WORDS_MAX];
	size_t count;
	char text[OPTIONS_MAX]; /* the split options */
};

static void add(struct words *w, const char *word)
{
	ck_assert_uint_lt(w->count, WORDS_MAX - 1);
	w->argv[w->count++] = word;
}

static void add_options(struct words *w, const char *options)
{
	char *rest = NULL;

	ck_assert_uint_lt(strlen(options), sizeof w->text);
	memcpy(w->text, options, strlen(options) + 1);
	for (char *word = strtok_r(w->text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		for (char *p = strchr(word, '~'); p; p = strchr(p, '~'))
			*p = ' ';
		add(w, strcmp(word, "JSON") == 0 ? fixture.json : word);
	}
}

/* bobbind names the address that it really bound before it is ready. */
static void serve_with_bobbind(const char *program, const char *service)
{
	char listen[32];
	const char *argv[] = {program, "-l", listen, "-o", "limits.max_connections=12000", "-o",
		"line.max_line=1MiB", NULL};

	snprintf(listen, sizeof listen, "tcp:127.0.0.1:0=%s", service);
	fixture.server = process_start(argv, NULL);
	process_await(fixture.server, &fixture.server->err, "event=ready");
	const char *port =
		process_await(fixture.server, &fixture.server->err, "address=127.0.0.1:");
	fixture.port = (unsigned)strtoul(port, NULL, 10);
}

static void end_server(void)
{
	process_free(fixture.server);
	fixture.server = NULL;
}

void fixture_serve(const char *service, const char *options)
{
	struct words w = {.count = 0};

	end_server();
	ck_assert_int_eq(truncate(fixture.ledger, 0), 0);
	add(&w, must_getenv("LEDGER"));
	add(&w, fixture.ledger);
	add(&w, service);
	add_options(&w, options);
	fixture.server = process_start(w.argv, NULL);
	const char *port = process_await(fixture.server, &fixture.server->out, "listening ");
	fixture.port = (unsigned)strtoul(port, NULL, 10);
}

void fixture_serve_right(const char *service)
{
	const char *bobbind = getenv("BOBBIND");

	if (!bobbind) {
		fixture_serve(service, "");
		return;
	}
	end_server();
	serve_with_bobbind(bobbind, service);
}

void fixture_start_load_with(
	const char *service, const char *options, const struct process_setting *setting)
{
	struct words w = {.count = 0};
	char address[64];

	snprintf(address, sizeof address, "127.0.0.1:%u=%s", fixture.port, service);
	add(&w, must_getenv("BOBBIN_LOAD"));
	if (!strstr(options, "--json ")) {
		add(&w, "--json");
		add(&w, fixture.json);
	}
	add_options(&w, options);
	add(&w, address);
	process_free(fixture.load);
	fixture.load = NULL;
	fixture.started_ns = deadline_now();
	fixture.load = process_start(w.argv, setting);
}

void fixture_start_load(const char *service, const char *options)
{
	fixture_start_load_with(service, options, NULL);
}

void fixture_end_load(void)
{
	fixture.status = process_end(fixture.load);
	fixture.ended_ns = deadline_now();
}

void fixture_must_end_soon(void)
{
	fixture.status = process_end_within(fixture.load, FIXTURE_HANG_NS);
	fixture.ended_ns = deadline_now();
}

void fixture_run_load(const char *service, const char *options)
{
	fixture_start_load(service, options);
	fixture_end_load();
}

void fixture_read_record(void)
{
	process_kill(fixture.server, SIGTERM);
	ck_assert_int_eq(process_end(fixture.server), 0);
	end_server();
	record_unmap(fixture.record);
	fixture.record = record_map(fixture.ledger);
	ck_assert_ptr_nonnull(fixture.record);
}

/* Progress. */

void fixture_await_received(unsigned count)
{
	char text[64];

	snprintf(text, sizeof text, "received %u\n", count);
	process_await(fixture.server, &fixture.server->out, text);
}

int64_t fixture_stop_for(struct process *p, int64_t duration_ns)
{
	int64_t stopped_ns = deadline_now();
	struct timespec until = deadline_timespec(stopped_ns + duration_ns);

	process_kill(p, SIGSTOP);
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != 0)
		;
	int64_t stopped_for_ns = deadline_now() - stopped_ns;
	process_kill(p, SIGCONT);
	return stopped_for_ns;
}

/* What it says. */

/* With one space for each run of white space: where a line of the report is broken does not
 * matter. */
static void fold(const char *text, char *folded, size_t size)
{
	size_t len = 0;

	for (; *text && len < size - 1; text++) {
		if (!isspace((unsigned char)*text))
			folded[len++] = *text;
		else if (len == 0 || folded[len - 1] != ' ')
			folded[len++] = ' ';
	}
	folded[len] = '\0';
}

static bool is_printed(const char *text)
{
	static char report[TEXT_MAX];
	char wanted[256];

	fold(fixture.load->out.text, report, sizeof report);
	fold(text, wanted, sizeof wanted);
	return strstr(report, wanted) != NULL;
}

void fixture_must_print(const char *text)
{
	ck_assert_msg(is_printed(text), "\"%s\" is not in the result:\n%s\n%s", text,
		fixture.load->out.text, fixture.load->err.text);
}

void fixture_must_not_print(const char *text)
{
	ck_assert_msg(!is_printed(text), "\"%s\" is in the result:\n%s\n%s", text,
		fixture.load->out.text, fixture.load->err.text);
}

void fixture_must_complain(const char *text)
{
	ck_assert_msg(strstr(fixture.load->err.text, text) != NULL,
		"\"%s\" is not on standard error:\n%s", text, fixture.load->err.text);
}

static const char *must_read_json(void)
{
	static char text[TEXT_MAX];
	FILE *f = fopen(fixture.json, "re");

	ck_assert_ptr_nonnull(f);
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	fclose(f);
	return text;
}

/* scan knows no null: it is the one value that is neither a number nor anything else. */
static bool is_null(const char *json, const char *path)
{
	char text[8];
	bool yes;
	size_t count;

	return scan_bool(json, path, &yes) == -EINVAL &&
		scan_count(json, path, &count) == -EINVAL &&
		scan_text(json, path, text, sizeof text) == -EINVAL;
}

double fixture_json(const char *path)
{
	const char *json = must_read_json();
	double value = NAN;
	int rc = scan_number(json, path, &value);

	if (rc == -EINVAL && is_null(json, path))
		return NAN;
	ck_assert_msg(rc == 0, "%s in the JSON: %s\n%s\n%s", path, strerrorname_np(-rc),
		fixture.load->out.text, fixture.load->err.text);
	return value;
}

void fixture_json_must_be(const char *path, double value)
{
	double is = fixture_json(path);

	ck_assert_msg(
		is == value, "%s is %.0f, not %.0f\n%s", path, is, value, fixture.load->out.text);
}

bool fixture_json_bool(const char *path)
{
	bool value = false;
	int rc = scan_bool(must_read_json(), path, &value);

	ck_assert_msg(rc == 0, "%s in the JSON: %s", path, strerrorname_np(-rc));
	return value;
}

const char *fixture_json_text(const char *path)
{
	static char text[256];
	int rc = scan_text(must_read_json(), path, text, sizeof text);

	ck_assert_msg(rc == 0, "%s in the JSON: %s", path, strerrorname_np(-rc));
	return text;
}

double fixture_json_failures(const char *name)
{
	const char *json = must_read_json();
	size_t count = 0;
	char path[64];
	char text[64];

	ck_assert_int_eq(scan_count(json, "failures", &count), 0);
	for (size_t i = 0; i < count; i++) {
		double value = 0;
		snprintf(path, sizeof path, "failures.%zu.name", i);
		ck_assert_int_eq(scan_text(json, path, text, sizeof text), 0);
		if (strcmp(text, name) != 0)
			continue;
		snprintf(path, sizeof path, "failures.%zu.count", i);
		ck_assert_int_eq(scan_number(json, path, &value), 0);
		return value;
	}
	return 0;
}

void fixture_must_add_up(void)
{
	fixture_json_must_be("messages.scheduled",
		fixture_json("messages.sent") + fixture_json("messages.not_sent"));
	fixture_json_must_be("messages.not_sent",
		fixture_json("messages.not_sent_client_late") +
			fixture_json("messages.not_sent_no_room"));
	fixture_json_must_be("messages.sent",
		fixture_json("messages.answered") + fixture_json("messages.mismatched") +
			fixture_json("messages.lost") + fixture_json("messages.cut_off"));
}

void fixture_must_send_all(double count)
{
	double late = fixture_json("messages.not_sent_client_late");

	fixture_json_must_be("messages.scheduled", count);
	fixture_json_must_be("messages.not_sent_no_room", 0);
	fixture_json_must_be("messages.sent", count - late);
	fixture_json_must_be("messages.answered", count - late);
}

void fixture_must_agree_with_record(void)
{
	const struct record *r = fixture.record;

	fixture_json_must_be("messages.sent", (double)record_received(r));
	fixture_json_must_be("messages.answered", (double)record_replied(r));
	fixture_json_must_be("connections_opened", (double)r->connection_count);
	fixture_must_add_up();
}

/* The sum of [low, count] pairs. */
double fixture_json_count_from(const char *histogram, double bound_ns)
{
	const char *json = must_read_json();
	char path[96];
	double sum = 0;
	double low;
	double count;

	for (size_t i = 0;; i++) {
		snprintf(path, sizeof path, "%s.buckets_low_ns_count.%zu.0", histogram, i);
		if (scan_number(json, path, &low) != 0)
			return sum;
		snprintf(path, sizeof path, "%s.buckets_low_ns_count.%zu.1", histogram, i);
		ck_assert_int_eq(scan_number(json, path, &count), 0);
		if (low >= bound_ns)
			sum += count;
	}
}

/* Several at once. */

static void run_alone(void (*body)(size_t i), size_t i)
{
	fixture_set_up();
	body(i);
	fixture_tear_down();
	_exit(0);
}

/* The children of one fixture_try_each(). */
struct children {
	pid_t *pids; /* of body(first) and so on */
	size_t first;
	size_t count;
	size_t running;
	size_t failed;
	void (*tell)(size_t i);
};

static void await_one(struct children *c)
{
	int status = 0;
	pid_t pid = wait(&status);

	ck_assert_int_gt(pid, 0);
	c->running--;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return;
	c->failed++;
	for (size_t i = 0; i < c->count; i++) {
		if (c->pids[i] == pid)
			c->tell(c->first + i);
	}
}

static void start_one(struct children *c, void (*body)(size_t i), size_t i)
{
	fflush(NULL);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		run_alone(body, i);
	c->pids[c->count++] = pid;
	c->running++;
}

size_t fixture_try_each(
	size_t first, size_t end, size_t at_once, void (*body)(size_t i), void (*failed)(size_t i))
{
	struct children c = {
		.pids = calloc(end - first, sizeof *c.pids), .first = first, .tell = failed};

	ck_assert_ptr_nonnull(c.pids);
	for (size_t i = first; i < end; i++) {
		if (c.running == at_once)
			await_one(&c);
		start_one(&c, body, i);
	}
	while (c.running > 0)
		await_one(&c);
	free(c.pids);
	return c.failed;
}

static void tell_number(size_t i)
{
	fprintf(stderr, "failed: number %zu, counted from 0\n", i);
}

void fixture_for_each(size_t count, size_t at_once, void (*body)(size_t i))
{
	/* What it was has been told to Check by the child itself: its words are to be the last. */
	if (fixture_try_each(0, count, at_once, body, tell_number) > 0)
		_exit(1);
}
