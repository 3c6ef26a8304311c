/* SPDX-License-Identifier: ISC */
/* log - one event, one line, one write, on standard error. */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static struct {
	_Atomic enum log_level level;   /* [atomic] */
	_Atomic enum log_format format; /* [atomic] */
	int fd;                         /* [const] after log_open() */
	bool is_socket;                 /* [const] */
	bool ask_first; /* [const] the shared description may block: poll before each write */
	atomic_uint_fast64_t dropped; /* [atomic] in all */
	atomic_uint_fast64_t told;    /* [atomic] how many of those a line has counted */
} out = {.level = LOG_INFO, .fd = STDERR_FILENO};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

static bool may_block(mode_t mode)
{
	return S_ISFIFO(mode) || S_ISCHR(mode);
}

void log_open(enum log_level level, enum log_format format)
{
	struct stat st;
	int flags = O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

	log_choose(level, format);
	if (fstat(STDERR_FILENO, &st) < 0)
		return;
	out.is_socket = S_ISSOCK(st.st_mode);
	if (!may_block(st.st_mode))
		return;
	int own = open("/proc/self/fd/2", flags);
	if (own >= 0)
		out.fd = own;
	/* Another user's terminal cannot be opened: write to the shared description instead. */
	out.ask_first = own < 0;
}

void log_choose(enum log_level level, enum log_format format)
{
	atomic_store(&out.level, level);
	atomic_store(&out.format, format);
}

bool log_wants(enum log_level level)
{
	return level >= out.level;
}

/* Building. */

/*
 * Append, or leave the line as it is.  One byte stays free for the '\n', and one for JSON's brace.
 *
 * Each connection writes a line, so lines are put together by hand.  With printf(3) and strftime(3) a
 * line took 2.2 us, its write included; by hand it takes 0.7 us.
 */
static bool append(struct log_line *l, const char *text, size_t len)
{
	if (len >= sizeof l->text - 2 - l->len)
		return false;
	memcpy(l->text + l->len, text, len);
	l->len += len;
	return true;
}

static bool append_text(struct log_line *l, const char *text)
{
	return append(l, text, strlen(text));
}

static bool append_key(struct log_line *l, const char *key)
{
	if (l->format == LOG_JSON)
		return append_text(l, ",\"") && append_text(l, key) && append_text(l, "\":");
	return append(l, " ", 1) && append_text(l, key) && append(l, "=", 1);
}

/* Write a number before end, in at least that many digits.  Returns where they begin. */
static char *write_digits(char *end, uint64_t number, int least)
{
	for (; number > 0 || least > 0; number /= 10, least--)
		*--end = (char)('0' + number % 10);
	return end;
}

/* Bare in logfmt: no space, quote, equals sign or control character, and not empty. */
static bool is_bare(const char *value)
{
	if (*value == '\0')
		return false;
	for (; *value; value++) {
		unsigned char c = (unsigned char)*value;
		if (c <= ' ' || c == 0x7f || c == '"' || c == '=' || c == '\\')
			return false;
	}
	return true;
}

/* The length of the character that begins here, or 0 if it is not UTF-8 (RFC 3629). */
static int character_length(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;
	int len = c[0] < 0x80 ? 1
		: c[0] < 0xc2 ? 0
		: c[0] < 0xe0 ? 2
		: c[0] < 0xf0 ? 3
		: c[0] < 0xf5 ? 4
			      : 0;

	/* Overlong forms, surrogates, and values above U+10FFFF. */
	if ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] > 0x9f) ||
		(c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] > 0x8f))
		return 0;
	for (int i = 1; i < len; i++) {
		if ((c[i] & 0xc0) != 0x80)
			return 0;
	}
	return len;
}

static bool append_escape(struct log_line *l, unsigned char c)
{
	char escape[8];

	snprintf(escape, sizeof escape, "\\u%04x", c);
	return append_text(l, escape);
}

/* A value may come from another process: JSON is valid whatever bytes it holds. */
static bool append_quoted(struct log_line *l, const char *value)
{
	bool fits = append(l, "\"", 1);

	while (*value && fits) {
		unsigned char c = (unsigned char)*value;
		int len = character_length(value);
		if (len == 0)
			fits = append_text(l, "\\ufffd");
		else if (c == '"' || c == '\\')
			fits = append(l, "\\", 1) && append(l, value, 1);
		else if (c < ' ' || c == 0x7f)
			fits = append_escape(l, c);
		else
			fits = append(l, value, (size_t)len);
		value += len ? len : 1;
	}
	return fits && append(l, "\"", 1);
}

