/* SPDX-License-Identifier: ISC */
/* bench - the clock of one thread. */
#include "bench.h"

#include "common/deadline.h"

void bench_look(struct bench *b, int64_t waited_ns)
{
	int64_t now_ns = deadline_now();
	int64_t stall_ns = now_ns - b->now_ns - waited_ns;

	b->now_ns = now_ns;
	if (stall_ns <= BENCH_STALL_NS || b->start_ns == 0)
		return;
	b->stalled_ns += stall_ns;
	b->stall_end_ns = now_ns;
	b->figures->stalls++;
	b->figures->stalled_ns = b->stalled_ns;
	if (stall_ns > b->figures->stall_max_ns)
		b->figures->stall_max_ns = stall_ns;
}
