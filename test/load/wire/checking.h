/* SPDX-License-Identifier: ISC */
/*
 * checking - compares what a connection receives, byte by byte, with the replies that are due.
 *
 * Threads:  those of the checker.
 */
#ifndef BOBBIN_LOAD_CHECKING_H
#define BOBBIN_LOAD_CHECKING_H

#include "checker.h"
#include "finding.h"

/*
 * Check up to the end of one reply, moving *data and *len past what was consumed.  Requests below
 * sent have been sent: a reply to any other is early.  *f is stored with CHECK_WRONG only.  Call
 * again after CHECK_RIGHT.
 */
enum check checking_next(struct checker *k, const struct wire *w, uint64_t sent, const char **data,
	size_t *len, struct finding *f);

/* The most that a banner may have, its newline included. */
#define CHECKING_BANNER_MAX 2048

/*
 * The same for the line that the server says before all else, which must fit the pattern.
 * CHECK_RIGHT once, when it is complete.
 */
enum check checking_banner(
	struct checker *k, const char *pattern, const char **data, size_t *len, struct finding *f);

/*
 * Nothing more will come: judge what was left open.  CHECK_MORE if that is nothing, or a reply that
 * was right as far as it came.
 */
enum check checking_end(struct checker *k, const struct wire *w, uint64_t sent, struct finding *f);

#endif
