/* SPDX-License-Identifier: ISC */
/*
 * scenes_test - plays the scenes of a file: a title at the left margin, its steps after a tab.
 *
 *   scenes_test FILE
 *
 * A step "for WORD WORD..." plays its scene once for each word, in place of each '$'; '_' in it is
 * a space.
 */
#include "fixture.h"
#include "steps.h"
#include "test/suite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCENES_MAX 100
#define LINE_BYTES 256

/* The test of scene k runs with the indexes from k * WORDS_MAX on, one for each word. */
#define WORDS_MAX 20

static struct scene {
	char title[LINE_BYTES];
	char *steps; /* as they stand in the file */
	char *words;
	int line;
	TTest test;
} scenes[SCENES_MAX];

static size_t scene_count;
static const char *path;

static char *add_line(char *text, const char *line)
{
	char *longer = NULL;

	if (asprintf(&longer, "%s%s\n", text ? text : "", line) < 0)
		abort();
	free(text);
	return longer;
}

static void read_line(const char *line, int number)
{
	if (line[0] == '\0' || line[0] == '#')
		return;
	if (line[0] != '\t') {
		struct scene *s = &scenes[scene_count++];
		snprintf(s->title, sizeof s->title, "%s", line);
		s->line = number;
		return;
	}
	struct scene *s = &scenes[scene_count - 1];
	if (strncmp(line, "\tfor ", 5) == 0)
		s->words = add_line(NULL, line + 5);
	else
		s->steps = add_line(s->steps, line);
}

static bool read_scenes(void)
{
	FILE *file = fopen(path, "re");
	char line[LINE_BYTES];

	if (!file)
		return false;
	for (int number = 1; fgets(line, sizeof line, file); number++) {
		line[strcspn(line, "\n")] = '\0';
		read_line(line, number);
	}
	fclose(file);
	return true;
}

/* Word number index of the scene, or none; until the next call. */
static const char *word_at(const struct scene *s, int index)
{
	static char words[LINE_BYTES];
	char *rest = words;
	char *word = NULL;

	snprintf(words, sizeof words, "%s", s->words ? s->words : "");
	for (int i = 0; rest && i <= index; i++)
		word = strsep(&rest, " \n");
	for (char *p = word; p && (p = strchr(p, '_'));)
		*p = ' ';
	return word ? word : "";
}

static int count_words(const struct scene *s)
{
	int count = 1;

	for (const char *p = s->words; p && (p = strchr(p, ' ')); p++)
		count++;
	return count;
}

static void do_step(const struct scene *s, const char *step, const char *word)
{
	char text[2 * LINE_BYTES];
	size_t len = 0;

	for (const char *p = step; *p && len < LINE_BYTES; p++) {
		if (*p == '$')
			len += (size_t)snprintf(text + len, sizeof text - len, "%s", word);
		else
			text[len++] = *p;
	}
	text[len] = '\0';
	/* The last of them before a failure is the one that failed. */
	fprintf(stderr, "%s:%d: %s\n", path, s->line, text);
	steps_do(text);
}

static void play(int index)
{
	const struct scene *s = &scenes[index / WORDS_MAX];
	const char *word = word_at(s, index % WORDS_MAX);
	char *copy = strdup(s->steps);
	char *rest = copy;

	for (char *step; (step = strsep(&rest, "\n")) && *step;)
		do_step(s, step + 1, word);
	free(copy);
}

static enum suite_kind kind_of(const struct scene *s)
{
	if (strstr(s->steps, "\tserve-right "))
		return SUITE_ANY_SERVER;
	return strstr(s->steps, "\twithin ") ? SUITE_TIMED : SUITE_PLAIN;
}

SUITE_FIXTURE(fixture_set_up, fixture_tear_down)

int main(int argc, char **argv)
{
	path = argc > 1 ? argv[1] : "";
	if (!read_scenes()) {
		perror(path);
		return EXIT_FAILURE;
	}
	for (size_t i = 0; i < scene_count; i++) {
		struct scene *s = &scenes[i];
		s->test = (TTest){s->title, play, path, s->line};
		suite_add(&(struct suite_test){.test = &s->test,
			.kind = kind_of(s),
			.first = (int)i * WORDS_MAX,
			.rows = count_words(s)});
	}
	return suite_run(basename(path));
}
