/* SPDX-License-Identifier: ISC */
/* figures - what a run counts and measures. */
#include "figures.h"

#include <stddef.h>

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

void figures_add(struct figures *f, const struct figures *from)
{
	f->due += from->due;
	f->sent += from->sent;
	f->late += from->late;
	f->not_sent_late += from->not_sent_late;
	f->not_sent_no_vacancy += from->not_sent_no_vacancy;
	f->answered += from->answered;
	f->mismatched += from->mismatched;
	f->lost += from->lost;
	f->cut_off += from->cut_off;
	f->excused += from->excused;
	f->opened += from->opened;
	f->ended_by_server += from->ended_by_server;
	for (size_t i = 0; i < FIGURES_ADDRESSES; i++) {
		f->address_opened[i] += from->address_opened[i];
		f->address_failed[i] += from->address_failed[i];
	}
	histogram_add(&f->latency, &from->latency);
	histogram_add(&f->actual, &from->actual);
	histogram_add(&f->own, &from->own);
	histogram_add(&f->own_actual, &from->own_actual);
	histogram_add(&f->lateness, &from->lateness);
	histogram_add(&f->connect, &from->connect);
	histogram_add(&f->own_connect, &from->own_connect);
	histogram_add(&f->first_byte, &from->first_byte);
	histogram_add(&f->own_first_byte, &from->own_first_byte);
	f->replies += from->replies;
	f->bytes_sent += from->bytes_sent;
	f->bytes_received += from->bytes_received;
	f->last_settled_ns = later(f->last_settled_ns, from->last_settled_ns);
	f->load_end_ns = later(f->load_end_ns, from->load_end_ns);
	f->user_ns += from->user_ns;
	f->system_ns += from->system_ns;
	f->waiting_ns += from->waiting_ns;
	if (from->busiest_ns > f->busiest_ns) {
		f->busiest_ns = from->busiest_ns;
		f->busiest_running_ns = from->busiest_running_ns;
		f->busiest_of_ns = from->busiest_of_ns;
	}
	f->stalls = f->stalls > from->stalls ? f->stalls : from->stalls;
	f->stalled_ns = later(f->stalled_ns, from->stalled_ns);
	f->stall_max_ns = later(f->stall_max_ns, from->stall_max_ns);
	failure_add(&f->failures, &from->failures);
}

uint64_t figures_not_sent(const struct figures *f)
{
	return f->not_sent_late + f->not_sent_no_vacancy;
}

uint64_t figures_failed_messages(const struct figures *f)
{
	return f->due - f->answered - f->excused - f->not_sent_late;
}

const char *figures_broken_sum(const struct figures *f)
{
	if (f->due != f->sent + figures_not_sent(f))
		return "due = sent + not sent";
	if (f->sent != f->answered + f->mismatched + f->lost + f->cut_off)
		return "sent = answered + mismatched + lost + cut off";
	return NULL;
}
