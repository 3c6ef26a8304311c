/* SPDX-License-Identifier: ISC */
/* answer - what is done about a request at once. */
#include "answer.h"

#include "server/log.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void log_signal(enum log_level level, const char *event, int signal, const char *effect)
{
	struct log_line l;
	char name[16];

	snprintf(name, sizeof name, "SIG%s", sigabbrev_np(signal));
	log_begin(&l, level, event);
	log_text(&l, "signal", name);
	log_text(&l, "effect", effect);
	log_end(&l);
}

static void report(const struct server *server)
{
	struct counts counts = registry_counts(server->registry);

	counters_complete(server->counters, &counts);
	counters_log(&counts);
}

static void tell_stop(const struct requests *r)
{
	if (r->stops > 2)
		_exit(ANSWER_STATUS_CUT);
	log_signal(LOG_INFO, "stop", r->signal,
		requests_stop_at_once(r) ? "cutting what is left" : "draining");
}

static void refuse_change(const struct requests *r, const char *obstacle)
{
	if (r->stops > 0)
		obstacle = "not during a stop";
	if (obstacle)
		log_signal(LOG_WARN, "signal_ignored", r->signal, obstacle);
}

enum request answer_next(
	struct requests *r, const struct server *server, const char *obstacle, int64_t deadline_ns)
{
	enum request request = requests_take(r, deadline_ns);

	switch (request) {
	case REQUEST_NONE:
		break;
	case REQUEST_REPORT:
		report(server);
		break;
	case REQUEST_RELOAD:
	case REQUEST_HAND_OVER:
		refuse_change(r, obstacle);
		break;
	case REQUEST_STOP:
		tell_stop(r);
		break;
	}
	return request;
}

void answer_all(struct requests *r, const struct server *server, const char *obstacle)
{
	while (answer_next(r, server, obstacle, 0) != REQUEST_NONE)
		continue;
}
