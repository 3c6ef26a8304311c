/* SPDX-License-Identifier: ISC */
/* counters - what has happened since the start. */
#include "counters.h"

#include "server/log.h"

#include <stddef.h>
#include <stdio.h>

/* Those with a field of their own, in the order in which they are told. */
static const struct {
	const char *key;
	size_t offset;
} rows[] = {
	{"accepted", offsetof(struct counters, accepted)},
	{"active", offsetof(struct counters, active)},
	{"refused", offsetof(struct counters, refused)},
	{"bytes_in", offsetof(struct counters, bytes_in)},
	{"bytes_out", offsetof(struct counters, bytes_out)},
	{"messages_in", offsetof(struct counters, messages_in)},
	{"messages_out", offsetof(struct counters, messages_out)},
	{"threads_started", offsetof(struct counters, threads_started)},
	{"threads_failed", offsetof(struct counters, threads_failed)},
	{"accept_peer_errors", offsetof(struct counters, accept_peer_errors)},
	{"accept_shortages", offsetof(struct counters, accept_shortages)},
	{"reloads", offsetof(struct counters, reloads)},
	{"reloads_failed", offsetof(struct counters, reloads_failed)},
	{"handovers_failed", offsetof(struct counters, handovers_failed)},
};

void counters_add_stream(struct counters *c, enum stream_end end, struct stream_counts counts)
{
	c->ends[end]++;
	c->bytes_in += counts.bytes_in;
	c->bytes_out += counts.bytes_out;
	c->messages_in += counts.messages_in;
	c->messages_out += counts.messages_out;
}

uint64_t counters_ended(const struct counters *c)
{
	uint64_t ended = 0;

	for (size_t i = 0; i < STREAM_ENDS; i++)
		ended += c->ends[i];
	return ended;
}

void counters_log(const struct counters *c)
{
	struct log_line l;
	char key[32];

	log_begin(&l, LOG_INFO, "counters");
	log_number(&l, "ended", (int64_t)counters_ended(c));
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint64_t value = *(const uint64_t *)((const char *)c + rows[i].offset);
		log_number(&l, rows[i].key, (int64_t)value);
	}
	log_number(&l, "log_dropped", (int64_t)log_dropped());
	for (int i = STREAM_OPEN + 1; i < STREAM_ENDS; i++) {
		snprintf(key, sizeof key, "end_%s", stream_end_name((enum stream_end)i));
		log_number(&l, key, (int64_t)c->ends[i]);
	}
	for (int i = REFUSAL_NONE + 1; i < REFUSALS; i++) {
		snprintf(key, sizeof key, "refused_%s", refusal_name((enum refusal)i));
		log_number(&l, key, (int64_t)c->refusals[i]);
	}
	log_end(&l);
}
