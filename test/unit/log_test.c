/* SPDX-License-Identifier: ISC */
/*
 * Proves log: quoting, JSON, length, levels, and that writing never blocks and leaves the descriptor
 * blocking that other processes share.
 */
#include "server/log.h"

#include "capture.h"
#include "json.h"
#include "server/signals.h"
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

static void begin(enum log_level level, enum log_format format)
{
	capture_begin(STDERR_FILENO);
	log_open(level, format);
}

/* What follows "event=said". */
static const char *fields(void)
{
	const char *found = strstr(capture_text(STDERR_FILENO), "event=said");

	ck_assert_ptr_nonnull(found);
	return found + strlen("event=said");
}

/* Building. */

TEST(a_line_begins_with_time_level_and_event)
{
	char level[8];
	char event[8];
	int digits;

	begin(LOG_INFO, LOG_LOGFMT);
	say(LOG_WARN, "a", "b");
	int count = sscanf(capture_text(STDERR_FILENO),
		"time=%*4d-%*2d-%*2dT%*2d:%*2d:%*2d.%3dZ level=%7s event=%7s a=b", &digits, level,
		event);
	ck_assert_int_eq(count, 3);
	ck_assert_str_eq(level, "warn");
	ck_assert_str_eq(event, "said");
}

static const struct {
	const char *value;
	const char *logfmt;
	const char *json;
} values[] = {
	{"bare", "bare", "\"bare\""},
	{"", "\"\"", "\"\""},
	{"two words", "\"two words\"", "\"two words\""},
	{"a=b", "\"a=b\"", "\"a=b\""},
	{"say \"so\"", "\"say \\\"so\\\"\"", "\"say \\\"so\\\"\""},
	{"back\\slash", "\"back\\\\slash\"", "\"back\\\\slash\""},
	{"line\nbreak", "\"line\\u000abreak\"", "\"line\\u000abreak\""},
	{"\x01\x1f\x7f\x1b[0m", "\"\\u0001\\u001f\\u007f\\u001b[0m\"",
		"\"\\u0001\\u001f\\u007f\\u001b[0m\""},
	{"na\xc3\xafve\xe2\x82\xac\xf0\x9f\x98\x80", "na\xc3\xafve\xe2\x82\xac\xf0\x9f\x98\x80",
		"\"na\xc3\xafve\xe2\x82\xac\xf0\x9f\x98\x80\""},
	{"%s%n%d", "%s%n%d", "\"%s%n%d\""},
	{"[::1]:7007", "[::1]:7007", "\"[::1]:7007\""},
};

TEST_ROWS(logfmt_quotes_what_would_be_misread_and_json_everything, SUITE_COUNT(values))
{
	char expected[128];

	begin(LOG_INFO, LOG_LOGFMT);
	say(LOG_INFO, "key", values[_i].value);
	snprintf(expected, sizeof expected, " key=%s\n", values[_i].logfmt);
	ck_assert_str_eq(fields(), expected);
	begin(LOG_INFO, LOG_JSON);
	say(LOG_INFO, "key", values[_i].value);
	snprintf(expected, sizeof expected, ",\"key\":%s}\n", values[_i].json);
	const char *text = capture_text(STDERR_FILENO);
	ck_assert_msg(json_is_line(text) && strstr(text, expected), "%s", text);
}

/* A stray byte, an unfinished character, an overlong one, a surrogate, one beyond the last, two in
 * a row. */
static const char *const not_utf8[] = {"\xff", "a\x80z", "\xc3", "\xe2\x82", "\xf0\x9f\x98",
	"\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc3\xc3\xaf", "\xe2\x28\xa1"};

TEST_ROWS(json_stays_valid_when_a_value_is_not_utf8, SUITE_COUNT(not_utf8))
{
	begin(LOG_INFO, LOG_JSON);
	say(LOG_INFO, "key", not_utf8[_i]);
	ck_assert_msg(json_is_line(capture_text(STDERR_FILENO)), "%s", capture_text(STDERR_FILENO));
	ck_assert_ptr_nonnull(strstr(capture_text(STDERR_FILENO), "\\ufffd"));
}

TEST(json_stays_valid_whatever_byte_a_value_has)
{
	begin(LOG_INFO, LOG_JSON);
	for (int c = 1; c < 256; c++) {
		const char value[] = {'a', (char)c, 'z', '\0'};
		capture_begin(STDERR_FILENO);
		say(LOG_INFO, "key", value);
		ck_assert_msg(json_is_line(capture_text(STDERR_FILENO)), "byte %d", c);
	}
}

