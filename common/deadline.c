/* SPDX-License-Identifier: ISC */
/* deadline - moments on the monotonic clock. */
#include "deadline.h"

#include <assert.h>

int64_t deadline_now(void)
{
	struct timespec now;
	int rc = clock_gettime(CLOCK_MONOTONIC, &now);

	assert(rc == 0);
	(void)rc;
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t deadline_from(int64_t start_ns, int64_t duration_ns)
{
	assert(duration_ns >= 0);
	if (start_ns > DEADLINE_NEVER - duration_ns)
		return DEADLINE_NEVER;
	return start_ns + duration_ns;
}

int64_t deadline_after(int64_t duration_ns)
{
	return deadline_from(deadline_now(), duration_ns);
}

int64_t deadline_earlier(int64_t a_ns, int64_t b_ns)
{
	return a_ns < b_ns ? a_ns : b_ns;
}

struct timespec deadline_timespec(int64_t ns)
{
	return (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
}
