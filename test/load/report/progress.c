/* SPDX-License-Identifier: ISC */
/* progress - one line on standard error. */
#include "progress.h"

#include "test/load/text/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define INTERVAL_MS    250

#define LINE_MAX_BYTES 256

/* Of a terminal that does not tell. */
#define COLUMNS 80

/* Clear to the end of the line (ECMA-48). */
#define CLEAR "\033[K"

void progress_init(struct progress *p, bool quiet)
{
	const char *term = getenv("TERM");

	p->on = !quiet && isatty(STDERR_FILENO);
	p->dumb = !term || strcmp(term, "") == 0 || strcmp(term, "dumb") == 0;
}

int progress_interval_ms(const struct progress *p)
{
	return p->on ? INTERVAL_MS : -1;
}

static size_t columns(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return COLUMNS;
	return size.ws_col;
}

/* Replace the last line.  The last column stays free, because some terminals begin the next line
 * when it is written. */
static void redraw(struct progress *p, const char *line)
{
	size_t most = columns() - 1;
	size_t len = strlen(line) < most ? strlen(line) : most;
	size_t rest = p->drawn > len ? p->drawn - len : 0;

	if (p->dumb)
		fprintf(stderr, "\r%.*s%*s", (int)len, line, (int)rest, "");
	else
		fprintf(stderr, "\r%.*s" CLEAR, (int)len, line);
	fflush(stderr);
	p->drawn = len;
}

void progress_draw_opening(struct progress *p, const struct figures *f, uint64_t connections)
{
	char line[LINE_MAX_BYTES];

	if (!p->on)
		return;
	snprintf(line, sizeof line, "opening   %" PRIu64 " of %" PRIu64 "   errors %" PRIu64,
		f->opened, connections, failure_total(&f->failures));
	redraw(p, line);
}

static const char *format_p99(const struct histogram *h, char *text, size_t size)
{
	int64_t ns = histogram_percentile(h, 99);

	if (histogram_total(h) == 0)
		return "-";
	return ns == HISTOGRAM_NEVER ? "never" : text_duration(ns, text, size);
}

void progress_draw(struct progress *p, const struct figures *f, int64_t elapsed_ns)
{
	char rate[TEXT_NUMBER_MAX];
	char p99[TEXT_NUMBER_MAX];
	char line[LINE_MAX_BYTES];
	double seconds = (double)(elapsed_ns - p->last_ns) / 1e9;

	if (!p->on)
		return;
	p->since = f->latency;
	histogram_subtract(&p->since, &p->last);
	double per_s = seconds > 0 ? (double)(f->answered - p->last_answered) / seconds : 0;
	snprintf(line, sizeof line, "%.1f s   %s/s   p99 %s   errors %" PRIu64,
		(double)elapsed_ns / 1e9, text_rate(per_s, rate, sizeof rate),
		format_p99(&p->since, p99, sizeof p99), failure_total(&f->failures));
	redraw(p, line);
	p->last_ns = elapsed_ns;
	p->last_answered = f->answered;
	p->last = f->latency;
}

void progress_clear(struct progress *p)
{
	if (p->drawn == 0)
		return;
	redraw(p, "");
	if (p->dumb)
		fputc('\r', stderr);
	p->drawn = 0;
}
