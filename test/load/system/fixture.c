/* SPDX-License-Identifier: ISC */
/* fixture - a server and a load against it. */
#include "fixture.h"

#include "common/deadline.h"
#include "test/json_scan.h"

#include <check.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORDS_MAX 60
#define TEXT_MAX  ((size_t)1 << 20)

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
		.service = "line",
		.host = "127.0.0.1",
		.json = "/tmp/bobbin-load-XXXXXX",
		.ledger = "/tmp/bobbin-ledger-XXXXXX",
	};
	must_make_file(fixture.json);
	must_make_file(fixture.ledger);
	setenv("JSON", fixture.json, 1);
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
	char text[sizeof fixture.options]; /* the split options */
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
		add(w, word);
	}
}

/* Both servers name the port that they really bound. */
static void start_server(struct words *w, bool logs, const char *port)
{
	struct process *p = fixture.server = process_start(w->argv, NULL);

	if (logs)
		process_await(p, &p->err, "event=ready");
	fixture.port =
		(unsigned)strtoul(process_await(p, logs ? &p->err : &p->out, port), NULL, 10);
}

void fixture_serve(const char *options)
{
	struct words w = {.count = 0};

	process_free(fixture.server);
	ck_assert_int_eq(truncate(fixture.ledger, 0), 0);
	snprintf(fixture.service, sizeof fixture.service, "%.*s", (int)strcspn(options, " "),
		options);
	add(&w, must_getenv("LEDGER"));
	add(&w, fixture.ledger);
	add_options(&w, options);
	start_server(&w, false, "listening ");
}

void fixture_serve_right(const char *service)
{
	struct words w = {.count = 0};
	char listen[32];

	if (!getenv("BOBBIND")) {
		fixture_serve(service);
		return;
	}
	process_free(fixture.server);
	snprintf(fixture.service, sizeof fixture.service, "%s", service);
	snprintf(listen, sizeof listen, "tcp:127.0.0.1:0=%s", service);
	add(&w, getenv("BOBBIND"));
	add(&w, "-l");
	add(&w, listen);
	add_options(&w, "-o limits.max_connections=12000 -o line.max_line=1MiB");
	start_server(&w, true, "address=127.0.0.1:");
}

void fixture_start(const char *options)
{
	struct words w = {.count = 0};
	const struct process_setting setting = {.columns = fixture.columns};
	char address[96];

	snprintf(fixture.options, sizeof fixture.options, "%s", options);
	snprintf(address, sizeof address, "%s:%u=%s", fixture.host, fixture.port, fixture.service);
	if (fixture.shell[0]) {
		add(&w, "/bin/sh");
		add(&w, "-c");
		add(&w, fixture.shell);
		add(&w, "sh");
	}
	add(&w, must_getenv("BOBBIN_LOAD"));
	if (!strstr(options, "--json ")) {
		add(&w, "--json");
		add(&w, fixture.json);
	}
	add_options(&w, options);
	add(&w, address);
	process_free(fixture.load);
	fixture.seen = 0;
	fixture.started_ns = deadline_now();
	fixture.load = process_start(w.argv, &setting);
}

void fixture_end(void)
{
	if (fixture.load->pid == 0)
		return;
	fixture.status = process_end(fixture.load);
	fixture.ended_ns = deadline_now();
}

void fixture_run(const char *options)
{
	fixture_start(options);
	fixture_end();
}

void fixture_tell(int signal)
{
	struct process_stream *err = &fixture.load->err;

	if (fixture.seen == 0)
		fixture.seen = (size_t)(process_end_of(fixture.load, err) - err->text);
	fixture.told_ns = deadline_now();
	process_kill(fixture.load, signal);
}

const struct record *fixture_read_record(void)
{
	if (fixture.server && fixture.server->pid > 0) {
		process_kill(fixture.server, SIGTERM);
		ck_assert_int_eq(process_end(fixture.server), 0);
	}
	record_unmap(fixture.record);
	fixture.record = record_map(fixture.ledger);
	ck_assert_ptr_nonnull(fixture.record);
	return fixture.record;
}

