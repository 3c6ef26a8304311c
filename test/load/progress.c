/* SPDX-License-Identifier: ISC */
/* progress - one line on standard error. */
#include "progress.h"

#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define INTERVAL_MS 250

/* Back to the first column, and clear to the end of the line (ECMA-48). */
#define REDRAW "\r\033[K"

void progress_init(struct progress *p)
{
	*p = (struct progress){.on = isatty(STDERR_FILENO)};
}

int progress_interval_ms(const struct progress *p)
{
	return p->on ? INTERVAL_MS : -1;
}

void progress_draw(struct progress *p, const struct figures *f, int64_t elapsed_ns)
{
	char rate[TEXT_NUMBER_MAX];
	char p99[TEXT_NUMBER_MAX];
	double seconds = (double)(elapsed_ns - p->last_ns) / 1e9;
	double per_s = seconds > 0 ? (double)(f->answered - p->last_answered) / seconds : 0;

	if (!p->on)
		return;
	fprintf(stderr, REDRAW "%.1f s   %s/s   p99 %s   errors %" PRIu64, (double)elapsed_ns / 1e9,
		text_count((uint64_t)per_s, rate, sizeof rate),
		text_duration(histogram_percentile(&f->latency, 99), p99, sizeof p99),
		failure_total(&f->failures));
	fflush(stderr);
	p->drawn = true;
	p->last_ns = elapsed_ns;
	p->last_answered = f->answered;
}

void progress_clear(struct progress *p)
{
	if (p->drawn)
		fputs(REDRAW, stderr);
	p->drawn = false;
}
