/* SPDX-License-Identifier: ISC */
/* scene - plays conversations written as text. */
#include "scene.h"

#include "scene_inside.h"

#include "common/deadline.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HANGS_AFTER_NS (10 * NS_PER_S)

/* Results. */

const char *scene_wrong(const char *format, ...)
{
	static char text[SCENE_MESSAGE_MAX];
	char now[SCENE_MESSAGE_MAX]; /* an argument may be the last text */
	va_list args;

	va_start(args, format);
	vsnprintf(now, sizeof now, format, args);
	va_end(args);
	return memcpy(text, now, sizeof text);
}

const char *scene_skip(struct scene *s, const char *reason)
{
	s->skipped = true;
	return reason;
}

static enum scene_result judge(struct scene *s, const char *wrong)
{
	if (!wrong)
		return SCENE_PLAYED;
	if (s->skipped)
		snprintf(s->message, SCENE_MESSAGE_MAX, "%s", wrong);
	else
		snprintf(s->message, SCENE_MESSAGE_MAX, "%s:%d: %s: %s", s->file->name,
			s->step->line, s->step->text, wrong);
	return s->skipped ? SCENE_SKIPPED : SCENE_FAILED;
}

bool scene_matches(const char *pattern, const char *text)
{
	if (*pattern == '*')
		return scene_matches(pattern + 1, text) ||
			(*text && scene_matches(pattern, text + 1));
	if (*pattern != *text)
		return false;
	return !*pattern || scene_matches(pattern + 1, text + 1);
}

const char *scene_find_at(void *context, const char *server, size_t listener, struct address *at)
{
	*at = *(const struct address *)context;
	return listener == 1 && !*server ? NULL : "there is no such listener";
}

/* Names. */

int scene_client(const struct scene *s, const char *name)
{
	const struct scene_client *c = scene_client_find(s, name);

	return c ? c->fd : -1;
}

/* Whole seconds since "now". */
static const char *seconds(const struct scene *s)
{
	static char text[24];

	snprintf(text, sizeof text, "%lld", (long long)((deadline_now() - s->began_ns) / NS_PER_S));
	return text;
}

const char *scene_value(const struct scene *s, const char *name)
{
	const struct scene_client *c = scene_client_find(s, name);

	if (strcmp(name, "n") == 0)
		return s->number;
	if (strcmp(name, "read") == 0)
		return s->read;
	if (strcmp(name, "seconds") == 0)
		return seconds(s);
	if (c && c->address[0])
		return c->address;
	for (const struct scene_found *f = s->found; f; f = f->next) {
		if (strcmp(f->name, name) == 0)
			return f->text;
	}
	return s->host->value ? s->host->value(s->host->context, s->step->server, name) : NULL;
}

static bool is_of_name(char c)
{
	return islower((unsigned char)c) || isdigit((unsigned char)c) || c == '_';
}

/* The token with the values of names in it, its text the caller's to free.  NULL, or what is wrong. */
static const char *expand(
	const struct scene *s, const struct scene_token *from, struct scene_token *to)
{
	*to = *from;
	to->text = calloc(1, 1);
	to->len = 0;
	for (size_t i = 0; i < from->len; i++) {
		char name[SCENE_NAME_MAX] = "";
		size_t len = 0;
		if (from->text[i] != '$' || !islower((unsigned char)from->text[i + 1])) {
			scene_token_put(to, from->text[i]);
			continue;
		}
		while (len + 1 < sizeof name && is_of_name(from->text[i + 1 + len])) {
			name[len] = from->text[i + 1 + len];
			len++;
		}
		const char *value = scene_value(s, name);
		bool whole = !from->quoted && !s->step->word && len + 1 == from->len;
		if (!value && !whole)
			return scene_wrong("$%s has no value", name);
		/* A whole word: what comes gives it a value. */
		for (const char *c = value ? value : from->text; *c; c++)
			scene_token_put(to, *c);
		to->quoted |= value && whole;
		i += len;
	}
	return NULL;
}

/* Playing. */

static const char *play_word(struct scene *s, const struct scene_token *tokens, size_t count)
{
	char *args[SCENE_TOKENS_MAX + 1] = {NULL};

	for (size_t i = 0; i < count; i++)
		args[i] = tokens[i].text;
	return s->step->word->play(&(struct scene_call){.scene = s,
		.context = s->host->context,
		.server = s->step->server,
		.count = (int)count,
		.args = args});
}

static double ms(int64_t ns)
{
	return (double)ns / 1e6;
}

/* What a step says of the time since "now". */
static const char *check_time(const struct scene *s)
{
	const struct scene_step *step = s->step;
	int64_t took = deadline_now() - s->began_ns;
	int64_t most = step->within_ns;

	if (!step->after_ns && !step->within_ns)
		return NULL;
	if (most == 0)
		most = step->after_ns + step->after_ns / 8 + 8 * NS_PER_MS;
	printf("figure %s:%d: %.1f ms (window %.1f to %.1f ms)\n", s->file->name, step->line,
		ms(took), ms(step->after_ns), ms(most));
	if (took < step->after_ns)
		return scene_wrong("it came after %.3f ms already", ms(took));
	if (took > (s->host->timing ? most : most + HANGS_AFTER_NS))
		return scene_wrong("it came after %.1f ms only", ms(took));
	return NULL;
}

static enum scene_result play_step(struct scene *s)
{
	struct scene_token tokens[SCENE_TOKENS_MAX];
	size_t count = 0;
	const char *wrong = NULL;

	if (s->step->now)
		s->began_ns = deadline_now();
	while (!wrong && count < s->step->count) {
		wrong = expand(s, &s->step->tokens[count], &tokens[count]);
		count++;
	}
	if (!wrong)
		wrong = (s->step->word ? play_word : scene_client_play)(s, tokens, count);
	while (count > 0)
		free(tokens[--count].text);
	return judge(s, wrong ? wrong : check_time(s));
}

static enum scene_result play_steps(struct scene *s, size_t first, size_t end);

static enum scene_result repeat(struct scene *s, size_t at)
{
	const struct scene_step *step = &s->file->steps[at];
	long times = s->host->soak ? step->times_soaked : step->times;
	enum scene_result result = SCENE_PLAYED;
	char outer[sizeof s->number];

	memcpy(outer, s->number, sizeof outer);
	for (long n = 1; n <= times && result == SCENE_PLAYED; n++) {
		snprintf(s->number, sizeof s->number, "%ld", n);
		result = play_steps(s, at + 1, step->end);
	}
	memcpy(s->number, outer, sizeof outer);
	return result;
}

static enum scene_result play_steps(struct scene *s, size_t first, size_t end)
{
	enum scene_result result = SCENE_PLAYED;

	for (size_t i = first; i < end && result == SCENE_PLAYED; i++) {
		s->step = &s->file->steps[i];
		if (s->step->kind == SCENE_REPEAT) {
			result = repeat(s, i);
			i = s->file->steps[i].end;
		} else {
			result = play_step(s);
		}
	}
	return result;
}

enum scene_result scene_play(
	const struct scene_file *file, size_t i, char message[SCENE_MESSAGE_MAX])
{
	struct scene s = {.file = file, .host = file->host, .message = message};

	enum scene_result result = play_steps(&s, file->parts[i].first, file->parts[i].end);
	for (struct scene_client *c; (c = s.clients);) {
		scene_client_close(c);
		s.clients = c->next;
		free(c);
	}
	for (struct scene_found *f; (f = s.found);) {
		s.found = f->next;
		free(f);
	}
	return result;
}
