/* SPDX-License-Identifier: ISC */
/* histogram - durations, each kept to three significant digits. */
#include "histogram.h"

#include <math.h>

/* A bucket's number is its doubling times HALF, plus the duration's leading 11 bits. */
#define HALF_BITS 10
#define HALF      ((uint64_t)1 << HALF_BITS)

size_t histogram_bucket(int64_t duration_ns)
{
	uint64_t v = duration_ns < 0 ? 0 : (uint64_t)duration_ns;

	if (v > (uint64_t)HISTOGRAM_MAX_NS)
		v = (uint64_t)HISTOGRAM_MAX_NS;
	/* What fits in 11 bits is in doubling 0, whose buckets are 1 ns wide. */
	unsigned doubling = 63 - HALF_BITS - (unsigned)__builtin_clzll(v | (2 * HALF - 1));
	return doubling * HALF + (v >> doubling);
}

int64_t histogram_bucket_low(size_t bucket)
{
	uint64_t doubling = bucket < 2 * HALF ? 0 : (bucket >> HALF_BITS) - 1;

	return (int64_t)((bucket - doubling * HALF) << doubling);
}

int64_t histogram_bucket_high(size_t bucket)
{
	return histogram_bucket_low(bucket + 1) - 1;
}

void histogram_record(struct histogram *h, int64_t duration_ns)
{
	if (duration_ns < 0)
		duration_ns = 0;
	if (h->count == 0 || duration_ns < h->min_ns)
		h->min_ns = duration_ns;
	if (duration_ns > h->max_ns)
		h->max_ns = duration_ns;
	h->count++;
	h->sum_ns += (double)duration_ns;
	h->buckets[histogram_bucket(duration_ns)]++;
}

void histogram_record_never(struct histogram *h, uint64_t count)
{
	h->never += count;
}

void histogram_add(struct histogram *h, const struct histogram *from)
{
	h->never += from->never;
	if (from->count == 0)
		return;
	if (h->count == 0 || from->min_ns < h->min_ns)
		h->min_ns = from->min_ns;
	if (from->max_ns > h->max_ns)
		h->max_ns = from->max_ns;
	h->count += from->count;
	h->sum_ns += from->sum_ns;
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		h->buckets[i] += from->buckets[i];
}

void histogram_subtract(struct histogram *h, const struct histogram *from)
{
	int64_t max_ns = h->max_ns;
	size_t first = HISTOGRAM_BUCKETS;
	size_t last = 0;

	h->never -= from->never;
	h->count -= from->count;
	h->sum_ns -= from->sum_ns;
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		h->buckets[i] -= from->buckets[i];
		if (h->buckets[i] == 0)
			continue;
		first = first < i ? first : i;
		last = i;
	}
	h->min_ns = h->count > 0 ? histogram_bucket_low(first) : 0;
	h->max_ns = h->count > 0 ? histogram_bucket_high(last) : 0;
	if (h->max_ns > max_ns)
		h->max_ns = max_ns;
}

uint64_t histogram_total(const struct histogram *h)
{
	return h->count + h->never;
}

int64_t histogram_percentile(const struct histogram *h, double percentile)
{
	/* 99.9 % of 1,000 is 999, and not the 1,000 that the next double above it would make of it.
	 */
	double rank = ceil((double)histogram_total(h) * percentile / 100 - 1e-6);
	uint64_t wanted = rank < 1 ? 1 : (uint64_t)rank;
	uint64_t seen = 0;

	if (histogram_total(h) == 0)
		return 0;
	if (wanted > h->count)
		return HISTOGRAM_NEVER;
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->buckets[i];
		if (seen >= wanted) {
			int64_t high = histogram_bucket_high(i);
			return high < h->max_ns && high < HISTOGRAM_MAX_NS ? high : h->max_ns;
		}
	}
	return h->max_ns;
}

double histogram_mean(const struct histogram *h)
{
	return h->count == 0 ? 0 : h->sum_ns / (double)h->count;
}
