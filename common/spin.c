/* SPDX-License-Identifier: ISC */
/* spin - when it pays to ask a socket again and again instead of going to sleep. */
#include "spin.h"

#include "deadline.h"

#include <sched.h>
#include <sys/resource.h>

#define IDLE_MAX      1023

#define CLOSED_MIN_NS (1 * NS_PER_MS)
#define CLOSED_MAX_NS (1 * NS_PER_S)

void spin_init(struct spin_permits *permits)
{
	cpu_set_t mine;
	bool known = sched_getaffinity(0, sizeof mine, &mine) == 0;

	*permits = (struct spin_permits){.count = known ? CPU_COUNT(&mine) / 2 : 0};
}

static bool take_permit(struct spin_permits *permits, int64_t now_ns)
{
	if (now_ns < atomic_load(&permits->closed_until_ns))
		return false;
	if (atomic_fetch_add(&permits->taken, 1) < permits->count)
		return true;
	atomic_fetch_sub(&permits->taken, 1);
	return false;
}

/* Other threads want the processors. */
static void close_permits(struct spin_permits *permits, int64_t now_ns)
{
	int64_t for_ns = atomic_load(&permits->closed_longer_ns);

	if (for_ns < CLOSED_MIN_NS)
		for_ns = CLOSED_MIN_NS;
	atomic_store(&permits->closed_until_ns, deadline_from(now_ns, for_ns));
	atomic_store(&permits->closed_longer_ns,
		2 * for_ns < CLOSED_MAX_NS ? 2 * for_ns : CLOSED_MAX_NS);
}

/* A turn that paid shortens the next closing a little. */
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

bool spin_begin(
	struct spin_turn *turn, struct spin *spin, struct spin_permits *permits, int64_t time_ns)
{
	if (spin->idle > 0) {
		spin->idle--;
		return false;
	}
	int64_t now = deadline_now();
	if (!take_permit(permits, now))
		return false;
	*turn = (struct spin_turn){
		.spin = spin, .permits = permits, .until_ns = deadline_from(now, time_ns)};
	return true;
}

bool spin_again(struct spin_turn *turn)
{
	if (!turn->asked_again) {
		turn->asked_again = true;
		turn->replaced = times_replaced();
	} else {
		turn->was_replaced = times_replaced() != turn->replaced;
		if (turn->was_replaced || deadline_now() >= turn->until_ns)
			return false;
	}
	/* A thread that waits for this processor gets it. */
	sched_yield();
	return true;
}

void spin_end(struct spin_turn *turn, bool came)
{
	atomic_fetch_sub(&turn->permits->taken, 1);
	/* What was there at once teaches nothing. */
	if (!turn->asked_again)
		return;
	if (came)
		turn->was_replaced = times_replaced() != turn->replaced;
	if (turn->was_replaced)
		close_permits(turn->permits, deadline_now());
	learn(turn->spin, turn->permits, came);
}
