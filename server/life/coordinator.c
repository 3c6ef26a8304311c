/* SPDX-License-Identifier: ISC */
/* coordinator - the thread that acts on what signals ask for. */
#include "coordinator.h"

#include "answer.h"
#include "reload.h"
#include "server/notify.h"
#include "server/signals.h"

#include "common/deadline.h"

#include <sysexits.h>

void coordinator_notify_ready(const struct coordinator *c)
{
	char where[512];

	notify_ready("Listening on %s",
		listener_list(
			c->handover.listeners, c->handover.acceptors->count, where, sizeof where));
}

static void take_new_settings(struct coordinator *c)
{
	notify_reloading();
	reserve_lend(&c->reserve, c->server->registry);
	bool good = reload(c->server, c->command);
	reserve_renew(&c->reserve, c->server->registry);
	if (good)
		acceptors_renew(c->handover.acceptors);
	coordinator_notify_ready(c);
}

/* Until a stop is asked for, or a successor serves.  True: until *until_ns it may be outlived. */
static bool is_succeeded(struct coordinator *c, int64_t *until_ns)
{
	while (c->requests.stops == 0) {
		switch (answer_next(&c->requests, c->server, NULL, DEADLINE_NEVER)) {
		case REQUEST_RELOAD:
			take_new_settings(c);
			break;
		case REQUEST_HAND_OVER:
			if (handover_run(
				    &c->handover, c->server, &c->requests, &c->reserve, until_ns))
				return true;
			break;
		default:
			break;
		}
	}
	return false;
}

static void stop(struct coordinator *c, bool grace)
{
	struct settings *s = current_hold(c->server->current);

	c->result = stop_run(c->server, c->handover.acceptors, s, &c->requests, grace);
	settings_release(s);
}

static void *coordinate(void *arg)
{
	struct coordinator *c = arg;
	int64_t until;

	signals_unblock_others();
	/* Where a successor accepts, no client comes in any more: there is no grace. */
	if (!is_succeeded(c, &until))
		stop(c, c->requests.signal == SIGTERM);
	else if (!handover_outlive(c->server, &c->requests, until))
		stop(c, false);
	return NULL;
}

int coordinator_start(struct coordinator *c)
{
	reserve_fill(&c->reserve);
	return -pthread_create(&c->thread, NULL, coordinate, c);
}

static bool lost_a_listener(const struct acceptors *all)
{
	for (size_t i = 0; i < all->count; i++) {
		if (atomic_load(&all->each[i].state) == ACCEPTOR_LOST)
			return true;
	}
	return false;
}

int coordinator_join(struct coordinator *c)
{
	(void)pthread_join(c->thread, NULL);
	if (c->result.cut > 0 || c->result.left > 0)
		return ANSWER_STATUS_CUT;
	return lost_a_listener(c->handover.acceptors) ? EX_OSERR : EX_OK;
}
