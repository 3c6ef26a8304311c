/* SPDX-License-Identifier: ISC */
/*
 * histogram - durations from 1 us to 1 h and far below, each kept to three significant digits, in a
 * fixed 264 KiB.
 *
 * The buckets are those of an HDR histogram over nanoseconds: 1 ns wide up to 2,047 ns, and from
 * there on 1,024 to every doubling, so that no bucket is wider than a thousandth of what it holds.
 * Histograms of several threads, runs or hosts are merged by adding their counts.
 *
 * What never came has no duration, and yet is slower than all that did: it is counted apart, and
 * comes after everything else in the ranks.
 *
 * Threads:  a histogram belongs to one thread.
 * Errors:   none.  A duration above 1 h is counted in the last bucket; its true size is kept as the
 * maximum.
 */
#ifndef BOBBIN_LOAD_HISTOGRAM_H
#define BOBBIN_LOAD_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_BUCKETS 33792
#define HISTOGRAM_MAX_NS  (INT64_C(3600) * 1000000000)

/* The duration of what never came. */
#define HISTOGRAM_NEVER INT64_MAX

struct histogram {      /* zeroed is empty; fields are read through the functions below */
	uint64_t count; /* durations recorded */
	uint64_t never; /* and what never came */
	double sum_ns;
	int64_t min_ns;
	int64_t max_ns;
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* Count one duration; below 0 counts as 0. */
void histogram_record(struct histogram *h, int64_t duration_ns);

/* Count what never came. */
void histogram_record_never(struct histogram *h, uint64_t count);

/* Add all that from has counted. */
void histogram_add(struct histogram *h, const struct histogram *from);

/*
 * Take away what from has counted, all of which was counted in h, too.  The smallest and the
 * largest duration are then those of the buckets that are left.
 */
void histogram_subtract(struct histogram *h, const struct histogram *from);

/* All that was counted, what never came included. */
uint64_t histogram_total(const struct histogram *h);

/*
 * The duration that percentile (0 to 100) of all do not exceed: the top of the bucket that holds
 * the ceil(total * percentile / 100)th smallest, never above the largest; HISTOGRAM_NEVER if that
 * one never came.  0 when nothing was counted.
 */
int64_t histogram_percentile(const struct histogram *h, double percentile);

/* The mean of what was recorded, what never came left out; 0 when that is nothing. */
double histogram_mean(const struct histogram *h);

/* The bucket that counts a duration, and the smallest and largest duration that a bucket counts. */
size_t histogram_bucket(int64_t duration_ns);
int64_t histogram_bucket_low(size_t bucket);
int64_t histogram_bucket_high(size_t bucket);

#endif
