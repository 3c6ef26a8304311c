/* SPDX-License-Identifier: ISC */
/* finding - what the check of replies comes to, and how one of them is wrong. */
#ifndef BOBBIN_LOAD_FINDING_H
#define BOBBIN_LOAD_FINDING_H

#include <stddef.h>
#include <stdint.h>

enum check {
	CHECK_MORE,    /* what was given is consumed, and right so far */
	CHECK_RIGHT,   /* one reply is complete and right: number checker.answered */
	CHECK_WRONG,   /* see the finding; nothing more can be checked on this connection */
	CHECK_REFUSED, /* the reply is an error message, in held */
};

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
	int expected;      /* that byte as it should be, and as it came; -1: none */
	int received;
	uint32_t other_connection; /* REPEATED, SWAPPED, DROPPED, FOREIGN: whose reply came */
	uint64_t other_sequence;
};

#endif