/* "2026-11-21T14:37:41", written once a second. */
static const char *second_text(time_t second)
{
	static _Thread_local struct {
		time_t second;
		char text[24];
	} last;
	struct tm tm;

	if (last.second != second) {
		gmtime_r(&second, &tm);
		strftime(last.text, sizeof last.text, "%Y-%m-%dT%H:%M:%S", &tm);
		last.second = second;
	}
	return last.text;
}

void log_begin(struct log_line *l, enum log_level level, const char *event)
{
	struct timespec now;
	char fraction[] = ".000Z";

	l->len = 0;
	l->wanted = log_wants(level);
	l->format = out.format;
	if (!l->wanted)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	write_digits(fraction + 4, (uint64_t)now.tv_nsec / 1000000, 3);
	bool json = l->format == LOG_JSON;
	append_text(l, json ? "{\"time\":\"" : "time=");
	append_text(l, second_text(now.tv_sec));
	append_text(l, fraction);
	append_text(l, json ? "\",\"level\":\"" : " level=");
	append_text(l, level_names[level]);
	append_text(l, json ? "\",\"event\":\"" : " event=");
	append_text(l, event);
	append_text(l, json ? "\"" : "");
}

void log_text(struct log_line *l, const char *key, const char *value)
{
	size_t before = l->len;

	if (!l->wanted)
		return;
	bool bare = l->format == LOG_LOGFMT && is_bare(value);
	bool fits = append_key(l, key) && (bare ? append_text(l, value) : append_quoted(l, value));
	if (!fits)
		l->len = before;
}

/* Add a field whose value needs no quotes. */
static void add_bare(struct log_line *l, const char *key, const char *value, size_t len)
{
	size_t before = l->len;

	if (l->wanted && !(append_key(l, key) && append(l, value, len)))
		l->len = before;
}

void log_number(struct log_line *l, const char *key, int64_t value)
{
	char text[32];
	char *end = text + sizeof text;
	uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;
	char *start = write_digits(end, size, 1);

	if (value < 0)
		*--start = '-';
	add_bare(l, key, start, (size_t)(end - start));
}

void log_ms(struct log_line *l, const char *key, int64_t value_ns)
{
	char text[32];
	char *end = text + sizeof text;
	char *start = write_digits(end, (uint64_t)value_ns / 1000 % 1000, 3);

	*--start = '.';
	start = write_digits(start, (uint64_t)value_ns / 1000000, 1);
	add_bare(l, key, start, (size_t)(end - start));
}

void log_address(struct log_line *l, const char *key, const struct address *value)
{
	char text[ADDRESS_TEXT_MAX];

	if (l->wanted)
		log_text(l, key, address_format(value, text));
}

void log_errno(struct log_line *l, int error)
{
	const char *text = strerrordesc_np(error);

	log_text(l, "error", text ? text : "unknown error");
	if (!text)
		log_number(l, "errno", error);
}

/* Writing. */

static bool would_block(void)
{
	struct pollfd p = {.fd = out.fd, .events = POLLOUT};

	return out.ask_first && poll(&p, 1, 0) != 1;
}

static bool write_whole(const char *text, size_t len)
{
	if (would_block())
		return false;
	ssize_t n = out.is_socket ? send(out.fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL)
				  : write(out.fd, text, len);

	return n == (ssize_t)len;
}

static bool write_line(struct log_line *l)
{
	if (l->format == LOG_JSON)
		l->text[l->len++] = '}';
	l->text[l->len++] = '\n';
	return write_whole(l->text, l->len);
}

/* After a line got through, tell once how many before it did not. */
static void tell_dropped(struct log_line *l)
{
	uint64_t told = atomic_load(&out.told);
	uint64_t dropped = atomic_load(&out.dropped);

	if (dropped == told || !atomic_compare_exchange_strong(&out.told, &told, dropped))
		return;
	log_begin(l, LOG_ERROR, "log_dropped");
	log_number(l, "lines", (int64_t)(dropped - told));
	if (!write_line(l))
		atomic_fetch_sub(&out.told, dropped - told);
}

void log_end(struct log_line *l)
{
	if (!l->wanted)
		return;
	if (write_line(l))
		tell_dropped(l);
	else
		atomic_fetch_add(&out.dropped, 1);
}

uint64_t log_dropped(void)
{
	return atomic_load(&out.dropped);
}
