/* SPDX-License-Identifier: ISC */
/* refusal - why a client that was accepted is not served. */
#include "refusal.h"

#include <stddef.h>

/* A denied address learns nothing; a client that came too often learns what to do about it. */
static const struct {
	const char *name;
	const char *reply;
} rows[REFUSALS] = {
	[REFUSAL_NONE] = {"none", NULL},
	[REFUSAL_DENIED] = {"denied", NULL},
	[REFUSAL_RATE] = {"rate", "too many new connections from your address, try again later"},
	[REFUSAL_PER_ADDRESS] = {"per_address", "too many connections from your address"},
	[REFUSAL_LISTENER_FULL] = {"listener_full", "too many connections, try again later"},
	[REFUSAL_FULL] = {"full", "too many connections, try again later"},
	[REFUSAL_SHORTAGE] = {"shortage", NULL},
	[REFUSAL_STOPPING] = {"stopping", "the server is stopping"},
};

const char *refusal_name(enum refusal why)
{
	return rows[why].name;
}

const char *refusal_reply(enum refusal why)
{
	return rows[why].reply;
}
