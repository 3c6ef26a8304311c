/* SPDX-License-Identifier: ISC */
/* report_json - the result as JSON, every round of it. */
#include "report.h"

#include "test/load/text/json.h"

#include <math.h>

/* What is no number is left out: JSON has none that is not one. */
static void write_real(struct json *j, const char *name, double value)
{
	if (isfinite(value))
		json_real(j, name, value);
}

static void write_row(struct json *j, const struct row *row, const struct judgement *of)
{
	json_open_object(j, NULL);
	json_string(j, "row", row->id);
	json_string(j, "case", row->of->name);
	json_string(j, "what", row->what);
	json_string(j, "metric", report_metric_name(row->metric));
	json_string(j, "whose_figure", contestant_name(row->subject));
	json_string(j, "against", contestant_name(row->against));
	json_string(j, "sense", row->sense == AT_LEAST ? "at least" : "at most");
	json_real(j, "bound", row->bound);
	json_string(j, "verdict", verdict_name(of->verdict));
	json_string(j, "why", of->why ? of->why : "");
	json_string(j, "whose_fault", contestant_name(of->whose));
	write_real(j, "median", of->spread.median);
	write_real(j, "quartile_1", of->spread.q1);
	write_real(j, "quartile_3", of->spread.q3);
	write_real(j, "own", of->own);
	write_real(j, "other", of->other);
	json_bool(j, "client_was_the_limit", of->client_limited);
	json_close_object(j);
}

static void write_outcome(struct json *j, enum contestant who, const struct outcome *o)
{
	json_open_object(j, NULL);
	json_string(j, "server", contestant_name(who));
	json_bool(j, "left_out", o->absent);
	json_string(j, "fault", o->fault);
	json_string(j, "note", o->note);
	json_count(j, "rounds", o->count);
	json_count(j, "rounds_limited_by_the_client", o->client_limited);
	for (int m = 0; m < METRICS; m++) {
		if (o->count == 0 || !isfinite(o->of[m][0]))
			continue;
		json_open_array(j, report_metric_name(m), true);
		for (size_t i = 0; i < o->count; i++)
			write_real(j, NULL, o->of[m][i]);
		json_close_array(j);
	}
	json_close_object(j);
}

static void write_case(struct json *j, const struct bench_case *c, unsigned contestants,
	const struct outcome *outcomes)
{
	json_open_object(j, NULL);
	json_string(j, "case", c->name);
	json_open_array(j, "servers", false);
	for (int who = 0; who < CONTESTANTS; who++) {
		if (contestants & BIT(who))
			write_outcome(j, who, &outcomes[who]);
	}
	json_close_array(j);
	json_close_object(j);
}

static void write_growth(struct json *j, const struct growth *g)
{
	json_open_array(j, "growth", false);
	for (size_t i = 0; i < g->count; i++) {
		const struct growth_step *s = &g->steps[i];
		json_open_object(j, NULL);
		json_count(j, "connections", s->connections);
		json_string(j, "fault", s->fault);
		for (int m = 0; m < METRICS; m++)
			write_real(j, report_metric_name(m), s->of[m]);
		write_real(j, "kernel_bytes_per_connection", s->kernel);
		json_close_object(j);
	}
	json_close_array(j);
	json_string(j, "growth_ends", g->end);
}

void report_write_json(FILE *to, const struct report *r)
{
	struct json j;

	json_init(&j, to);
	json_open_object(&j, NULL);
	json_string(&j, "program", "bobbin-bench " BOBBIN_VERSION);
	json_string(&j, "conditions", r->conditions);
	json_count(&j, "rounds", r->plan->rounds);
	json_integer(&j, "run_ms", r->plan->run_ms);
	json_open_array(&j, "rows", false);
	for (size_t i = 0; i < row_count; i++) {
		if (r->selected[i])
			write_row(&j, &rows[i], &r->judgements[i]);
	}
	json_close_array(&j);
	json_open_array(&j, "cases", false);
	for (size_t c = 0; c < bench_case_count; c++) {
		if (r->contestants[c])
			write_case(&j, &bench_cases[c], r->contestants[c], r->outcomes[c]);
	}
	json_close_array(&j);
	write_growth(&j, &r->growth);
	json_close_object(&j);
}