TEST(numbers_durations_addresses_and_errnos_are_written)
{
	const struct address a = {.in4 = {.sin_family = AF_INET, .sin_port = htons(7)}};
	struct log_line l;

	begin(LOG_INFO, LOG_LOGFMT);
	log_begin(&l, LOG_INFO, "said");
	log_number(&l, "least", INT64_MIN);
	log_number(&l, "most", INT64_MAX);
	log_ms(&l, "none_ms", 0);
	log_ms(&l, "some_ms", 1234567);
	log_address(&l, "address", &a);
	log_errno(&l, ENOENT);
	log_end(&l);
	ck_assert_str_eq(fields(),
		" least=-9223372036854775808 most=9223372036854775807 none_ms=0.000 some_ms=1.234"
		" address=0.0.0.0:7 error=\"No such file or directory\"\n");
}

/* Length. */

static const enum log_format formats[] = {LOG_LOGFMT, LOG_JSON};

TEST_ROWS(a_field_that_does_not_fit_is_left_out_and_the_rest_stands, SUITE_COUNT(formats))
{
	char value[2 * LOG_LINE_MAX];
	struct log_line l;

	memset(value, 'x', sizeof value - 1);
	value[sizeof value - 1] = '\0';
	begin(LOG_INFO, formats[_i]);
	log_begin(&l, LOG_INFO, "said");
	log_text(&l, "before", "1");
	log_text(&l, "long", value);
	memset(value, '"', sizeof value - 1);
	log_text(&l, "quotes", value);
	log_text(&l, "after", "2");
	log_end(&l);
	const char *text = capture_text(STDERR_FILENO);
	ck_assert_ptr_nonnull(strstr(text, "before"));
	ck_assert_ptr_nonnull(strstr(text, "after"));
	ck_assert_ptr_null(strstr(text, "long"));
	ck_assert_ptr_null(strstr(text, "quotes"));
	ck_assert(formats[_i] == LOG_LOGFMT || json_is_line(text));
}

/* Every length around the bound, and after it a field that may or may not fit. */
TEST_ROWS(a_full_line_is_whole_and_within_its_bound, SUITE_COUNT(formats))
{
	char value[LOG_LINE_MAX + 1];
	struct log_line l;

	begin(LOG_INFO, formats[_i]);
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
		ck_assert(formats[_i] == LOG_LOGFMT || json_is_line(text));
	}
}

/* Levels. */

TEST_ROWS(what_is_below_the_level_is_not_written, LOG_ERROR + 1)
{
	const enum log_level chosen = (enum log_level)_i;
	size_t written = 0;

	begin(chosen, LOG_LOGFMT);
	for (int level = LOG_DEBUG; level <= LOG_ERROR; level++) {
		say((enum log_level)level, "a", "b");
		written += level >= (int)chosen;
		ck_assert_int_eq(log_wants((enum log_level)level), level >= (int)chosen);
	}
	ck_assert_uint_eq(capture_count(STDERR_FILENO, "\n"), written);
	ck_assert_uint_eq(log_dropped(), 0);
}

