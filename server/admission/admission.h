/* SPDX-License-Identifier: ISC */
/*
 * admission - who may come in, decided in the accepting thread before a thread is spent; and how one
 * who may not is turned away.
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
		int64_t quiet_until_ns; /* [lock] each reason is told once a second */
		int64_t untold;         /* [lock] those since the last one that was */
	} notices[REFUSALS];
};

void admission_init(struct admission *a, const struct settings *s);

/* Make room for what new settings ask.  Returns 0, or -ENOMEM with all as it was. */
int admission_resize(struct admission *a, const struct settings *s);

/*
 * May this client come in, as far as its address says?  candidate->counted is set.  REFUSAL_NONE: yes,
 * and admission_leave() is due.  Otherwise it is the reason.
 */
enum refusal admission_judge(struct admission *a, struct candidate *candidate, int64_t now_ns);

/* One who was let in is gone, or got no place after all. */
void admission_leave(struct admission *a, const struct candidate *candidate);

/*
 * Turn one away: say why in the listener's framing and let the socket rest (refused.h), or reset it.
 * Told once a second for each reason, and not counted.  Takes the socket; never waits.
 */
void admission_refuse(struct admission *a, struct refused *refused,
	const struct candidate *candidate, enum refusal why, int64_t now_ns);

#endif
