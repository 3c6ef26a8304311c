/* SPDX-License-Identifier: ISC */
/*
 * Proves log: quoting, JSON, length, and that writing never blocks and leaves the descriptor blocking
 * that other processes share.
 */
#include "server/log.h"

#include "capture.h"
#include "server/signals.h"
#include "test/json_scan.h"
#include "test/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define MANY 100000

static void say(enum log_level level, const char *key, const char *value)
{
	struct log_line l;

	log_begin(&l, level, "said");
	log_text(&l, key, value);
	log_end(&l);
}

static void begin(enum log_format format)
{
	capture_begin(STDERR_FILENO);
	log_open(LOG_INFO, format);
}

/* A text of a line, which is JSON (RFC 8259). */
static const char *json_field(const char *line, const char *key)
{
	static char value[LOG_LINE_MAX];

	ck_assert_msg(json_scan_text(line, key, value, sizeof value) == 0, "%s", line);
	return value;
}

/* Building. */

/* Of JSON, what stands between the quotes. */
static const struct {
	const char *value;
	const char *logfmt;
	const char *json;
} values[] = {
	{"%s%n[::1]:7\xc3\xaf\xe2\x82\xac\xf0\x9f\x98\x80",
		"%s%n[::1]:7\xc3\xaf\xe2\x82\xac\xf0\x9f\x98\x80",
		"%s%n[::1]:7\xc3\xaf\xe2\x82\xac\xf0\x9f\x98\x80"},
	{"", "\"\"", ""},
	{"two words", "\"two words\"", "two words"},
	{"a=b", "\"a=b\"", "a=b"},
	{"say \"so\"", "\"say \\\"so\\\"\"", "say \\\"so\\\""},
	{"back\\slash", "\"back\\\\slash\"", "back\\\\slash"},
	{"\n\x01\x1f\x7f\x1b[0m", "\"\\u000a\\u0001\\u001f\\u007f\\u001b[0m\"",
		"\\u000a\\u0001\\u001f\\u007f\\u001b[0m"},
	/* Not UTF-8: a stray byte, an unfinished character, an overlong one, a surrogate, one beyond
	   the last, two in a row. */
	{"a\x80z", NULL, "a\\ufffdz"},
	{"\xf0\x9f\x98", NULL, "\\ufffd\\ufffd\\ufffd"},
	{"\xc0\xaf", NULL, "\\ufffd\\ufffd"},
	{"\xed\xa0\x80", NULL, "\\ufffd\\ufffd\\ufffd"},
	{"\xf4\x90\x80\x80", NULL, "\\ufffd\\ufffd\\ufffd\\ufffd"},
	{"\xc3\xc3\xaf", NULL, "\\ufffd\xc3\xaf"},
};

TEST_ROWS(logfmt_quotes_what_would_be_misread_and_json_everything, SUITE_COUNT(values))
{
	char expected[128];

	begin(LOG_JSON);
	say(LOG_INFO, "key", values[_i].value);
	ck_assert_str_eq(json_field(capture_text(STDERR_FILENO), "key"), values[_i].json);
	begin(LOG_LOGFMT);
	say(LOG_INFO, "key", values[_i].value);
	snprintf(expected, sizeof expected, "Z level=info event=said key=%s\n", values[_i].logfmt);
	ck_assert(!values[_i].logfmt || strstr(capture_text(STDERR_FILENO), expected));
}

TEST(numbers_durations_addresses_and_errnos_are_written)
{
	const struct address a = {.in4 = {.sin_family = AF_INET, .sin_port = htons(7)}};
	struct log_line l;

	begin(LOG_LOGFMT);
	log_begin(&l, LOG_INFO, "said");
	log_number(&l, "least", INT64_MIN);
	log_number(&l, "most", INT64_MAX);
	log_ms(&l, "none_ms", 0);
	log_ms(&l, "some_ms", 1234567);
	log_address(&l, "address", &a);
	log_errno(&l, ENOENT);
	log_end(&l);
	ck_assert_str_eq(strstr(capture_text(STDERR_FILENO), " least"),
		" least=-9223372036854775808 most=9223372036854775807 none_ms=0.000 some_ms=1.234"
		" address=0.0.0.0:7 error=\"No such file or directory\"\n");
}

/* Length. */

static const enum log_format formats[] = {LOG_LOGFMT, LOG_JSON};

/* Every length around the bound, and after it a field that may or may not fit. */
TEST_ROWS(what_does_not_fit_is_left_out_and_the_line_is_whole, SUITE_COUNT(formats))
{
	char value[LOG_LINE_MAX + 1];
	struct log_line l;

	begin(formats[_i]);
	for (size_t len = LOG_LINE_MAX - 150; len <= LOG_LINE_MAX; len++) {
		memset(value, 'x', len);
		value[len] = '\0';
		capture_begin(STDERR_FILENO);
		log_begin(&l, LOG_INFO, "said");
		log_text(&l, "a", value);
		log_number(&l, "n", 12345);
		log_text(&l, "b", "c");
		log_end(&l);
		const char *text = capture_text(STDERR_FILENO);
		ck_assert_uint_le(strlen(text), LOG_LINE_MAX);
		ck_assert_ptr_eq(strchr(text, '\n'), text + strlen(text) - 1);
		if (formats[_i] == LOG_JSON)
			ck_assert_str_eq(json_field(text, "event"), "said");
	}
	/* The last one left room for the others. */
	ck_assert_uint_eq(capture_count(STDERR_FILENO, "xx"), 0);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, "12345"), 1);
}

