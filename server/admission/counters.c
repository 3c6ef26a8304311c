/* SPDX-License-Identifier: ISC */
/* counters - what has happened since the start: a row for each number that is told. */
#include "counters.h"

#include "server/log.h"

#include <assert.h>
#include <stdio.h>

static const struct {
	const char *name;
	const char *help;
} rows[COUNTER_FIRST_END] = {
	[COUNTER_ENDED] = {"ended", "connections served to their end"},
	[COUNTER_ACCEPTED] = {"accepted", "connections accepted"},
	[COUNTER_ACTIVE] = {"active", "connections being served now"},
	[COUNTER_REFUSED] = {"refused", "connections accepted, and closed without being served"},
	[COUNTER_BYTES_IN] = {"bytes_in", "bytes received, by live and ended connections"},
	[COUNTER_BYTES_OUT] = {"bytes_out", "bytes sent, by live and ended connections"},
	[COUNTER_MESSAGES_IN] = {"messages_in", "messages received, by live and ended connections"},
	[COUNTER_MESSAGES_OUT] = {"messages_out", "replies sent, by live and ended connections"},
	[COUNTER_THREADS_STARTED] = {"threads_started", "worker threads started"},
	[COUNTER_THREADS_FAILED] = {"threads_failed", "worker threads that could not be started"},
	[COUNTER_ACCEPT_PEER_ERRORS] = {"accept_peer_errors",
		"accept(2) told of a connection that had failed before"},
	[COUNTER_ACCEPT_SHORTAGES] = {"accept_shortages",
		"descriptors, memory or threads were short"},
	[COUNTER_RELOADS] = {"reloads", "other settings took effect"},
	[COUNTER_RELOADS_FAILED] = {"reloads_failed", "other settings did not take effect"},
	[COUNTER_HANDOVERS_FAILED] = {"handovers_failed", "no successor took over"},
	[COUNTER_LOG_DROPPED] = {"log_dropped", "lines that the log could not write"},
};

enum counter counter_of_end(enum stream_end end)
{
	assert(end > STREAM_OPEN && end < STREAM_ENDS);
	return COUNTER_FIRST_END + (enum counter)end - 1;
}

enum counter counter_of_refusal(enum refusal why)
{
	assert(why > REFUSAL_NONE && why < REFUSALS);
	return COUNTER_FIRST_REFUSAL + (enum counter)why - 1;
}

char *counter_name(enum counter row, char text[COUNTER_NAME_MAX])
{
	if (row < COUNTER_FIRST_END)
		snprintf(text, COUNTER_NAME_MAX, "%s", rows[row].name);
	else if (row < COUNTER_FIRST_REFUSAL)
		snprintf(text, COUNTER_NAME_MAX, "end_%s",
			stream_end_name((enum stream_end)(row - COUNTER_FIRST_END + 1)));
	else
		snprintf(text, COUNTER_NAME_MAX, "refused_%s",
			refusal_name((enum refusal)(row - COUNTER_FIRST_REFUSAL + 1)));
	return text;
}

const char *counter_help(enum counter row)
{
	if (row < COUNTER_FIRST_END)
		return rows[row].help;
	return row < COUNTER_FIRST_REFUSAL ? "connections that ended for this reason"
					   : "connections that were refused for this reason";
}

void counters_add(struct counters *c, enum counter row, uint64_t n)
{
	assert(row >= COUNTER_THREADS_STARTED && row < COUNTER_LOG_DROPPED);
	atomic_fetch_add_explicit(&c->cells[row], n, memory_order_relaxed);
}

void counters_complete(const struct counters *c, struct counts *counts)
{
	for (int row = COUNTER_THREADS_STARTED; row < COUNTER_LOG_DROPPED; row++)
		counts->of[row] = atomic_load_explicit(&c->cells[row], memory_order_relaxed);
	counts->of[COUNTER_LOG_DROPPED] = log_dropped();
}

void counters_log(const struct counts *counts)
{
	struct log_line l;
	char name[COUNTER_NAME_MAX];

	log_begin(&l, LOG_INFO, "counters");
	for (int row = 0; row < COUNTERS; row++)
		log_number(&l, counter_name((enum counter)row, name), (int64_t)counts->of[row]);
	log_end(&l);
}
