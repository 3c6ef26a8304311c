/* SPDX-License-Identifier: ISC */
/* settings - what was chosen for a run.  Constant once the options have been read. */
#ifndef BOBBIN_LOAD_SETTINGS_H
#define BOBBIN_LOAD_SETTINGS_H

#include "endpoint.h"
#include "test/load/figures/expression.h"
#include "test/load/text/rate.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct size_range {
	int64_t min_bytes;
	int64_t max_bytes;
};

struct settings {
	struct endpoint endpoint;
	uint64_t connections;
	uint64_t threads;
	uint64_t in_flight;      /* messages on a connection that may wait for their replies */
	uint64_t messages;       /* in all; 0: no bound */
	uint64_t per_connection; /* messages, then a new connection; 0: no bound */
	int64_t duration_ns;     /* from the end of the ramp; 0: no bound */
	int64_t ramp_ns;
	int64_t timeout_ns;
	struct rate rate;         /* of messages in all; none: closed loop */
	struct rate connect_rate; /* of connections in all; none: no bound */
	struct size_range size;
	const char *prefix;
	bool prefix_any;
	const char *banner; /* a pattern of what the server says first, or NULL */
	bool close_by_reset;
	struct sources sources;
	uint64_t seed;
	bool seed_given;
	const char *json_path; /* or NULL */
	bool quiet;            /* no progress is drawn */
	struct bounds bounds;
};

#endif