TEST(a_line_that_was_begun_keeps_its_level_and_format)
{
	struct log_line l;

	begin(LOG_LOGFMT);
	log_begin(&l, LOG_INFO, "begun");
	log_choose(LOG_ERROR, LOG_JSON);
	log_text(&l, "key", "two words");
	log_end(&l);
	ck_assert_uint_eq(capture_count(STDERR_FILENO, "event=begun key=\"two words\"\n"), 1);
	ck_assert(!log_wants(LOG_WARN));
}

/* Writing. */

/* Each makes a reading end, fds[0], and a writing end, fds[1]; false where the system has none. */

static bool make_pipe(int fds[2])
{
	return pipe2(fds, O_CLOEXEC) == 0;
}

static bool make_socket(int fds[2])
{
	return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0;
}

static bool make_terminal(int fds[2])
{
	fds[0] = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fds[0] < 0)
		return false;
	ck_assert(grantpt(fds[0]) == 0 && unlockpt(fds[0]) == 0);
	fds[1] = open(ptsname(fds[0]), O_RDWR | O_NOCTTY | O_CLOEXEC);
	return true;
}

static bool make_full_disk(int fds[2])
{
	fds[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	fds[1] = open("/dev/full", O_WRONLY | O_CLOEXEC);
	return true;
}

/* The end of a pipe that the log cannot open anew: it asks the shared description before each line. */
static bool make_pipe_of_another_user(int fds[2])
{
	ck_assert(make_pipe(fds));
	ck_assert_int_eq(fchmod(fds[1], 0), 0);
	return geteuid() != 0 || seteuid(65534) == 0;
}

/* Log to fd, which is closed. */
static void log_to(int fd)
{
	ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	close(fd);
	log_open(LOG_INFO, LOG_LOGFMT);
	ck_assert_int_eq(seteuid(getuid()), 0);
}

/* All that can be read without waiting, as a string. */
static char *must_drain(int fd)
{
	static char text[4 << 20];
	size_t len = 0;
	ssize_t n;

	ck_assert_int_eq(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	while ((n = read(fd, text + len, sizeof text - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	return text;
}

static bool (*const sinks[])(int fds[2]) = {
	make_pipe, make_pipe_of_another_user, make_terminal, make_socket};

TEST_ROWS(what_is_full_does_not_block_and_takes_whole_lines, SUITE_COUNT(sinks))
{
	int fds[2];

	if (!sinks[_i](fds))
		return;
	log_to(fds[1]);
	for (int sent = 0; log_dropped() == 0; sent++) {
		ck_assert_int_lt(sent, MANY);
		say(LOG_INFO, "n", "some words that take their place");
	}
	/* The description that others share stays blocking. */
	ck_assert_int_eq(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK, 0);
	if (sinks[_i] == make_terminal)
		return;
	const char *text = must_drain(fds[0]);
	ck_assert_int_eq(text[strlen(text) - 1], '\n');
}

/* A line that nothing takes is counted, and kills no process. */

static const struct {
	bool (*make)(int fds[2]); /* NULL: standard error is closed */
	bool left;                /* the reader leaves before log_open() */
} unread[] = {{make_pipe, false}, {make_pipe, true}, {make_socket, false}, {make_full_disk, false},
	{NULL, false}};

TEST_ROWS(a_line_that_cannot_be_written_is_counted, SUITE_COUNT(unread))
{
	int fds[2];

	/* A socket needs no SIGPIPE blocked. */
	if (unread[_i].make == make_pipe)
		signals_block();
	if (unread[_i].make) {
		ck_assert(unread[_i].make(fds));
		if (unread[_i].left)
			close(fds[0]);
		log_to(fds[1]);
		if (!unread[_i].left)
			close(fds[0]);
	} else {
		close(STDERR_FILENO);
		log_open(LOG_INFO, LOG_LOGFMT);
	}
	say(LOG_INFO, "a", "b");
	say(LOG_DEBUG, "a", "b");
	ck_assert_uint_eq(log_dropped(), 1);
}

/* Many at once. */

#define THREADS 4
#define EACH    2000

static void *say_many(void *unused)
{
	(void)unused;
	for (int i = 0; i < EACH; i++)
		say(LOG_INFO, "tick", "a value of some length, so that lines could be torn");
	return NULL;
}

/* Count the ticks, and add up what lines tell of dropped ones. */
static void read_lines(const char *text, uint64_t *ticks, uint64_t *told)
{
	char line[LOG_LINE_MAX + 1];
	double lines;

	for (; *text; text = strchr(text, '\n') + 1) {
		snprintf(line, sizeof line, "%.*s", (int)strcspn(text, "\n"), text);
		*ticks += strcmp(json_field(line, "event"), "said") == 0;
		if (json_scan_number(line, "lines", &lines) == 0)
			*told += (uint64_t)lines;
	}
}

TEST(lines_of_many_threads_are_whole_and_each_is_written_or_counted)
{
	pthread_t threads[THREADS];
	int fds[2];
	uint64_t ticks = 0;
	uint64_t told = 0;

	ck_assert(make_pipe(fds));
	log_to(fds[1]);
	log_choose(LOG_INFO, LOG_JSON);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, say_many, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	read_lines(must_drain(fds[0]), &ticks, &told);
	ck_assert_uint_gt(log_dropped(), 0);
	ck_assert_uint_eq(ticks + log_dropped(), THREADS * EACH);
	say(LOG_INFO, "a", "b");
	read_lines(must_drain(fds[0]), &ticks, &told);
	ck_assert_uint_eq(told, log_dropped());
}
