/* SPDX-License-Identifier: ISC */
/*
 * tally - a count that one thread adds to and any thread may read.
 *
 * There is no atomic addition, which would lock the bus: only one thread writes.
 */
#ifndef BOBBIN_COMMON_TALLY_H
#define BOBBIN_COMMON_TALLY_H

#include <stdatomic.h>
#include <stdint.h>

static inline uint64_t tally_read(const _Atomic uint64_t *tally)
{
	return atomic_load_explicit(tally, memory_order_relaxed);
}

static inline void tally_set(_Atomic uint64_t *tally, uint64_t value)
{
	atomic_store_explicit(tally, value, memory_order_relaxed);
}

static inline void tally_add(_Atomic uint64_t *tally, uint64_t more)
{
	tally_set(tally, tally_read(tally) + more);
}

#endif
