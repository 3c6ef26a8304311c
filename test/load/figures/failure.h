/* SPDX-License-Identifier: ISC */
/*
 * failure - what can go wrong with a connection, by name: a row for each, counts, and the first
 * example of each.
 *
 * Threads:  a tally belongs to one thread; tallies are added up at the end.
 */
#ifndef BOBBIN_LOAD_FAILURE_H
#define BOBBIN_LOAD_FAILURE_H

#include "test/load/wire/finding.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum failure {
	FAILURE_REFUSED,        /* ECONNREFUSED */
	FAILURE_TIMEOUT,        /* nothing in time: our own bound, or ETIMEDOUT */
	FAILURE_RESET,          /* ECONNRESET, EPIPE */
	FAILURE_EOF,            /* the peer's end of stream between replies, with one owed */
	FAILURE_TRUNCATED,      /* the peer's end of stream within a reply */
	FAILURE_UNREACHABLE,    /* EHOSTUNREACH and its kin */
	FAILURE_NO_LOCAL_PORT,  /* EADDRNOTAVAIL at the connect */
	FAILURE_NO_DESCRIPTORS, /* EMFILE, ENFILE */
	FAILURE_BY_SERVER,      /* an "error: " reply */
	FAILURE_NOT_SENT_LATE,  /* due, and the client itself was too late to send it */
	FAILURE_NO_VACANCY,     /* due, and its connection could not take it in time */
	FAILURE_OTHER,          /* any other errno */
	FAILURE_MISMATCH,       /* this and the next VERDICTS - 1: a wrong reply, one for each enum
				   verdict */
	FAILURES = FAILURE_MISMATCH + VERDICTS,
};

/* Where in the life of a connection. */
enum phase {
	PHASE_CONNECT,
	PHASE_BANNER, /* open, and the server's first line is awaited */
	PHASE_IDLE,   /* open, nothing under way */
	PHASE_SEND,   /* a request is partly sent */
	PHASE_WAIT,   /* a reply is awaited */
	PHASE_REPLY,  /* a reply is partly received */
};

struct example {
	uint32_t connection;
	enum phase phase;
	int error;         /* the errno, or 0 */
	uint64_t sequence; /* the reply that was due */
	char detail[160];  /* more, in words, or empty */
};

struct tally { /* zeroed is empty */
	uint64_t count[FAILURES];
	struct example first[FAILURES]; /* of those with a count */
};

/* Count failure; the first of its kind is kept as the example. */
void failure_count(struct tally *t, enum failure failure, const struct example *example);

/* The same, so many times. */
void failure_count_many(
	struct tally *t, enum failure failure, uint64_t times, const struct example *example);

/* Add all of from. */
void failure_add(struct tally *t, const struct tally *from);

/* The sum of all; of the errors, which leave out that the client was late; and of the
 * mismatches. */
uint64_t failure_total(const struct tally *t);
uint64_t failure_errors(const struct tally *t);
uint64_t failure_mismatches(const struct tally *t);

/* The failure that an errno is. */
enum failure failure_from_errno(int error);

/* "no local port"; what to do about it, or "". */
const char *failure_name(enum failure failure);
const char *failure_advice(enum failure failure);
const char *failure_phase_name(enum phase phase);

/* "connection 17, waiting for reply 3: ECONNRESET (Connection reset by peer)".  Returns text. */
char *failure_format_example(const struct example *e, char *text, size_t size);

/* The finding in words, as the detail of an example. */
void failure_describe_finding(const struct finding *f, char *text, size_t size);

#endif
