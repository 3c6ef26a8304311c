/* SPDX-License-Identifier: ISC */
/*
 * deadline - moments on the monotonic clock, as nanoseconds in an int64_t.
 *
 * A deadline is absolute: it does not move when a call is retried, which is what makes a bound a
 * bound.  A duration is relative and is named so.  clock_gettime(2), CLOCK_MONOTONIC.
 *
 * Threads:  any.
 */
#ifndef BOBBIN_COMMON_DEADLINE_H
#define BOBBIN_COMMON_DEADLINE_H

#include <stdint.h>
#include <time.h>

#define NS_PER_US ((int64_t)1000)
#define NS_PER_MS ((int64_t)1000000)
#define NS_PER_S  ((int64_t)1000000000)

/* A moment that never comes. */
#define DEADLINE_NEVER INT64_MAX

/* This moment. */
int64_t deadline_now(void);

/* The moment that lies duration_ns (0 or more) after start_ns; never past DEADLINE_NEVER. */
int64_t deadline_from(int64_t start_ns, int64_t duration_ns);

/* The moment that lies duration_ns (0 or more) after now. */
int64_t deadline_after(int64_t duration_ns);

/* The earlier of two moments. */
int64_t deadline_earlier(int64_t a_ns, int64_t b_ns);

/* The same moment, or a duration, for the calls that want a struct timespec. */
struct timespec deadline_timespec(int64_t ns);

#endif
