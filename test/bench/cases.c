/* SPDX-License-Identifier: ISC */
/* cases - what is compared, and what must be reached. */
#include "cases.h"

#define MIB  (1024 * 1024)
#define KIB  1024.0
#define MS   1e6

#define BOTH true  /* the row is in a quick look, too */
#define SLOW false /* it is not */

/* What a change may cost. */
#define NOT_WORSE 0.98

/* Columns: connections, messages in flight, bytes, messages a connection, threads of the client. */
static const struct bench_case
	raw_1 = {"raw c=1", CLOSED_LOOP, RAW, 1, 1, 64, 0, 1},
	raw_8 = {"raw c=8", CLOSED_LOOP, RAW, 8, 1, 64, 0, 1},
	raw_64 = {"raw c=64", CLOSED_LOOP, RAW, 64, 1, 64, 0, 1},
	raw_1000 = {"raw c=1,000", CLOSED_LOOP, RAW, 1000, 1, 64, 0, 1},
	raw_10000 = {"raw c=10,000", CLOSED_LOOP, RAW, 10000, 1, 64, 0, 1},
	line_1 = {"line c=1", CLOSED_LOOP, LINE, 1, 1, 64, 0, 1},
	line_64 = {"line c=64", CLOSED_LOOP, LINE, 64, 1, 64, 0, 1},
	line_1000 = {"line c=1,000", CLOSED_LOOP, LINE, 1000, 1, 64, 0, 1},
	line_10000 = {"line c=10,000", CLOSED_LOOP, LINE, 10000, 1, 64, 0, 1},
	lines = {"line, 64 in flight, c=16", CLOSED_LOOP, LINE, 16, 64, 64, 0, 1},
	frames = {"frame, 64 in flight, c=16", CLOSED_LOOP, FRAME, 16, 64, 64, 0, 1},
	raw_bulk = {"raw 1 MiB c=4", CLOSED_LOOP, RAW, 4, 1, MIB, 0, 1},
	frame_bulk = {"frame 1 MiB c=4", CLOSED_LOOP, FRAME, 4, 1, MIB, 0, 1},
	short_lives = {"connect, one line, close, c=64", CLOSED_LOOP, LINE, 64, 1, 64, 1, 2},
	idle = {"2,000 idle connections", RESTING, LINE, 2000, 1, 64, 0, 1},
	half_rate = {"raw at half of floor's rate, c=1,000", OPEN_LOOP, RAW, 1000, 1, 64, 0, 1},
	waking = {"raw, 19,000 connections woken at once", AT_ONCE, RAW, 19000, 1, 64, 0, 1};

