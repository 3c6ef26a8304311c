/* SPDX-License-Identifier: ISC */
/* admission - admits or refuses a client. */
#include "admission.h"

#include "common/block.h"
#include "common/deadline.h"
#include "common/lock.h"
#include "common/socket.h"
#include "common/stream.h"
#include "server/log.h"

#include <sys/socket.h>
#include <unistd.h>

/* One for each live connection, and as many again for sources remembered for their rate. */
static size_t entries_for(const struct settings *s)
{
	return 2 * (size_t)s->max_connections;
}

void admission_init(struct admission *a, const struct settings *s)
{
	*a = (struct admission){.notices = {{0}}};
	lock_init(&a->lock);
	sources_init(&a->sources, entries_for(s));
}

int admission_resize(struct admission *a, const struct settings *s)
{
	return sources_resize(&a->sources, entries_for(s));
}

/* Judging. */

static bool is_denied(const struct endpoint *e, const struct address *peer)
{
	if (block_list_has(e->denied, peer))
		return true;
	return e->allowed->count > 0 && !block_list_has(e->allowed, peer);
}

static const enum refusal refusals[] = {
	[SOURCES_ADMITTED] = REFUSAL_NONE,
	[SOURCES_TOO_MANY] = REFUSAL_PER_ADDRESS,
	[SOURCES_TOO_FAST] = REFUSAL_RATE,
};

enum refusal admission_judge(struct admission *a, struct candidate *candidate, int64_t now_ns)
{
	const struct settings *s = candidate->endpoint->settings;
	const struct sources_terms terms = {
		.per_address = s->per_address,
		.rate = s->rate,
		.burst = s->burst,
	};

	candidate->counted = false;
	if (is_denied(candidate->endpoint, &candidate->peer))
		return REFUSAL_DENIED;
	/* Without such limits no connection pays for the table's lock. */
	if (terms.per_address == 0 && terms.rate == 0)
		return REFUSAL_NONE;
	enum refusal why = refusals[sources_enter(&a->sources, &candidate->peer, &terms, now_ns)];
	candidate->counted = why == REFUSAL_NONE;
	return why;
}

void admission_leave(struct admission *a, const struct candidate *candidate)
{
	if (candidate->counted)
		sources_leave(&a->sources, &candidate->peer);
}

/* Refusing. */

/* Each reason once a second, with the number of refusals in between. */
static void tell_refused(
	struct admission *a, const struct candidate *candidate, enum refusal why, int64_t now_ns)
{
	struct log_line l;

	lock_take(&a->lock);
	bool quiet = now_ns < a->notices[why].quiet_until_ns;
	int64_t untold = a->notices[why].untold;
	a->notices[why].untold = quiet ? untold + 1 : 0;
	if (!quiet)
		a->notices[why].quiet_until_ns = deadline_from(now_ns, NS_PER_S);
	lock_drop(&a->lock);
	if (quiet)
		return;
	log_begin(&l, LOG_WARN, "refused");
	log_text(&l, "reason", refusal_name(why));
	log_text(&l, "listener", candidate->endpoint->name);
	log_address(&l, "peer", &candidate->peer);
	log_number(&l, "untold_before", untold);
	log_end(&l);
}

/* It is sent whole: a new connection's send buffer has room for it. */
static void send_reason(const struct candidate *candidate, const char *text)
{
	char reply[FRAMING_ERROR_MAX];
	size_t len = framing_compose_error(candidate->endpoint->terms.framing, text, reply);

	(void)send(candidate->fd, reply, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	(void)shutdown(candidate->fd, SHUT_WR);
}

void admission_refuse(struct admission *a, struct refused *refused,
	const struct candidate *candidate, enum refusal why, int64_t now_ns)
{
	const char *text = refusal_reply(why);

	tell_refused(a, candidate, why, now_ns);
	if (text) {
		send_reason(candidate, text);
		refused_put(refused, candidate->fd, now_ns);
	} else {
		socket_reset_on_close(candidate->fd);
		close(candidate->fd);
	}
}
