/* SPDX-License-Identifier: ISC */
/*
 * rate - how many in what time, exactly: "20000", "0.5/s", "30/min", "20k/s".
 *
 * A rate is a fraction of whole numbers, so that the millionth event comes when it should and not
 * where a million roundings have carried it.
 *
 * Threads:  any; a rate is constant.
 */
#ifndef BOBBIN_LOAD_RATE_H
#define BOBBIN_LOAD_RATE_H

#include <stddef.h>
#include <stdint.h>

/* What is understood, for messages. */
#define RATE_SYNTAX    "a number, with k, M or G after it if wanted, and /s, /min or /h"

#define RATE_MAX_PER_S 1e9

struct rate { /* zeroed is none */
	uint64_t count;
	int64_t per_ns; /* so many in this time, above 0 if there is a rate */
};

/*
 * Read text; without a unit it is in a second.  Up to three decimals.  Returns NULL, or a constant
 * sentence on what is wrong, and *out as it was: a rate is at most RATE_MAX_PER_S.
 */
const char *rate_parse(const char *text, struct rate *out);

double rate_per_s(const struct rate *r);

/* When event number k (from 0) comes, in ns from the beginning, rounded down.  At most INT64_MAX.
 * Not for a rate of 0. */
int64_t rate_moment(const struct rate *r, uint64_t k);

#endif
