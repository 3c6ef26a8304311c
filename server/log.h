/* SPDX-License-Identifier: ISC */
/*
 * log - one event, one line, one write, on standard error.
 *
 * A line is built from fields and written whole.  Writing never blocks: a line that a pipe, terminal
 * or socket does not take at once, or that a disk has no room for, is dropped and counted.  When
 * lines get through again, one of them tells the count.
 *
 * Threads:  log_open() first, by one thread; the rest by any.
 */
#ifndef BOBBIN_SERVER_LOG_H
#define BOBBIN_SERVER_LOG_H

#include "common/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order of the words of the option log.level. */
enum log_level {
	LOG_DEBUG,
	LOG_INFO,
	LOG_WARN,
	LOG_ERROR,
};

/* In the order of the words of the option log.format. */
enum log_format {
	LOG_LOGFMT, /* key=value, quoted where needed */
	LOG_JSON,   /* an object a line */
};

/*
 * The longest line, its end included: less than PIPE_BUF, so that a pipe takes it whole or not at all.
 */
#define LOG_LINE_MAX 2048

struct log_line { /* fields belong to log.c */
	bool wanted;
	enum log_format format; /* in which it was begun */
	size_t len;
	char text[LOG_LINE_MAX];
};

/*
 * Choose level and format, and make writing non-blocking.  A pipe or a terminal is opened anew: on the
 * shared description O_NONBLOCK would hold for the shell and every other process that has it too.
 */
void log_open(enum log_level level, enum log_format format);

/* Choose level and format anew, at any time. */
void log_choose(enum log_level level, enum log_format format);

/* True if lines of this level are written. */
bool log_wants(enum log_level level);

/* Begin a line: time, level and event.  If the level is not wanted, the calls below do nothing. */
void log_begin(struct log_line *l, enum log_level level, const char *event);

/* Add a field.  One that does not fit is left out. */
void log_text(struct log_line *l, const char *key, const char *value);
void log_number(struct log_line *l, const char *key, int64_t value);
void log_address(struct log_line *l, const char *key, const struct address *value);

/* A duration in ms with three decimals; the key says the unit ("duration_ms"). */
void log_ms(struct log_line *l, const char *key, int64_t value_ns);

/* An errno: error=, with its text. */
void log_errno(struct log_line *l, int error);

/* Write the line. */
void log_end(struct log_line *l);

/* How many lines have been dropped so far. */
uint64_t log_dropped(void);

#endif
