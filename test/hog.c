/* SPDX-License-Identifier: ISC */
/*
 * hog - takes processor time from everything else, for test/patience.
 *
 *   hog spin     on every processor one loop that never ends, at this process's priority
 *   hog steal    on every processor at once, each second, 30 to 400 ms as a real-time process (SCHED_FIFO)
 *
 * It ends with its parent, and after an hour at the latest.  Exit status: 0, 64 for a wrong command line, 77 if it may
 * not be a real-time process (which wants root, or CAP_SYS_NICE).
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_MS  INT64_C(1000000)
#define NS_PER_S   INT64_C(1000000000)

#define LIFE_S     3600
#define STEALS_MIN (30 * NS_PER_MS)
#define STEALS_MAX (400 * NS_PER_MS)

/* How the build says that something is skipped. */
#define SKIPPED 77

static int64_t start_ns; /* [const] */

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static void sleep_until(int64_t ns)
{
	const struct timespec t = {.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static void spin_until(int64_t ns)
{
	while (now() < ns)
		continue;
}

static void *spin(void *unused)
{
	spin_until(start_ns + LIFE_S * NS_PER_S);
	return unused;
}

/* Every thread has the same numbers, so that all steal at the same moments. */
static void *steal(void *unused)
{
	unsigned state = (unsigned)start_ns;

	for (int64_t second = 1; second < LIFE_S; second++) {
		state = state * 1664525 + 1013904223;
		sleep_until(start_ns + second * NS_PER_S);
		spin_until(start_ns + second * NS_PER_S + STEALS_MIN +
			(int64_t)state % (STEALS_MAX - STEALS_MIN));
	}
	return unused;
}

static void start_on(long processor, void *(*run)(void *))
{
	pthread_attr_t attributes;
	pthread_t thread;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)processor, &set);
	pthread_attr_init(&attributes);
	pthread_attr_setaffinity_np(&attributes, sizeof set, &set);
	/* One that this process may not use is left out. */
	(void)pthread_create(&thread, &attributes, run, NULL);
	pthread_attr_destroy(&attributes);
}

int main(int argc, char **argv)
{
	const struct sched_param priority = {.sched_priority = 10};
	bool steals = argc == 2 && strcmp(argv[1], "steal") == 0;

	if (argc != 2 || (!steals && strcmp(argv[1], "spin") != 0)) {
		fprintf(stderr, "usage: hog spin|steal\n");
		return EX_USAGE;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (steals && sched_setscheduler(0, SCHED_FIFO, &priority) < 0) {
		perror("hog: SCHED_FIFO");
		return SKIPPED;
	}
	start_ns = now();
	for (long i = 0; i < sysconf(_SC_NPROCESSORS_ONLN); i++)
		start_on(i, steals ? steal : spin);
	sleep_until(start_ns + LIFE_S * NS_PER_S);
	return EXIT_SUCCESS;
}