void fixture_stop_for(struct process *p, int64_t duration_ns)
{
	int64_t stopped_ns = deadline_now();
	struct timespec until = deadline_timespec(stopped_ns + duration_ns);

	process_kill(p, SIGSTOP);
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != 0)
		;
	fixture.stood_still = deadline_now() - stopped_ns;
	process_kill(p, SIGCONT);
}

/* What it says. */

/* With one space for each run of white space. */
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

bool fixture_prints(const char *text)
{
	static char report[TEXT_MAX];
	char wanted[256];

	fold(fixture.load->out.text, report, sizeof report);
	fold(text, wanted, sizeof wanted);
	return strstr(report, wanted) != NULL;
}

void fixture_must_print(const char *text)
{
	ck_assert_msg(fixture_prints(text), "\"%s\" is not in the result:\n%s\n%s", text,
		fixture.load->out.text, fixture.load->err.text);
}

static const char *read_json(void)
{
	static char text[TEXT_MAX];
	FILE *f = fopen(fixture.json, "re");

	ck_assert_ptr_nonnull(f);
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	fclose(f);
	return text;
}

double fixture_json(const char *path)
{
	const char *json = read_json();
	double value = NAN;
	int rc = json_scan_number(json, path, &value);

	ck_assert_msg(rc == 0, "%s in the JSON: %s\n%s\n%s", path, strerrorname_np(-rc),
		fixture.load->out.text, fixture.load->err.text);
	return value;
}

const char *fixture_json_text(const char *path)
{
	static char text[256];
	int rc = json_scan_text(read_json(), path, text, sizeof text);

	ck_assert_msg(rc == 0, "%s in the JSON: %s", path, strerrorname_np(-rc));
	return text;
}

double fixture_json_failures(const char *name)
{
	const char *json = read_json();
	size_t count = 0;
	char path[64];

	ck_assert_int_eq(json_scan_count(json, "failures", &count), 0);
	for (size_t i = 0; i < count; i++) {
		snprintf(path, sizeof path, "failures.%zu.name", i);
		if (strcmp(fixture_json_text(path), name) != 0)
			continue;
		snprintf(path, sizeof path, "failures.%zu.count", i);
		return fixture_json(path);
	}
	return 0;
}

/* The sum of [low, count] pairs. */
double fixture_json_count_from(const char *histogram, size_t len, double bound_ns)
{
	const char *json = read_json();
	char path[96];
	double sum = 0;
	double low;
	double count;

	for (size_t i = 0;; i++) {
		snprintf(path, sizeof path, "%.*s.buckets_low_ns_count.%zu.0", (int)len, histogram,
			i);
		if (json_scan_number(json, path, &low) != 0)
			return sum;
		snprintf(path, sizeof path, "%.*s.buckets_low_ns_count.%zu.1", (int)len, histogram,
			i);
		ck_assert_int_eq(json_scan_number(json, path, &count), 0);
		if (low >= bound_ns)
			sum += count;
	}
}

static void must_be(const char *path, double value)
{
	double is = fixture_json(path);

	ck_assert_msg(
		is == value, "%s is %.0f, not %.0f\n%s", path, is, value, fixture.load->out.text);
}

void fixture_must_add_up(void)
{
	must_be("messages.scheduled",
		fixture_json("messages.sent") + fixture_json("messages.not_sent"));
	must_be("messages.not_sent",
		fixture_json("messages.not_sent_client_late") +
			fixture_json("messages.not_sent_no_room"));
	must_be("messages.sent",
		fixture_json("messages.answered") + fixture_json("messages.mismatched") +
			fixture_json("messages.lost") + fixture_json("messages.cut_off"));
}

void fixture_must_agree(void)
{
	const struct record *r = fixture_read_record();

	must_be("messages.sent", record_received(r));
	must_be("messages.answered", record_replied(r));
	fixture_must_add_up();
}
