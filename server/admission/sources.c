/* SPDX-License-Identifier: ISC */
/* sources - where clients come from, how many and how fast. */
#include "sources.h"

#include "common/deadline.h"
#include "common/lock.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define NONE    0
#define MOST    (UINT32_C(1) << 24) /* entries: in bytes, a number for 32-bit machines too */
#define ONE_NEW NS_PER_S /* a connection, in the unit of source.spent: a nanosecond brings rate */

/* Finding. */

static struct block source_of(const struct address *peer)
{
	return block_of(peer, 32, 64);
}

/* The family is not hashed: no more than one IPv4 and one IPv6 source have the same prefix. */
static uint32_t *bucket_of(const struct sources *s, const struct block *network)
{
	uint64_t hash = siphash(s->key, network->prefix, sizeof network->prefix);

	return &s->buckets[hash & s->bucket_mask];
}

static void chain(struct sources *s, uint32_t i)
{
	uint32_t *bucket = bucket_of(s, &s->entries[i].network);

	s->entries[i].chained = *bucket;
	*bucket = i;
}

static void unchain(struct sources *s, uint32_t i)
{
	uint32_t *at = bucket_of(s, &s->entries[i].network);

	while (*at != i)
		at = &s->entries[*at].chained;
	*at = s->entries[i].chained;
}

static uint32_t find(const struct sources *s, const struct block *network)
{
	uint32_t i = *bucket_of(s, network);

	while (i != NONE && !block_equal(&s->entries[i].network, network))
		i = s->entries[i].chained;
	return i;
}

/*
 * The idle entries, those without live connections, in the order in which they were last seen: a
 * ring through entry 0, whose newer is the oldest of all.  Zeroed, it is empty.
 */

static void idle_append(struct sources *s, uint32_t i)
{
	struct source *ends = &s->entries[NONE];

	s->entries[i].older = ends->older;
	s->entries[i].newer = NONE;
	s->entries[ends->older].newer = i;
	ends->older = i;
}

static void idle_remove(struct sources *s, uint32_t i)
{
	const struct source *e = &s->entries[i];

	s->entries[e->older].newer = e->newer;
	s->entries[e->newer].older = e->older;
}

/* A new entry, idle, in place of the oldest idle one if the table is full.  NONE: none is idle. */
static uint32_t add(struct sources *s, const struct block *network)
{
	uint32_t i = s->entries[NONE].newer;

	if (s->used < s->size) {
		i = ++s->used;
	} else if (i == NONE) {
		return NONE;
	} else {
		idle_remove(s, i);
		unchain(s, i);
	}
	s->entries[i] = (struct source){.network = *network};
	chain(s, i);
	idle_append(s, i);
	return i;
}

/* Memory. */

static uint32_t power_of_two_from(size_t count)
{
	uint32_t power = 1;

	while (power < count)
		power *= 2;
	return power;
}

static size_t bytes_for(size_t entries)
{
	return (entries + 1) * sizeof(struct source) +
		power_of_two_from(entries) * sizeof(uint32_t);
}

/*
 * Entries, and after them their buckets.  They are mapped, so that the kernel zeroes a page when it
 * is first touched and what is never used costs nothing; calloc(3) does not promise that.
 */
static int take_memory(struct sources *s, size_t entries)
{
	if (entries > MOST)
		return -ENOMEM;
	void *memory = mmap(NULL, bytes_for(entries), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return -ENOMEM;
	s->entries = memory;
	s->buckets = (void *)(s->entries + entries + 1);
	s->bucket_mask = power_of_two_from(entries) - 1;
	s->size = (uint32_t)entries;
	return 0;
}

void sources_init(struct sources *s, size_t entries)
{
	assert(entries > 0);
	*s = (struct sources){.used = 0};
	lock_init(&s->lock);
	/* getentropy(3) is getrandom(2) in a loop. */
	if (getentropy(s->key, sizeof s->key) < 0 || take_memory(s, entries) < 0)
		abort();
}

/* [lock] held. */
static int grow(struct sources *s, size_t entries)
{
	struct source *old = s->entries;
	size_t old_bytes = bytes_for(s->size);
	int rc = take_memory(s, entries);

	if (rc < 0)
		return rc;
	memcpy(s->entries, old, (s->used + (size_t)1) * sizeof *old);
	for (uint32_t i = 1; i <= s->used; i++)
		chain(s, i);
	munmap(old, old_bytes);
	return 0;
}

int sources_resize(struct sources *s, size_t entries)
{
	lock_take(&s->lock);
	int rc = entries > s->size ? grow(s, entries) : 0;
	lock_drop(&s->lock);
	return rc;
}

/* Judging. */

static void refill(struct source *e, int64_t rate, int64_t now_ns)
{
	int64_t gained;

	/* Each thread reads the clock before it takes the lock, so now_ns may go back a little. */
	if (now_ns <= e->refilled_ns)
		return;
	if (__builtin_mul_overflow(now_ns - e->refilled_ns, rate, &gained) || gained > e->spent)
		gained = e->spent;
	e->spent -= gained;
	e->refilled_ns = now_ns;
}

/* The entry has what its bucket lacks, not what it holds: so a zeroed one is full. */
static bool take_token(struct source *e, const struct sources_terms *terms, int64_t now_ns)
{
	int64_t capacity;

	assert(terms->burst >= 1);
	if (__builtin_mul_overflow(terms->burst, ONE_NEW, &capacity))
		capacity = INT64_MAX;
	if (e->spent > capacity)
		e->spent = capacity;
	refill(e, terms->rate, now_ns);
	if (e->spent > capacity - ONE_NEW)
		return false;
	e->spent += ONE_NEW;
	return true;
}

static enum sources_verdict judge(
	struct source *e, const struct sources_terms *terms, int64_t now_ns)
{
	if (terms->per_address > 0 && e->live >= terms->per_address)
		return SOURCES_TOO_MANY;
	if (terms->rate > 0 && !take_token(e, terms, now_ns))
		return SOURCES_TOO_FAST;
	return SOURCES_ADMITTED;
}

/* [lock] held. */
static enum sources_verdict enter(struct sources *s, const struct block *network,
	const struct sources_terms *terms, int64_t now_ns)
{
	uint32_t i = find(s, network);

	if (i == NONE)
		i = add(s, network);
	if (i == NONE)
		return SOURCES_TOO_MANY;
	struct source *e = &s->entries[i];
	enum sources_verdict verdict = judge(e, terms, now_ns);
	if (e->live == 0)
		idle_remove(s, i);
	if (verdict == SOURCES_ADMITTED)
		e->live++;
	if (e->live == 0)
		idle_append(s, i);
	return verdict;
}

enum sources_verdict sources_enter(struct sources *s, const struct address *peer,
	const struct sources_terms *terms, int64_t now_ns)
{
	struct block network = source_of(peer);

	lock_take(&s->lock);
	enum sources_verdict verdict = enter(s, &network, terms, now_ns);
	lock_drop(&s->lock);
	return verdict;
}

void sources_leave(struct sources *s, const struct address *peer)
{
	struct block network = source_of(peer);

	lock_take(&s->lock);
	uint32_t i = find(s, &network);
	/* A source with live connections keeps its entry. */
	assert(i != NONE && s->entries[i].live > 0);
	if (--s->entries[i].live == 0)
		idle_append(s, i);
	lock_drop(&s->lock);
}
