/* SPDX-License-Identifier: ISC */
/* lane - the clock of one thread. */
#include "lane.h"

#include "common/deadline.h"

static void remember_stall(struct lane *lane, int64_t from_ns)
{
	struct figures *f = lane->figures;
	int64_t stall_ns = lane->now_ns - from_ns;

	lane->stalls[lane->stall_count++ % LANE_STALLS] =
		(struct lane_stall){from_ns, lane->now_ns};
	if (lane->start_ns == 0)
		return;
	f->stalls++;
	f->stalled_ns += stall_ns;
	if (stall_ns > f->stall_max_ns)
		f->stall_max_ns = stall_ns;
}

void lane_look(struct lane *lane, int64_t waited_ns)
{
	int64_t awake_ns = lane->now_ns + waited_ns;

	lane->now_ns = deadline_now();
	if (lane->now_ns - awake_ns > LANE_STALL_NS)
		remember_stall(lane, awake_ns);
}

bool lane_is_measuring(const struct lane *lane)
{
	return lane->now_ns >= lane->measure_ns && lane->now_ns <= lane->end_ns;
}

int64_t lane_stalled_since(const struct lane *lane, int64_t moment_ns)
{
	unsigned known = lane->stall_count < LANE_STALLS ? lane->stall_count : LANE_STALLS;
	int64_t stalled_ns = 0;

	for (unsigned i = 0; i < known; i++) {
		const struct lane_stall *s = &lane->stalls[i];
		int64_t from_ns = s->from_ns > moment_ns ? s->from_ns : moment_ns;
		if (s->to_ns > from_ns)
			stalled_ns += s->to_ns - from_ns;
	}
	return stalled_ns;
}

void lane_record(
	const struct lane *lane, struct histogram *all, struct histogram *own, int64_t moment_ns)
{
	int64_t took_ns = lane->now_ns - moment_ns;

	histogram_record(all, took_ns);
	if (lane_stalled_since(lane, moment_ns) > took_ns / 2)
		histogram_record(own, took_ns);
}

bool lane_has_passed(const struct lane *lane, int64_t moment_ns, int64_t duration_ns)
{
	int64_t passed_ns = lane->now_ns - moment_ns;

	return passed_ns >= duration_ns &&
		passed_ns - lane_stalled_since(lane, moment_ns) >= duration_ns;
}
