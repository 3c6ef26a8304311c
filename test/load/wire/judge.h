/* SPDX-License-Identifier: ISC */
/*
 * judge - says how a reply is wrong, and whose it is.
 *
 * Threads:  those of the checker.
 */
#ifndef BOBBIN_LOAD_JUDGE_H
#define BOBBIN_LOAD_JUDGE_H

#include "checker.h"
#include "finding.h"

/* Judge the held reply.  CHECK_RIGHT if it is right, and overtook the one due. */
enum check judge_held(struct checker *k, const struct wire *w, uint64_t sent, struct finding *f);

/* The overtaken reply has not come, and will not. */
enum check judge_dropped(const struct checker *k, struct finding *f);

/* True if the held reply is, to the last byte, the one to this request. */
bool judge_is_reply_to(
	const struct checker *k, const struct wire *w, uint32_t connection, uint64_t sequence);

#endif
