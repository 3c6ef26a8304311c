/* SPDX-License-Identifier: ISC */
/* cases - what is measured, and what must be reached. */
#include "cases.h"

#define SMALL    64
#define MIB      (1024 * 1024)
#define KIB      1024.0
#define MS       1e6

#define THREADED (BIT(BOBBIND) | BIT(FLOOR))
#define ON_RAW   (THREADED | BIT(GO_PLAIN) | BIT(LOOP))
#define ON_LINES (THREADED | BIT(GO_PLAIN) | BIT(GO_BUFFERED))

enum {
	RAW_1,
	RAW_64,
	RAW_1000,
	RAW_10000,
	LINE_1,
	LINE_64,
	LINE_1000,
	LINE_10000,
	LINES_IN_FLIGHT,
	FRAMES_IN_FLIGHT,
	RAW_BULK,
	FRAME_BULK,
	SHORT_LIVES,
	RESTING,
	OPEN_LOOP,
	AT_ONCE,
	COUNTED,
	CLIENT_RAW_1,
	CLIENT_RAW_64,
	CLIENT_RAW_1000,
	CLIENT_LINE_1,
	CLIENT_LINE_64,
	CLIENT_LINE_1000,
	CASES,
};

/* A closed loop of small messages, one in flight. */
#define PING_PONG(text, of, count, who)                                                            \
	{                                                                                          \
		.name = (text), .service = (of), .connections = (count), .in_flight = 1,           \
		.bytes = SMALL, .threads = 1, .contestants = (who)                                 \
	}

