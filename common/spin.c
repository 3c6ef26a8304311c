/* SPDX-License-Identifier: ISC */
/* spin - receiving without going to sleep first. */
#include "spin.h"

#include "deadline.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define IDLE_MAX      1023

#define CLOSED_MIN_NS (1 * NS_PER_MS)
#define CLOSED_MAX_NS (1 * NS_PER_S)

void spin_init(struct spin_permits *permits)
{
	cpu_set_t mine;
	bool known = sched_getaffinity(0, sizeof mine, &mine) == 0;

	*permits = (struct spin_permits){.count = known ? CPU_COUNT(&mine) / 2 : 0};
}

static bool sit_down(struct spin_permits *permits, int64_t now_ns)
{
	if (now_ns < atomic_load(&permits->closed_until_ns))
		return false;
	if (atomic_fetch_add(&permits->taken, 1) < permits->count)
		return true;
	atomic_fetch_sub(&permits->taken, 1);
	return false;
}

/* Others want the processors. */
static void close_permits(struct spin_permits *permits, int64_t now_ns)
{
	int64_t for_ns = atomic_load(&permits->closed_longer_ns);

	if (for_ns < CLOSED_MIN_NS)
		for_ns = CLOSED_MIN_NS;
	atomic_store(&permits->closed_until_ns, deadline_from(now_ns, for_ns));
	atomic_store(&permits->closed_longer_ns,
		2 * for_ns < CLOSED_MAX_NS ? 2 * for_ns : CLOSED_MAX_NS);
}

/* A spin that paid takes a little of the mistrust away. */
static void learn(struct spin *s, struct spin_permits *permits, bool paid)
{
	if (paid) {
		s->after = 0;
		int64_t longer = atomic_load(&permits->closed_longer_ns);
		if (longer > 0)
			atomic_store(&permits->closed_longer_ns, longer - longer / 8 - 1);
	} else {
		s->after = 2 * s->after + 1 < IDLE_MAX ? 2 * s->after + 1 : IDLE_MAX;
		s->idle = s->after;
	}
}

/* How often another thread has run in this one's place though it did not sleep. */
static long times_replaced(void)
{
	struct rusage usage;

	return getrusage(RUSAGE_THREAD, &usage) < 0 ? 0 : usage.ru_nivcsw;
}

/* recv(2) until something comes, the time is over, or another thread has run: then *replaced. */
static ssize_t ask_again(int64_t until_ns, int fd, void *data, size_t len, bool *replaced)
{
	long before = times_replaced();
	ssize_t n;

	do {
		/* Whoever waits for this processor has it. */
		sched_yield();
		n = recv(fd, data, len, MSG_DONTWAIT);
		*replaced = times_replaced() != before;
	} while (n < 0 && errno == EAGAIN && !*replaced && deadline_now() < until_ns);
	return n;
}

ssize_t spin_receive(struct spin *s, struct spin_permits *permits, int64_t time_ns, int fd,
	void *data, size_t len)
{
	bool replaced = false;

	if (s->idle > 0) {
		s->idle--;
		return -EAGAIN;
	}
	int64_t now = deadline_now();
	if (!sit_down(permits, now))
		return -EAGAIN;
	/* What is there already teaches nothing. */
	ssize_t n = recv(fd, data, len, MSG_DONTWAIT);
	bool spun = n < 0 && errno == EAGAIN;
	if (spun)
		n = ask_again(deadline_from(now, time_ns), fd, data, len, &replaced);
	int error = errno;
	atomic_fetch_sub(&permits->taken, 1);
	if (replaced)
		close_permits(permits, deadline_now());
	if (spun)
		learn(s, permits, n >= 0);
	return n >= 0 ? n : -error;
}