/* Rows of one case stand together, those of a quick look first. */
const struct row rows[] = {
	/* What limits, deadlines, counters and records cost; and one message at a time, beside Go. */
	{&raw_1, RATE, BOBBIND, FLOOR, AT_LEAST, 0.97, BOTH},
	{&raw_1, RATE, BOBBIND, GO_PLAIN, AT_LEAST, 1.4, SLOW},
	{&raw_1, RATE, SPIN, GO_PLAIN, AT_LEAST, 2.0, SLOW},
	{&raw_8, RATE, BOBBIND, GO_PLAIN, AT_LEAST, 1.05, BOTH},
	{&raw_8, P99, BOBBIND, GO_PLAIN, AT_MOST, 1.0, BOTH},
	{&raw_8, RATE, THROUGHPUT, GO_PLAIN, AT_LEAST, 1.2, BOTH},
	{&raw_64, RATE, BOBBIND, FLOOR, AT_LEAST, 0.97, BOTH},
	{&raw_64, RATE, BOBBIND, GO_PLAIN, AT_LEAST, 1.0, BOTH},
	{&raw_64, P99, BOBBIND, GO_PLAIN, AT_MOST, 1.0, BOTH},
	{&raw_64, RATE, THROUGHPUT, GO_PLAIN, AT_LEAST, 1.15, BOTH},
	{&raw_1000, RATE, BOBBIND, GO_PLAIN, AT_LEAST, 0.8, BOTH},
	{&raw_1000, P99, BOBBIND, GO_PLAIN, AT_MOST, 1.0, BOTH},
	{&raw_1000, RATE, THROUGHPUT, GO_PLAIN, AT_LEAST, 0.9, BOTH},
	{&raw_1000, RATE, BOBBIND, FLOOR, AT_LEAST, 0.97, SLOW},
	{&raw_10000, RATE, BOBBIND, FLOOR, AT_LEAST, 0.97, SLOW},
	{&line_1, RATE, BOBBIND, FLOOR, AT_LEAST, 0.97, BOTH},
	{&line_64, RATE, BOBBIND, FLOOR, AT_LEAST, 0.97, BOTH},
	{&line_1000, RATE, BOBBIND, FLOOR, AT_LEAST, 0.97, SLOW},
	{&line_10000, RATE, BOBBIND, FLOOR, AT_LEAST, 0.97, SLOW},

	/* Many messages in flight: one send for all that have come. */
	{&lines, RATE, BOBBIND, GO_PLAIN, AT_LEAST, 14, BOTH},
	{&lines, RATE, BOBBIND, GO_BUFFERED, AT_LEAST, 1.1, BOTH},
	{&lines, RATE, THROUGHPUT, GO_BUFFERED, AT_LEAST, 1.4, BOTH},
	{&frames, RATE, BOBBIND, GO_BUFFERED, AT_LEAST, 1.0, SLOW},

	{&raw_bulk, RATE, BOBBIND, GO_COPY, AT_LEAST, 1.2, BOTH},
	{&raw_bulk, P99, BOBBIND, NONE, AT_MOST, 5 * MS, BOTH},
	{&frame_bulk, RATE, BOBBIND, GO_COPY, AT_LEAST, 1.2, BOTH},
	{&frame_bulk, P99, BOBBIND, NONE, AT_MOST, 5 * MS, BOTH},

	/* A connection a message, and what its record costs. */
	{&short_lives, RATE, BOBBIND, GO_PLAIN, AT_LEAST, 1.3, BOTH},
	{&short_lives, RATE, BOBBIND, QUIET, AT_LEAST, 0.98, SLOW},

	{&idle, RESIDENT, BOBBIND, NONE, AT_MOST, 10 * KIB, SLOW},
	{&idle, MEMORY, BOBBIND, NONE, AT_MOST, 42 * KIB, SLOW},

	/* At a load that is not too much for the machine. */
	{&half_rate, P50, BOBBIND, GO_PLAIN, AT_MOST, 1.0, SLOW},
	{&half_rate, P50, BOBBIND, LOOP, AT_MOST, 1.0, SLOW},
	{&half_rate, P99, BOBBIND, GO_PLAIN, AT_MOST, 1.0, SLOW},

	{&waking, RATE, BOBBIND, FLOOR, AT_LEAST, 1.0, SLOW},
};

const size_t row_count = sizeof rows / sizeof *rows;

_Static_assert(sizeof rows / sizeof *rows <= ROWS_MAX, "ROWS_MAX has room for all");

static bool is_in(const struct row *pairs, size_t count, const struct row *row)
{
	for (size_t i = 0; i < count; i++) {
		if (pairs[i].of == row->of && pairs[i].metric == row->metric)
			return true;
	}
	return false;
}

size_t cases_pairs(struct row pairs[ROWS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < row_count; i++) {
		if (rows[i].subject != BOBBIND || is_in(pairs, count, &rows[i]))
			continue;
		pairs[count] = rows[i];
		pairs[count].against = OLD;
		pairs[count].bound = rows[i].sense == AT_LEAST ? NOT_WORSE : 1 / NOT_WORSE;
		count++;
	}
	return count;
}
