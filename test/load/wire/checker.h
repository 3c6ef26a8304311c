/* SPDX-License-Identifier: ISC */
/*
 * checker - compares what one connection receives, byte by byte, with the replies that are due, and
 * says how it is wrong.
 *
 * As long as all is right it keeps nothing but the number of the reply due and how much of it has
 * come.  At the first wrong byte it gathers the rest of that reply and looks whose it is.  A reply
 * that overtook another is not judged before the next one: if that is the overtaken one they were
 * swapped, else it was dropped.
 *
 * Threads:  a checker belongs to one connection.
 */
#ifndef BOBBIN_LOAD_CHECKER_H
#define BOBBIN_LOAD_CHECKER_H

#include "wire.h"

/* The ways for replies to be wrong. */
enum verdict {
	VERDICT_DROPPED,  /* a later request's reply came, and this one's did not */
	VERDICT_REPEATED, /* a reply that had come before */
	VERDICT_SWAPPED,  /* it came after the reply to a later request */
	VERDICT_CHANGED,  /* the right length, and other bytes */
	VERDICT_SHORT,    /* it ends too soon */
	VERDICT_LONG,     /* it goes on */
	VERDICT_EARLY,    /* bytes to which no request had been sent */
	VERDICT_FOREIGN,  /* the reply to another connection's request */
	VERDICT_BANNER,   /* what the server said first is not what it should say */
	VERDICTS,         /* how many there are */
};

struct finding {
	enum verdict verdict;
	uint64_t sequence; /* the reply that was due */
	size_t offset;     /* its first wrong byte, from the reply's beginning */
	int expected; /* that byte as it should be, and as it came; -1: there should be, or was,
			 none */
	int received;
	uint32_t other_connection; /* whose reply came instead: REPEATED, SWAPPED, DROPPED, FOREIGN
				    */
	uint64_t other_sequence;
};

enum check {
	CHECK_MORE,    /* what was given is consumed, and right so far */
	CHECK_RIGHT,   /* one reply is complete and right: number checker.answered */
	CHECK_WRONG,   /* see the finding; nothing more can be checked on this connection */
	CHECK_REFUSED, /* the reply is an error message, in held */
};

#define CHECKER_ERROR_PREFIX "error: "

struct checker {
	uint32_t connection; /* [const] */
	uint64_t due;        /* the reply that is expected next */
	uint64_t answered;   /* after CHECK_RIGHT: which reply that was */
	uint64_t gap;        /* overtaken: [gap, gap_end) are due, too; none if equal */
	uint64_t gap_end;
	size_t matched; /* bytes of the reply due that have come and were right */
	char *held;     /* the reply that is being gathered, or NULL */
	size_t held_len;
	size_t held_size;
	bool differs; /* held has a wrong byte, and is not just incomplete */
};

void checker_init(struct checker *k, uint32_t connection);
void checker_fini(struct checker *k);

/*
 * Check up to the end of one reply, moving *data and *len past what was consumed.  Requests below
 * sent have been sent: a reply to any other is early.  *f is stored with CHECK_WRONG only.  Call
 * again after CHECK_RIGHT.
 */
enum check checker_next(struct checker *k, const struct wire *w, uint64_t sent, const char **data,
	size_t *len, struct finding *f);

/* The most that a banner may have, its newline included. */
#define CHECKER_BANNER_MAX 2048

/*
 * The same for the line that the server says before all else, which must fit the pattern.
 * CHECK_RIGHT once, when it is complete.
 */
enum check checker_banner(
	struct checker *k, const char *pattern, const char **data, size_t *len, struct finding *f);

/*
 * Nothing more will come: judge what was left open.  CHECK_MORE if that is nothing, or a reply that
 * was right as far as it came.
 */
enum check checker_end(struct checker *k, const struct wire *w, uint64_t sent, struct finding *f);

/* True if part of a reply has come. */
bool checker_inside_reply(const struct checker *k);

/* The error message of CHECK_REFUSED, without framing: its length, and *text within held. */
size_t checker_error_text(const struct checker *k, const struct wire *w, const char **text);

const char *verdict_name(enum verdict verdict);

#endif
