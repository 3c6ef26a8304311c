/* SPDX-License-Identifier: ISC */
/*
 * sources - where clients come from: how many connections of each source are live, and how fast it
 * may open new ones.
 *
 * A source is an IPv4 address, or the first 64 bits of an IPv6 address: one host can use all
 * addresses of such a block, so that a limit on each of them would be none.
 *
 * The table has a fixed number of entries.  One with live connections stays.  Of the others the
 * least recently seen makes room for a new source, and what it had spent is then forgotten.  Every
 * call takes the same time however many sources there are, because no client knows the key of the
 * hash that chooses the bucket.
 *
 * Threads:  any, after sources_init().
 * Lifetime: as long as the process, like the registry.
 */
#ifndef BOBBIN_SERVER_ADMISSION_SOURCES_H
#define BOBBIN_SERVER_ADMISSION_SOURCES_H

#include "common/block.h"
#include "common/siphash.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

/* What a source may do; 0 is no limit. */
struct sources_terms {
	int64_t per_address; /* live connections */
	int64_t rate;        /* new connections a second, in the long run */
	int64_t burst;       /* how many of them may come at once, from 1; only with a rate */
};

enum sources_verdict {
	SOURCES_ADMITTED,
	SOURCES_TOO_MANY, /* per_address are live */
	SOURCES_TOO_FAST, /* for rate and burst */
};

/* One entry.  Entries refer to each other by index; 0 is none. */
struct source {
	struct block network;
	uint32_t live;       /* connections */
	uint32_t chained;    /* the next in the same bucket */
	uint32_t older;      /* among idle entries, the one last seen before it */
	uint32_t newer;      /* and the one last seen after it */
	int64_t spent;       /* what the token bucket lacks, in billionths of a connection */
	int64_t refilled_ns; /* when that was so */
};

struct sources { /* fields belong to sources.c */
	pthread_mutex_t lock;
	unsigned char key[SIPHASH_KEY_BYTES]; /* [const] */
	struct source *entries; /* [lock] from 1 on; 0 is the ends of the ring of older and newer */
	uint32_t *buckets;      /* [lock] each the first of its chain */
	uint32_t bucket_mask;   /* [lock] how many buckets, a power of two, less 1 */
	uint32_t size;          /* [lock] how many entries */
	uint32_t used;          /* [lock] entries after this one were never used */
};

/*
 * A table of so many entries, 1 or more.  With twice as many as connections can be live, half
 * remember sources that have left.  Ends the process if there is no memory, or no random key.
 */
void sources_init(struct sources *s, size_t entries);

/*
 * Grow to so many entries and keep those in use; a table that has as many stays as it is.  Returns
 * 0, or -ENOMEM (always, above 16 million) with nothing changed.  Other calls wait while entries
 * are moved: 0.3 s for a million.
 */
int sources_resize(struct sources *s, size_t entries);

/*
 * May this peer have a new connection at now_ns (deadline_now())?  If admitted, it counts as live,
 * and the caller owes one sources_leave(); else nothing is counted.  What a source spent beyond a
 * new, smaller burst is forgiven.
 *
 * When every entry has live connections, a new source is SOURCES_TOO_MANY, whatever the terms.
 */
enum sources_verdict sources_enter(struct sources *s, const struct address *peer,
	const struct sources_terms *terms, int64_t now_ns);

/* A connection that was admitted from this peer has ended. */
void sources_leave(struct sources *s, const struct address *peer);

#endif