/* The same, for two clients of one server. */
#define TWO_CLIENTS(text, of, count, server)                                                       \
	{                                                                                          \
		.name = (text), .service = (of), .connections = (count), .in_flight = 1,           \
		.bytes = SMALL, .threads = 1, .whole = true,                                       \
		.contestants = BIT(server) | BIT(server##_BARE)                                    \
	}

const struct bench_case bench_cases[] = {
	[RAW_1] = PING_PONG("raw, c=1", RAW, 1, ON_RAW | BIT(BOBBIND_SPIN)),
	[RAW_64] = PING_PONG("raw, c=64", RAW, 64, ON_RAW | BIT(BOBBIND_SPIN)),
	[RAW_1000] = PING_PONG("raw, c=1,000", RAW, 1000, ON_RAW | BIT(BOBBIND_SPIN)),
	[RAW_10000] = PING_PONG("raw, c=10,000", RAW, 10000, ON_RAW),
	[LINE_1] = PING_PONG("line, c=1", LINE, 1, ON_LINES),
	[LINE_64] = PING_PONG("line, c=64", LINE, 64, ON_LINES),
	[LINE_1000] = PING_PONG("line, c=1,000", LINE, 1000, ON_LINES),
	[LINE_10000] = PING_PONG("line, c=10,000", LINE, 10000, ON_LINES),
	[LINES_IN_FLIGHT] =
		{
			.name = "line, 64 in flight, c=16",
			.service = LINE,
			.connections = 16,
			.in_flight = 64,
			.bytes = SMALL,
			.threads = 1,
			.contestants = ON_LINES,
		},
	[FRAMES_IN_FLIGHT] =
		{
			.name = "frame, 64 in flight, c=16",
			.service = FRAME,
			.connections = 16,
			.in_flight = 64,
			.bytes = SMALL,
			.threads = 1,
			.contestants = THREADED | BIT(GO_BUFFERED),
		},
	[RAW_BULK] =
		{
			.name = "raw, 1 MiB, c=4",
			.service = RAW,
			.connections = 4,
			.in_flight = 1,
			.bytes = MIB,
			.threads = 1,
			.contestants = ON_RAW | BIT(GO_COPY) | BIT(BOBBIND_RENO),
		},
	[FRAME_BULK] =
		{
			.name = "frame, 1 MiB, c=4",
			.service = FRAME,
			.connections = 4,
			.in_flight = 1,
			.bytes = MIB,
			.threads = 1,
			.contestants = THREADED | BIT(GO_BUFFERED) | BIT(GO_COPY),
		},
	[SHORT_LIVES] =
		{
			.name = "connect, one line, close, c=64",
			.service = LINE,
			.connections = 64,
			.in_flight = 1,
			.bytes = SMALL,
			.per_connection = 1,
			.threads = 2,
			.contestants = ON_LINES | BIT(BOBBIND_QUIET) | BIT(BOBBIND_BATCH) |
				BIT(BOBBIND_DEFER),
		},
	[RESTING] =
		{
			.name = "idle connections, 2,000",
			.kind = IDLE,
			.service = LINE,
			.connections = 2000,
			.in_flight = 1,
			.bytes = SMALL,
			.threads = 1,
			.contestants = ON_LINES,
		},
	[OPEN_LOOP] =
		{
			.name = "raw, open loop, half of floor's rate, c=1,000",
			.service = RAW,
			.connections = 1000,
			.in_flight = 1,
			.bytes = SMALL,
			.threads = 1,
			.half_of = &bench_cases[RAW_1000],
			.contestants = ON_RAW,
		},
	[AT_ONCE] =
		{
			.name = "raw, 19,000 connections, all woken at once",
			.service = RAW,
			.connections = 19000,
			.in_flight = 1,
			.bytes = SMALL,
			.threads = 1,
			.at_once = true,
			.contestants = THREADED,
		},
	[COUNTED] =
		{
			.name = "system calls",
			.kind = CALLS,
			.service = LINE,
			.connections = 1,
			.in_flight = 1,
			.bytes = SMALL,
			.threads = 1,
			.contestants = BIT(BOBBIND),
		},
	/* The quicker the server, the more a client shows; but the loop knows no lines. */
	[CLIENT_RAW_1] = TWO_CLIENTS("two clients, raw, c=1", RAW, 1, LOOP),
	[CLIENT_RAW_64] = TWO_CLIENTS("two clients, raw, c=64", RAW, 64, LOOP),
	[CLIENT_RAW_1000] = TWO_CLIENTS("two clients, raw, c=1,000", RAW, 1000, LOOP),
	[CLIENT_LINE_1] = TWO_CLIENTS("two clients, line, c=1", LINE, 1, FLOOR),
	[CLIENT_LINE_64] = TWO_CLIENTS("two clients, line, c=64", LINE, 64, FLOOR),
	[CLIENT_LINE_1000] = TWO_CLIENTS("two clients, line, c=1,000", LINE, 1000, FLOOR),
};

const size_t bench_case_count = CASES;

#define AGAINST_FLOOR(of)                                                                          \
	{                                                                                          \
		"P1", "rate to floor's", &bench_cases[of], RATE, BOBBIND, FLOOR, AT_LEAST, 0.97    \
	}

/*
 * What bobbin-load costs beside a client that does nothing but count: it should be level with that,
 * and 0.97 is level within the noise of these runs.
 */
#define AGAINST_BARE(of, server)                                                                   \
	{                                                                                          \
		"LOAD", "rate to a bare client's", &bench_cases[of], RATE, server, server##_BARE,  \
			AT_LEAST, 0.97                                                             \
	}

/* Spinning that gains nothing must not cost anything either. */
#define HARMLESS(of)                                                                               \
	{                                                                                          \
		"SPIN", "rate to that without", &bench_cases[of], RATE, BOBBIND_SPIN, BOBBIND,     \
			AT_LEAST, 0.97                                                             \
	}

const struct row rows[] = {
	AGAINST_FLOOR(RAW_1),
	AGAINST_FLOOR(RAW_64),
	AGAINST_FLOOR(RAW_1000),
	AGAINST_FLOOR(RAW_10000),
	AGAINST_FLOOR(LINE_1),
	AGAINST_FLOOR(LINE_64),
	AGAINST_FLOOR(LINE_1000),
	AGAINST_FLOOR(LINE_10000),
	{"P2", "rate to Go's", &bench_cases[RAW_1], RATE, BOBBIND, GO_PLAIN, AT_LEAST, 1.1},
	{"P2", "the same, threads.spin", &bench_cases[RAW_1], RATE, BOBBIND_SPIN, GO_PLAIN,
		AT_LEAST, 2.0},
	HARMLESS(RAW_64),
	HARMLESS(RAW_1000),
	{"P3", "rate to Go's", &bench_cases[RAW_64], RATE, BOBBIND, GO_PLAIN, AT_LEAST, 0.95},
	{"P3", "p99 to Go's", &bench_cases[RAW_64], P99, BOBBIND, GO_PLAIN, AT_MOST, 1.0},
	{"P4", "rate to tutorial Go's", &bench_cases[LINES_IN_FLIGHT], RATE, BOBBIND, GO_PLAIN,
		AT_LEAST, 20},
	{"P4", "rate to buffered Go's", &bench_cases[LINES_IN_FLIGHT], RATE, BOBBIND, GO_BUFFERED,
		AT_LEAST, 1.0},
	{"P5", "rate to buffered Go's", &bench_cases[FRAMES_IN_FLIGHT], RATE, BOBBIND, GO_BUFFERED,
		AT_LEAST, 1.0},
	{"P6", "rate to io.Copy's", &bench_cases[RAW_BULK], RATE, BOBBIND, GO_COPY, AT_LEAST, 1.15},
	{"P6", "p99", &bench_cases[RAW_BULK], P99, BOBBIND, NOBODY, AT_MOST, 5 * MS},
	{"P6", "rate to io.Copy's", &bench_cases[FRAME_BULK], RATE, BOBBIND, GO_COPY, AT_LEAST,
		1.15},
	{"P6", "p99", &bench_cases[FRAME_BULK], P99, BOBBIND, NOBODY, AT_MOST, 5 * MS},
	{"P7", "rate to Go's", &bench_cases[SHORT_LIVES], RATE, BOBBIND, GO_PLAIN, AT_LEAST, 1.15},
	{"P7", "the same, for throughput", &bench_cases[SHORT_LIVES], RATE, BOBBIND_BATCH, GO_PLAIN,
		AT_LEAST, 1.5},
	{"P8", "resident a connection", &bench_cases[RESTING], RESIDENT, BOBBIND, NOBODY, AT_MOST,
		10 * KIB},
	{"P8", "with the kernel's share", &bench_cases[RESTING], MEMORY, BOBBIND, NOBODY, AT_MOST,
		42 * KIB},
	{"P9", "p50 to Go's", &bench_cases[OPEN_LOOP], P50, BOBBIND, GO_PLAIN, AT_MOST, 1.0},
	{"P9", "p50 to epoll's", &bench_cases[OPEN_LOOP], P50, BOBBIND, LOOP, AT_MOST, 1.0},
	{"P9", "p99 to Go's", &bench_cases[OPEN_LOOP], P99, BOBBIND, GO_PLAIN, AT_MOST, 1.0},
	{"P10", "rate to floor's", &bench_cases[AT_ONCE], RATE, BOBBIND, FLOOR, AT_LEAST, 1.0},
	{"P11", "calls a message", &bench_cases[COUNTED], MESSAGE_CALLS, BOBBIND, NOBODY, AT_MOST,
		2.01},
	/*
	 * accept4, recv, sendmsg, recv, getsockopt, close, and the record's write; besides, the
	 * hand-over's futex and sched_yield, which are not counted.
	 */
	{"P11", "calls a connection", &bench_cases[COUNTED], OPENING_CALLS, BOBBIND, NOBODY,
		AT_MOST, 7.2},
	{"P12", "rate to that without records", &bench_cases[SHORT_LIVES], RATE, BOBBIND,
		BOBBIND_QUIET, AT_LEAST, 0.98},
	AGAINST_BARE(CLIENT_RAW_1, LOOP),
	AGAINST_BARE(CLIENT_RAW_64, LOOP),
	AGAINST_BARE(CLIENT_RAW_1000, LOOP),
	AGAINST_BARE(CLIENT_LINE_1, FLOOR),
	AGAINST_BARE(CLIENT_LINE_64, FLOOR),
	AGAINST_BARE(CLIENT_LINE_1000, FLOOR),
};

const size_t row_count = sizeof rows / sizeof *rows;
