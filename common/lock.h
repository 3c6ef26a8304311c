/* SPDX-License-Identifier: ISC */
/*
 * lock - mutexes and condition variables whose failures abort, and waits on the monotonic clock.
 *
 * A mutex call fails only because of a bug (a lock that another thread holds, memory overwritten),
 * and no caller could go on.
 *
 * Threads:  any.
 */
#ifndef BOBBIN_COMMON_LOCK_H
#define BOBBIN_COMMON_LOCK_H

#include <pthread.h>
#include <stdint.h>

void lock_init(pthread_mutex_t *lock);
void lock_take(pthread_mutex_t *lock);
void lock_drop(pthread_mutex_t *lock);

/* Make *cond a condition variable whose waits are measured on the monotonic clock. */
void lock_cond_init(pthread_cond_t *cond);

/*
 * Sleep on cond, with lock held, until signalled or deadline_ns, and for 100 ms at most: glibc can
 * lose a wake-up when several threads wait on one condition variable (its bug 25847), so the caller
 * looks again at what it waits for, in a loop, and a lost wake-up costs a tenth of a second.
 */
void lock_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t deadline_ns);

#endif
