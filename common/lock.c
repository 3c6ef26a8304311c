/* SPDX-License-Identifier: ISC */
/* lock - mutexes and condition variables whose failures abort. */
#include "lock.h"

#include "deadline.h"

#include <errno.h>
#include <stdlib.h>

#define SLICE_NS (100 * NS_PER_MS)

/* Not assert(): the check must stand however the program was compiled. */
static void must(int rc)
{
	if (rc != 0)
		abort();
}

void lock_init(pthread_mutex_t *lock)
{
	must(pthread_mutex_init(lock, NULL));
}

void lock_take(pthread_mutex_t *lock)
{
	must(pthread_mutex_lock(lock));
}

void lock_drop(pthread_mutex_t *lock)
{
	must(pthread_mutex_unlock(lock));
}

void lock_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	must(pthread_condattr_init(&attr));
	must(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC));
	must(pthread_cond_init(cond, &attr));
	must(pthread_condattr_destroy(&attr));
}

void lock_wait(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t deadline_ns)
{
	int64_t slice = deadline_earlier(deadline_ns, deadline_after(SLICE_NS));
	struct timespec until = deadline_timespec(slice);
	int rc = pthread_cond_timedwait(cond, lock, &until);

	must(rc == ETIMEDOUT ? 0 : rc);
}
