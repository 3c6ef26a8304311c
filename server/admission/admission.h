/* SPDX-License-Identifier: ISC */
/*
 * admission - admits or refuses a client in the accepting thread, before a thread is spent on it.
 *
 * Threads:  any, after admission_init(); a struct refused belongs to its accepting thread.
 */
#ifndef BOBBIN_SERVER_ADMISSION_ADMISSION_H
#define BOBBIN_SERVER_ADMISSION_ADMISSION_H

#include "candidate.h"
#include "refusal.h"
#include "refused.h"
#include "server/settings/settings.h"
#include "sources.h"

#include <pthread.h>
#include <stdint.h>

struct admission {              /* fields belong to admission.c */
	struct sources sources; /* has a lock of its own */
	pthread_mutex_t lock;
	struct {
		int64_t quiet_until_ns; /* [lock] each reason is logged once a second */
		int64_t untold;         /* [lock] refusals since the last one that was */
	} notices[REFUSALS];
};

void admission_init(struct admission *a, const struct settings *s);

/* Make room for what new settings ask.  Returns 0, or -ENOMEM with all as it was. */
int admission_resize(struct admission *a, const struct settings *s);

/*
 * May a client with this address come in?  Sets candidate->counted.  REFUSAL_NONE: yes, and the
 * caller owes one admission_leave().  Otherwise the reason why not.
 */
enum refusal admission_judge(struct admission *a, struct candidate *candidate, int64_t now_ns);

/* An admitted client is gone, or got no slot. */
void admission_leave(struct admission *a, const struct candidate *candidate);

/*
 * Refuse a client: send it the reason in the listener's framing and let the socket rest
 * (refused.h), or reset it.  Logged once a second for each reason; counted by the caller.  Takes
 * the socket; never waits.
 */
void admission_refuse(struct admission *a, struct refused *refused,
	const struct candidate *candidate, enum refusal why, int64_t now_ns);

#endif
