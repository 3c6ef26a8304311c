/* SPDX-License-Identifier: ISC */
/* reload - the settings anew while the server runs. */
#include "reload.h"

#include "budget.h"
#include "server/log.h"
#include "server/settings/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Telling. */

/* Each line becomes an event of the log. */
static void tell_mistakes(char *text)
{
	struct log_line l;

	for (char *line = strtok_r(text, "\n", &text); line; line = strtok_r(NULL, "\n", &text)) {
		log_begin(&l, LOG_ERROR, "configuration_mistake");
		log_text(&l, "what", line);
		log_end(&l);
	}
}

static void tell_failed(const char *reason, const struct endpoint *e)
{
	struct log_line l;

	log_begin(&l, LOG_ERROR, "reload_failed");
	log_text(&l, "reason", reason);
	if (e)
		log_text(&l, "listener", e->name);
	log_text(&l, "effect", "everything stays as it was");
	log_end(&l);
}

static void tell_done(const struct settings *before, const struct settings *after)
{
	char changes[1024];
	struct log_line l;

	log_begin(&l, LOG_INFO, "reloaded");
	log_text(&l, "changed", reload_changes(before, after, changes, sizeof changes));
	log_end(&l);
}

/* Comparing. */

static bool same_value(const struct option *row, const void *a, const void *b)
{
	char *one = option_text(row, a);
	char *other = option_text(row, b);
	bool same = strcmp(one, other) == 0;

	free(one);
	free(other);
	return same;
}

static bool same_in_listeners(
	const struct option *row, const struct settings *before, const struct settings *after)
{
	for (size_t i = 0; i < before->endpoint_count; i++) {
		const struct endpoint *e = &before->endpoints[i];
		if (!same_value(row, e, settings_find_endpoint(after, e)))
			return false;
	}
	return true;
}

static bool has_changed(
	const struct option *row, const struct settings *before, const struct settings *after)
{
	return row->scope == OPTION_SERVER ? !same_value(row, before, after)
					   : !same_in_listeners(row, before, after);
}

char *reload_changes(
	const struct settings *before, const struct settings *after, char *text, size_t size)
{
	size_t len = 0;

	text[0] = '\0';
	for (const struct option *row = option_rows; row->key && len < size; row++) {
		if (has_changed(row, before, after))
			len += (size_t)snprintf(
				text + len, size - len, "%s%s", len > 0 ? " " : "", row->key);
	}
	return text;
}

/* A listener of a that b has not, or NULL. */
static const struct endpoint *missing(const struct settings *a, const struct settings *b)
{
	for (size_t i = 0; i < a->endpoint_count; i++) {
		if (!settings_find_endpoint(b, &a->endpoints[i]))
			return &a->endpoints[i];
	}
	return NULL;
}

/* An option of bind(2) that cannot be changed any more. */
static const struct endpoint *bound_otherwise(
	const struct settings *before, const struct settings *after)
{
	for (size_t i = 0; i < before->endpoint_count; i++) {
		const struct endpoint *e = &before->endpoints[i];
		if (settings_find_endpoint(after, e)->reuse_port != e->reuse_port)
			return e;
	}
	return NULL;
}

/* False, and told, if the new settings have other listeners than the server has. */
static bool fits(const struct settings *before, const struct settings *after)
{
	const struct {
		const char *reason;
		const struct endpoint *listener;
	} mistakes[] = {
		{"a listener has been added: needs SIGUSR2", missing(after, before)},
		{"a listener has gone: needs SIGUSR2", missing(before, after)},
	};

	for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
		if (mistakes[i].listener) {
			tell_failed(mistakes[i].reason, mistakes[i].listener);
			return false;
		}
	}
	const struct endpoint *bound = bound_otherwise(before, after);
	if (bound)
		tell_failed("listen.reuse_port has changed: needs a stop and a start", bound);
	return !bound;
}

/* The listeners that a supervisor's sockets made at the start, which no file names. */
static void keep_supervisors_listeners(const struct settings *before, struct settings *after)
{
	const char *key;

	for (size_t i = 0; i < before->endpoint_count; i++) {
		const struct endpoint *e = &before->endpoints[i];
		if (!e->from_supervisor)
			continue;
		/* As at the start, they stand in for the built-in listener. */
		if (after->built_in_listener)
			settings_clear_endpoints(after);
		after->built_in_listener = false;
		/* It was good at the start, so it is good now. */
		(void)settings_finish_endpoint(after, settings_add_copy(after, e), &key);
	}
}

/* Loading. */

/* NULL, and told, if there is any mistake. */
static struct settings *load(const struct command_line *command)
{
	char *text = NULL;
	size_t size;
	FILE *mistakes = open_memstream(&text, &size);

	if (!mistakes) {
		tell_failed("out of memory", NULL);
		return NULL;
	}
	struct settings *s = command_line_reload(command, mistakes);
	fclose(mistakes);
	if (!s) {
		tell_mistakes(text);
		tell_failed("the configuration has a mistake", NULL);
	}
	free(text);
	return s;
}

/* Takes over the hold on s.  False, and told, if it cannot be. */
static bool put_in_force(
	const struct server *server, const struct settings *before, struct settings *s)
{
	if (admission_resize(server->admission, s) < 0) {
		tell_failed("out of memory", NULL);
		settings_release(s);
		return false;
	}
	log_choose((enum log_level)s->log_level, (enum log_format)s->log_format);
	/* Before the limit, which may let clients in, and before anyone is told. */
	current_replace(server->current, s);
	registry_set_limit(server->registry, s->max_connections);
	worker_set_parking(server->workers, s->threads_parked, s->park_time_ns);
	tell_done(before, s);
	if (s->max_connections != before->max_connections)
		budget_check(s);
	return true;
}

bool reload(const struct server *server, const struct command_line *command)
{
	struct settings *before = current_hold(server->current);
	struct settings *s = load(command);
	bool good = s != NULL;

	if (good) {
		keep_supervisors_listeners(before, s);
		good = fits(before, s);
		if (good)
			good = put_in_force(server, before, s);
		else
			settings_release(s);
	}
	counters_add(server->counters, good ? COUNTER_RELOADS : COUNTER_RELOADS_FAILED, 1);
	settings_release(before);
	return good;
}
