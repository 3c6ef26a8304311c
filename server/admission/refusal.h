/* SPDX-License-Identifier: ISC */
/*
 * refusal - why a client that was accepted is not served, as a word and as a reply.
 *
 * Threads:  any.
 */
#ifndef BOBBIN_SERVER_ADMISSION_REFUSAL_H
#define BOBBIN_SERVER_ADMISSION_REFUSAL_H

enum refusal {
	REFUSAL_NONE,
	REFUSAL_DENIED,        /* limits.allow, limits.deny */
	REFUSAL_RATE,          /* limits.rate */
	REFUSAL_PER_ADDRESS,   /* limits.per_address */
	REFUSAL_LISTENER_FULL, /* the listener's max_connections */
	REFUSAL_FULL,          /* limits.max_connections */
	REFUSAL_SHORTAGE,      /* no thread, or no memory for a slot */
	REFUSAL_STOPPING,      /* no slot was free before the end of the drain */
	REFUSALS,              /* how many there are */
};

/* The word for logs and counters: "per_address". */
const char *refusal_name(enum refusal why);

/* What the client is sent after "error: ".  NULL: it gets RST instead. */
const char *refusal_reply(enum refusal why);

#endif
