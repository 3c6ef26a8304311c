/* SPDX-License-Identifier: ISC */
/* figures - what a run counts and measures. */
#include "figures.h"

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

void figures_add(struct figures *f, const struct figures *from)
{
	f->sent += from->sent;
	f->answered += from->answered;
	f->mismatched += from->mismatched;
	f->lost += from->lost;
	f->cut_off += from->cut_off;
	f->opened += from->opened;
	for (size_t i = 0; i < FIGURES_ADDRESSES; i++) {
		f->address_opened[i] += from->address_opened[i];
		f->address_failed[i] += from->address_failed[i];
	}
	histogram_add(&f->latency, &from->latency);
	histogram_add(&f->actual, &from->actual);
	histogram_add(&f->lateness, &from->lateness);
	histogram_add(&f->connect, &from->connect);
	histogram_add(&f->first_byte, &from->first_byte);
	f->bytes_sent += from->bytes_sent;
	f->bytes_received += from->bytes_received;
	f->last_reply_ns = later(f->last_reply_ns, from->last_reply_ns);
	f->user_ns += from->user_ns;
	f->system_ns += from->system_ns;
	f->waiting_ns += from->waiting_ns;
	if (from->busiest_ns > f->busiest_ns) {
		f->busiest_ns = from->busiest_ns;
		f->busiest_running_ns = from->busiest_running_ns;
	}
	failure_add(&f->failures, &from->failures);
}