TEST(level_and_format_can_be_chosen_anew_and_a_line_that_was_begun_keeps_its_own)
{
	struct log_line l;

	begin(LOG_INFO, LOG_LOGFMT);
	log_begin(&l, LOG_INFO, "begun");
	log_choose(LOG_ERROR, LOG_JSON);
	log_text(&l, "key", "two words");
	log_end(&l);
	const char *line = strstr(capture_text(STDERR_FILENO), "event=begun");
	ck_assert_ptr_nonnull(line);
	ck_assert_str_eq(line, "event=begun key=\"two words\"\n");
	capture_begin(STDERR_FILENO);
	say(LOG_WARN, "a", "b");
	ck_assert_str_eq(capture_text(STDERR_FILENO), "");
	log_choose(LOG_DEBUG, LOG_JSON);
	say(LOG_DEBUG, "a", "b");
	ck_assert(json_is_line(capture_text(STDERR_FILENO)));
	ck_assert(log_wants(LOG_DEBUG));
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

static void fill_until_dropped(void)
{
	for (int sent = 0; log_dropped() == 0; sent++) {
		ck_assert_int_lt(sent, MANY);
		say(LOG_INFO, "n", "some words that take their place");
	}
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

static void check_tells_of(int reader, uint64_t dropped)
{
	char expected[64];

	snprintf(expected, sizeof expected, " event=log_dropped lines=%d\n", (int)dropped);
	say(LOG_INFO, "a", "again");
	const char *text = must_drain(reader);
	ck_assert_msg(strstr(text, " a=again\n"), "%s", text);
	ck_assert_msg(strstr(text, expected), "%s", text);
	/* Once. */
	say(LOG_INFO, "a", "again");
	ck_assert_ptr_null(strstr(must_drain(reader), "log_dropped"));
}

static bool (*const sinks[])(int fds[2]) = {
	make_pipe, make_pipe_of_another_user, make_terminal, make_socket};

TEST_ROWS(what_is_full_does_not_block_and_what_is_dropped_is_told_later, SUITE_COUNT(sinks))
{
	int fds[2];

	if (!sinks[_i](fds))
		return;
	log_to(fds[1]);
	fill_until_dropped();
	say(LOG_INFO, "a", "b");
	ck_assert_uint_eq(log_dropped(), 2);
	/* The description that others share stays blocking. */
	ck_assert_int_eq(fcntl(STDERR_FILENO, F_GETFL) & O_NONBLOCK, 0);
	if (sinks[_i] == make_terminal)
		return;
	/* Whole lines only. */
	const char *text = must_drain(fds[0]);
	ck_assert_int_eq(text[strlen(text) - 1], '\n');
	check_tells_of(fds[0], 2);
	ck_assert_uint_eq(log_dropped(), 2);
}

/* What takes no line, and kills no process either. */
static const struct {
	bool (*make)(int fds[2]);
	bool left; /* the reader leaves before log_open() */
} unread[] = {{make_pipe, false}, {make_pipe, true}, {make_socket, false}};

TEST_ROWS(lines_without_a_reader_are_counted, SUITE_COUNT(unread))
{
	int fds[2];

	/* A socket needs no SIGPIPE blocked. */
	if (unread[_i].make == make_pipe)
		signals_block();
	ck_assert(unread[_i].make(fds));
	if (unread[_i].left)
		close(fds[0]);
	log_to(fds[1]);
	if (!unread[_i].left)
		close(fds[0]);
	say(LOG_INFO, "a", "b");
	ck_assert_uint_eq(log_dropped(), 1);
}

TEST(lines_to_a_full_disk_are_counted)
{
	log_to(open("/dev/full", O_WRONLY | O_CLOEXEC));
	say(LOG_INFO, "a", "b");
	say(LOG_DEBUG, "a", "b");
	say(LOG_INFO, "a", "b");
	ck_assert_uint_eq(log_dropped(), 2);
}

TEST(lines_to_a_closed_standard_error_are_counted)
{
	close(STDERR_FILENO);
	log_open(LOG_INFO, LOG_LOGFMT);
	say(LOG_INFO, "a", "b");
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

/* The sum of the numbers after "lines": in the lines that tell of dropped ones. */
static uint64_t sum_told(const char *text)
{
	const char *const key = "\"lines\":";
	uint64_t sum = 0;

	for (const char *p = text; (p = strstr(p, key)); p++)
		sum += strtoull(p + strlen(key), NULL, 10);
	return sum;
}

static bool all_valid(const char *text, size_t *ticks)
{
	char line[LOG_LINE_MAX + 1];

	for (*ticks = 0; *text; text = strchr(text, '\n') + 1) {
		snprintf(line, sizeof line, "%.*s\n", (int)strcspn(text, "\n"), text);
		if (!json_is_line(line))
			return false;
		*ticks += strstr(line, "\"tick\"") != NULL;
	}
	return true;
}

TEST(lines_of_many_threads_are_whole_and_each_is_written_or_counted)
{
	pthread_t threads[THREADS];
	int fds[2];
	size_t ticks;

	ck_assert(make_pipe(fds));
	log_to(fds[1]);
	log_choose(LOG_INFO, LOG_JSON);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, say_many, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	const char *text = must_drain(fds[0]);
	ck_assert(all_valid(text, &ticks));
	ck_assert_uint_gt(log_dropped(), 0);
	ck_assert_uint_eq(ticks + log_dropped(), THREADS * EACH);
	uint64_t told = sum_told(text);
	say(LOG_INFO, "a", "b");
	told += sum_told(must_drain(fds[0]));
	ck_assert_uint_eq(told, log_dropped());
}
