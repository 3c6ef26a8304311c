/* SPDX-License-Identifier: ISC */
/*
 * report_svg - the result as a picture: a bar for each row, as long as its figure is good against
 * its bound, which is the one line through all of them.  Where less is better, half is twice as far.
 */
#include "report.h"

#include <math.h>

#define TOP       64
#define LINE      24
#define BAR       12
#define TEXT_X    12
#define WHAT_X    340
#define BARS_X    540
#define BOUND_W   180 /* from 0 to the bound */
#define BARS_W    360
#define VALUE_X   (BARS_X + BARS_W + 12)
#define BOUND_X   1000
#define VERDICT_X 1100
#define WIDTH     1180
#define WHY_MAX   42 /* what fits behind the bound; the table has all of it */
#define SCORE_MAX ((double)BARS_W / BOUND_W)

static const char style[] =
	"<style>\n"
	"text { font: 13px system-ui, sans-serif; fill: #333 }\n"
	".title { font-size: 16px; font-weight: 600 }\n"
	".faint { fill: #777 }\n"
	".right { text-anchor: end }\n"
	".held { fill: #2f8f6b } .open { fill: #c08a1e } .missed { fill: #c2504a }\n"
	".bound { stroke: #333; stroke-width: 1.5 }\n"
	".spread { stroke: #333; stroke-width: 1.5; opacity: .65 }\n"
	".ground { fill: none } .rule { stroke: #8884 }\n"
	"@media (prefers-color-scheme: dark) {\n"
	"text { fill: #ddd } .faint { fill: #999 }\n"
	".bound, .spread { stroke: #ddd }\n"
	"}\n"
	"</style>\n";

static double place(const struct row *row, double value)
{
	double score = verdict_score(value, row->sense, row->bound);

	return BARS_X + BOUND_W * (score < SCORE_MAX ? score : SCORE_MAX);
}

static void write_text(FILE *to, double x, double y, const char *class, const char *text)
{
	fprintf(to, "<text x=\"%.0f\" y=\"%.0f\" class=\"%s\">", x, y, class);
	for (; *text; text++) {
		if (*text == '<')
			fputs("&lt;", to);
		else if (*text == '>')
			fputs("&gt;", to);
		else if (*text == '&')
			fputs("&amp;", to);
		else
			fputc(*text, to);
	}
	fputs("</text>\n", to);
}

static const char *class_of(enum verdict v)
{
	return v == VERDICT_HELD ? "held" : v == VERDICT_OPEN ? "open" : "missed";
}

static void write_bar(FILE *to, const struct row *row, const struct judgement *j, double y)
{
	double end = place(row, j->spread.median);
	double low = place(row, j->spread.q1);
	double high = place(row, j->spread.q3);

	fprintf(to,
		"<rect x=\"%d\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" rx=\"2\" class=\"%s\"/>\n",
		BARS_X, y - BAR / 2.0, end - BARS_X, BAR, class_of(j->verdict));
	fprintf(to, "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" class=\"spread\"/>\n",
		low, high, y, y);
	if (verdict_score(j->spread.median, row->sense, row->bound) > SCORE_MAX)
		fprintf(to, "<path d=\"M%d %.1f l6 %d l-6 %d z\" class=\"%s\"/>\n", BARS_X + BARS_W,
			y - BAR / 2.0, BAR / 2, BAR / 2, class_of(j->verdict));
}

static void write_row(FILE *to, const struct row *row, const struct judgement *j, double y)
{
	char name[128];
	char value[32];
	char bound[48];
	char why[WHY_MAX];

	fprintf(to, "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" class=\"rule\"/>\n", TEXT_X,
		WIDTH - TEXT_X, y + LINE / 2.0, y + LINE / 2.0);
	snprintf(name, sizeof name, "%s  %s", row->id, row->of->name);
	write_text(to, TEXT_X, y + 4, "", name);
	write_text(to, WHAT_X, y + 4, "faint", row->what);
	if (j->why) {
		snprintf(why, sizeof why, "%s%s%s", contestant_name(j->whose),
			j->whose == NOBODY ? "" : ": ", j->why);
		write_text(to, BARS_X + BOUND_W + 8, y + 4, "faint", why);
	} else {
		write_bar(to, row, j, y);
		if (row->against == NOBODY)
			report_figure(row->metric, j->spread.median, value, sizeof value);
		else
			snprintf(value, sizeof value, "%.2f", j->spread.median);
		write_text(to, VALUE_X, y + 4, "", value);
	}
	write_text(to, BOUND_X, y + 4, "faint", report_bound(row, bound, sizeof bound));
	write_text(to, VERDICT_X, y + 4, "", verdict_name(j->verdict));
}

void report_write_svg(FILE *to, const struct report *r)
{
	size_t count = 0;
	double y = TOP;

	for (size_t i = 0; i < row_count; i++)
		count += r->selected[i];
	double height = TOP + (double)count * LINE + 8;
	fprintf(to,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %.0f\" width=\"%d\" "
		"height=\"%.0f\">\n%s",
		WIDTH, height, WIDTH, height, style);
	write_text(to, TEXT_X, 22, "title", "bobbind against its bounds");
	write_text(to, TEXT_X, 42, "faint", r->conditions);
	for (size_t i = 0; i < row_count; i++) {
		if (!r->selected[i])
			continue;
		write_row(to, &rows[i], &r->judgements[i], y + LINE / 2.0);
		y += LINE;
	}
	fprintf(to, "<line x1=\"%d\" x2=\"%d\" y1=\"%d\" y2=\"%.0f\" class=\"bound\"/>\n",
		BARS_X + BOUND_W, BARS_X + BOUND_W, TOP - 4, y + 4);
	write_text(to, BARS_X + BOUND_W + 6, TOP - 6, "faint", "the bound; to its right is better");
	fputs("</svg>\n", to);
}
