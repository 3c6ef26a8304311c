/* SPDX-License-Identifier: ISC */
/* scene_text - reads a file of scenes. */
#include "scene_inside.h"

#include "common/quantity.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The lists grow one by one; files are short. */
static void *must_grow(void *list, size_t count, size_t size)
{
	void *grown = realloc(list, (count + 1) * size);

	if (!grown)
		abort();
	memset((char *)grown + count * size, 0, size);
	return grown;
}

/* Reading. */

struct reader {
	const char *path;
	int line;
	char *message;
};

static bool refuse(const struct reader *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static bool refuse(const struct reader *r, const char *format, ...)
{
	va_list args;
	int len = snprintf(r->message, SCENE_MESSAGE_MAX, "%s:%d: ", r->path, r->line);

	va_start(args, format);
	vsnprintf(r->message + len, SCENE_MESSAGE_MAX - (size_t)len, format, args);
	va_end(args);
	return false;
}

void scene_token_put(struct scene_token *t, char c)
{
	/* By powers of two. */
	if ((t->len & (t->len + 1)) == 0) {
		t->text = realloc(t->text, 2 * (t->len + 1));
		if (!t->text)
			abort();
	}
	t->text[t->len++] = c;
	t->text[t->len] = '\0';
}

/* After a backslash. */
static bool read_escape(const struct reader *r, const char **at, char *c)
{
	static const char names[] = "nrt0\"\\";
	static const char values[] = "\n\r\t\0\"\\";
	const char *found = **at ? strchr(names, **at) : NULL;
	char digits[3] = "";

	if (found) {
		*c = values[found - names];
		(*at)++;
		return true;
	}
	if (**at != 'x' || !isxdigit((unsigned char)(*at)[1]) || !isxdigit((unsigned char)(*at)[2]))
		return refuse(r, "there is no escape \\%.1s", *at);
	memcpy(digits, *at + 1, 2);
	*c = (char)strtol(digits, NULL, 16);
	*at += 3;
	return true;
}

/* After an opening quote. */
static bool read_quoted(const struct reader *r, const char **at, struct scene_token *t)
{
	while (**at != '"') {
		if (!**at)
			return refuse(r, "a quote is not closed");
		char c = *(*at)++;
		if (c == '\\' && !read_escape(r, at, &c))
			return false;
		scene_token_put(t, c);
	}
	(*at)++;
	return true;
}

static bool read_bytes(const struct reader *r, const char **at, struct scene_token *t)
{
	t->quoted = true;
	t->frame = **at == '#';
	t->urgent = **at == 'u';
	*at = strchr(*at, '"') + 1;
	if (!read_quoted(r, at, t))
		return false;
	if (**at == '*')
		t->times = strtol(*at + 1, (char **)at, 10);
	if (t->times <= 0 || (**at && !isblank((unsigned char)**at)))
		return refuse(r, "after a quote there is a blank, or \"*COUNT\"");
	return true;
}

static bool read_word(const struct reader *r, const char **at, struct scene_token *t)
{
	while (**at && !isblank((unsigned char)**at)) {
		char c = *(*at)++;
		if (c != '"')
			scene_token_put(t, c);
		else if (!read_quoted(r, at, t))
			return false;
	}
	return true;
}

static struct scene_token *add_token(struct scene_step *s)
{
	s->tokens = must_grow(s->tokens, s->count, sizeof *s->tokens);
	struct scene_token *t = &s->tokens[s->count++];
	t->text = calloc(1, 1);
	t->times = 1;
	return t;
}

static bool read_tokens(const struct reader *r, const char *at, struct scene_step *s)
{
	for (at += strspn(at, " \t"); *at; at += strspn(at, " \t")) {
		struct scene_token *t = add_token(s);
		bool bytes = *at == '"' || strncmp(at, "#\"", 2) == 0 ||
			strncmp(at, "urgent\"", strlen("urgent\"")) == 0;
		if (!(bytes ? read_bytes : read_word)(r, &at, t))
			return false;
	}
	return true;
}

bool scene_token_is(const struct scene_token *t, const char *word)
{
	return !t->quoted && strcmp(t->text, word) == 0;
}

static void drop_tokens(struct scene_step *s, size_t from, size_t count)
{
	for (size_t i = from; i < from + count; i++)
		free(s->tokens[i].text);
	memmove(s->tokens + from, s->tokens + from + count,
		(s->count - from - count) * sizeof *s->tokens);
	s->count -= count;
}

/* "after TIME" and "within TIME", at the end of a step. */
static bool read_times(const struct reader *r, struct scene_step *s)
{
	while (s->count > 2) {
		const struct scene_token *t = &s->tokens[s->count - 2];
		bool after = scene_token_is(t, "after");
		if (!after && !scene_token_is(t, "within"))
			break;
		if (quantity_parse_duration(t[1].text, after ? &s->after_ns : &s->within_ns) < 0)
			return refuse(r, "\"%s\" is no time", t[1].text);
		drop_tokens(s, s->count - 2, 2);
	}
	return true;
}

/* Steps. */

static const struct scene_word *find_word(const struct scene_host *host, const char *name)
{
	for (const struct scene_word *w = host->words; w && w->name; w++) {
		if (strcmp(w->name, name) == 0)
			return w;
	}
	return NULL;
}

static bool read_repeat(const struct reader *r, struct scene_step *s)
{
	s->kind = SCENE_REPEAT;
	s->times = s->count > 1 ? strtol(s->tokens[1].text, NULL, 10) : 0;
	s->times_soaked = s->times;
	if (s->count == 4 && scene_token_is(&s->tokens[2], "soak"))
		s->times_soaked = strtol(s->tokens[3].text, NULL, 10);
	else if (s->count != 2)
		return refuse(r, "it is \"repeat COUNT\" or \"repeat COUNT soak COUNT\"");
	if (s->times <= 0 || s->times_soaked <= 0)
		return refuse(r, "\"repeat\" wants a number");
	return true;
}

/* What stands at the beginning of the line besides the step itself.  Returns where that begins. */
static const char *read_beginning(const char *at, struct scene_step *s)
{
	while (true) {
		at += strspn(at, " \t");
		size_t len = strcspn(at, " \t");
		if (len == 3 && strncmp(at, "now", len) == 0)
			s->now = true;
		else if (*at == '@')
			snprintf(s->server, sizeof s->server, "%.*s", (int)len - 1, at + 1);
		else
			return at;
		at += len;
	}
}

static bool read_step(const struct reader *r, const struct scene_host *host, const char *line,
	struct scene_step *s)
{
	char name[SCENE_NAME_MAX];

	s->line = r->line;
	s->text = strdup(line + strspn(line, " \t"));
	const char *at = read_beginning(line, s);
	snprintf(name, sizeof name, "%.*s", (int)strcspn(at, " \t"), at);
	s->word = find_word(host, name);
	if (s->word && s->word->raw) {
		at += strlen(name);
		at += strspn(at, " \t");
		struct scene_token *t = add_token(s);
		while (*at)
			scene_token_put(t, *at++);
		return true;
	}
	if (!read_tokens(r, at, s) || !read_times(r, s))
		return false;
	if (s->count == 0 || s->count > SCENE_TOKENS_MAX)
		return refuse(r, "this step has too %s words", s->count ? "many" : "few");
	if (s->word) {
		drop_tokens(s, 0, 1);
		if ((int)s->count < s->word->least || (int)s->count > s->word->most)
			return refuse(r, "\"%s\" has too %s arguments", name,
				(int)s->count < s->word->least ? "few" : "many");
		return true;
	}
	if (scene_token_is(s->tokens, "repeat"))
		return read_repeat(r, s);
	s->kind = scene_token_is(s->tokens, "again") ? SCENE_AGAIN : SCENE_STEP;
	const char *wrong = scene_client_check(s->tokens, s->count);
	return s->kind == SCENE_AGAIN || !wrong || refuse(r, "%s", wrong);
}

/* "| TEXT": one more line of the last argument of the step before. */
static bool read_block(const struct reader *r, struct scene_file *f, const char *line)
{
	struct scene_step *s = f->part_count ? &f->steps[f->step_count - 1] : NULL;

	if (!s || s->line != r->line - 1 - (int)s->times || !s->word)
		return refuse(r, "this line belongs to no step");
	if (s->times++ == 0)
		add_token(s)->quoted = true;
	line += strspn(line, " \t") + 1;
	for (line += *line == ' '; *line; line++)
		scene_token_put(&s->tokens[s->count - 1], *line);
	scene_token_put(&s->tokens[s->count - 1], '\n');
	return true;
}

static void begin_part(struct scene_file *f, int line, const char *name)
{
	f->parts = must_grow(f->parts, f->part_count, sizeof *f->parts);
	f->parts[f->part_count++] = (struct scene_part){
		.name = strdup(name), .line = line, .first = f->step_count, .end = f->step_count};
}

static bool read_line(const struct reader *r, struct scene_file *f, const char *line)
{
	const char *first = line + strspn(line, " \t");

	if (!*first || *first == '#')
		return true;
	if (first == line) {
		begin_part(f, r->line, line);
		return true;
	}
	if (f->part_count == 0)
		return refuse(r, "this step belongs to no scene: its name is at the margin");
	if (*first == '|')
		return read_block(r, f, line);
	f->steps = must_grow(f->steps, f->step_count, sizeof *f->steps);
	assert(f->parts);
	f->parts[f->part_count - 1].end = f->step_count + 1;
	return read_step(r, f->host, line, &f->steps[f->step_count++]);
}

/* Pair "repeat" with "again", from the step i on.  Returns the "again", or end without one. */
static size_t pair(struct scene_file *f, size_t i, size_t end)
{
	assert(f->steps || i >= end);
	for (; i < end && f->steps[i].kind != SCENE_AGAIN; i++) {
		if (f->steps[i].kind == SCENE_REPEAT)
			i = f->steps[i].end = pair(f, i + 1, end);
	}
	return i;
}

/* What can be wrong with a scene as a whole. */
static bool check_part(struct reader *r, struct scene_file *f, struct scene_part *p)
{
	bool clock = false;

	r->line = p->line;
	if (p->first == p->end)
		return refuse(r, "this scene has no steps");
	size_t again = pair(f, p->first, p->end);
	for (size_t i = p->first; i < p->end; i++) {
		const struct scene_step *s = &f->steps[i];
		r->line = s->line;
		clock |= s->now;
		p->timed |= s->after_ns || s->within_ns;
		if ((s->after_ns || s->within_ns) && !clock)
			return refuse(r, "a time counts from a step that begins with \"now\"");
		if (s->kind == SCENE_REPEAT && s->end >= p->end)
			return refuse(r, "this \"repeat\" has no \"again\"");
		if (i == again)
			return refuse(r, "this \"again\" has no \"repeat\"");
	}
	return true;
}

static bool read_all(struct reader *r, struct scene_file *f, FILE *in)
{
	char *line = NULL;
	size_t size = 0;
	bool good = true;

	while (good && getline(&line, &size, in) > 0) {
		line[strcspn(line, "\n")] = '\0';
		r->line++;
		good = read_line(r, f, line);
	}
	free(line);
	for (size_t i = 0; good && i < f->part_count; i++)
		good = check_part(r, f, &f->parts[i]);
	return good && (f->part_count > 0 || refuse(r, "there are no scenes"));
}

struct scene_file *scene_load(
	const char *path, const struct scene_host *host, char message[SCENE_MESSAGE_MAX])
{
	const char *slash = strrchr(path, '/');
	struct reader r = {.path = slash ? slash + 1 : path, .message = message};
	FILE *in = fopen(path, "re");
	struct scene_file *f = calloc(1, sizeof *f);

	if (!f)
		abort();
	f->name = strdup(r.path);
	f->host = host;
	bool good = in ? read_all(&r, f, in) : refuse(&r, "%s", strerror(errno));
	if (in)
		fclose(in);
	if (good)
		return f;
	scene_free(f);
	return NULL;
}

void scene_free(struct scene_file *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->step_count; i++) {
		drop_tokens(&f->steps[i], 0, f->steps[i].count);
		free(f->steps[i].tokens);
		free(f->steps[i].text);
	}
	for (size_t i = 0; i < f->part_count; i++)
		free(f->parts[i].name);
	free(f->steps);
	free(f->parts);
	free(f->name);
	free(f);
}

size_t scene_count(const struct scene_file *f)
{
	return f->part_count;
}

const char *scene_name(const struct scene_file *f, size_t i)
{
	return f->parts[i].name;
}

bool scene_is_timed(const struct scene_file *f, size_t i)
{
	return f->parts[i].timed;
}
