/* SPDX-License-Identifier: ISC */
/*
 * server - the ledger's loop: accepts, reads messages, answers them as it is told to, and records.
 *
 * A peer has no thread: a delayed reply waits in a queue.
 */
#ifndef BOBBIN_LOAD_SYSTEM_SERVER_H
#define BOBBIN_LOAD_SYSTEM_SERVER_H

#include "answers.h"
#include "framing.h"
#include "record.h"

#include <stdbool.h>
#include <stdint.h>

struct server_settings { /* zeroed: answer rightly, at once, for ever */
	enum framing framing;
	enum answers mode;
	int64_t delay_ns;      /* from a message to its reply */
	int64_t idle_ns;       /* end connections politely that are idle for so long */
	int64_t hang_time_ns;  /* so long after the first message nothing is answered any more */
	uint64_t hang_after;   /* so many messages of all are answered, and none after them */
	uint64_t end_after;    /* end a connection politely with its reply of this number */
	uint64_t unanswered;   /* every so manyth message of all is not answered */
	uint64_t read_at_most; /* messages of all; then nothing is read any more */
	uint64_t backlog;      /* for listen(2) */
	uint64_t speak_every;  /* messages, see server_run() */
	const char *banner;    /* a line that is said first */
	bool accepts_nothing;
};

/*
 * Listen on a free port of 127.0.0.1 and print "listening PORT"; serve until SIGTERM has come and
 * all connections have ended.  For tests that must know how far things are it prints "accepted
 * COUNT ADDRESS" for each connection and "received COUNT" for every speak_everyth message, of the
 * first 400 each, so that a test need not read them.
 */
void server_run(const struct server_settings *settings, struct record *record);

/* The end of a program that cannot go on: says why, as perror(3) does. */
void must(bool ok, const char *what);

#endif
