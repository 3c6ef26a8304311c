/* SPDX-License-Identifier: ISC */
/* cost - what a thread has cost so far. */
#include "cost.h"

#include "common/deadline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static int64_t time_of(struct timeval tv)
{
	return (int64_t)tv.tv_sec * NS_PER_S + (int64_t)tv.tv_usec * NS_PER_US;
}

static int64_t read_waiting(void)
{
	FILE *f = fopen("/proc/thread-self/schedstat", "re");
	int64_t waiting = 0;
	char line[96];

	if (!f)
		return 0;
	if (fgets(line, sizeof line, f)) {
		char *second = strchr(line, ' ');
		waiting = second ? strtoll(second, NULL, 10) : 0;
	}
	fclose(f);
	return waiting;
}

struct cost cost_of_thread(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return (struct cost){
		.user_ns = time_of(usage.ru_utime),
		.system_ns = time_of(usage.ru_stime),
		.waiting_ns = read_waiting(),
	};
}
