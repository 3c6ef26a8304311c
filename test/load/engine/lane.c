/* SPDX-License-Identifier: ISC */
/* bench - the clock of one thread. */
#include "lane.h"

#include "common/deadline.h"

static void remember_stall(struct bench *b, int64_t from_ns)
{
	struct figures *f = b->figures;
	int64_t stall_ns = b->now_ns - from_ns;

	b->stalls[b->stall_count++ % BENCH_STALLS] = (struct bench_stall){from_ns, b->now_ns};
	if (b->start_ns == 0)
		return;
	f->stalls++;
	f->stalled_ns += stall_ns;
	if (stall_ns > f->stall_max_ns)
		f->stall_max_ns = stall_ns;
}

void bench_look(struct bench *b, int64_t waited_ns)
{
	int64_t awake_ns = b->now_ns + waited_ns;

	b->now_ns = deadline_now();
	if (b->now_ns - awake_ns > BENCH_STALL_NS)
		remember_stall(b, awake_ns);
}

int64_t bench_stalled_since(const struct bench *b, int64_t moment_ns)
{
	unsigned known = b->stall_count < BENCH_STALLS ? b->stall_count : BENCH_STALLS;
	int64_t stalled_ns = 0;

	for (unsigned i = 0; i < known; i++) {
		const struct bench_stall *s = &b->stalls[i];
		int64_t from_ns = s->from_ns > moment_ns ? s->from_ns : moment_ns;
		if (s->to_ns > from_ns)
			stalled_ns += s->to_ns - from_ns;
	}
	return stalled_ns;
}

void bench_record(
	const struct bench *b, struct histogram *all, struct histogram *own, int64_t moment_ns)
{
	int64_t took_ns = b->now_ns - moment_ns;

	histogram_record(all, took_ns);
	if (bench_stalled_since(b, moment_ns) > took_ns / 2)
		histogram_record(own, took_ns);
}

bool bench_has_passed(const struct bench *b, int64_t moment_ns, int64_t duration_ns)
{
	int64_t passed_ns = b->now_ns - moment_ns;

	return passed_ns >= duration_ns &&
		passed_ns - bench_stalled_since(b, moment_ns) >= duration_ns;
}
