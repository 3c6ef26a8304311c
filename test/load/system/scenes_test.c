/* SPDX-License-Identifier: ISC */
/*
 * scenes_test - plays the scenes of a file: a title at the left margin, its steps after a tab.
 *
 *   scenes_test FILE
 *
 * "for WORD WORD..." plays its scene once for each word, in place of each '$'; '_' in it is a space.
 * "row COLUMN | COLUMN..." plays it once for each such line, with the columns in place of $1, $2 and
 * so on.  "only timing" is for the suite timing, "only bobbind" for BOBBIND in the environment.
 */
#include "fixture.h"
#include "steps.h"
#include "test/suite.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCENES_MAX 100
#define LINE_BYTES 320

/* The test of scene k runs with the indexes from k * ROWS_MAX on, one for each row. */
#define ROWS_MAX 30

static struct scene {
	TTest test;
	int row_count;
	char *rows[ROWS_MAX];
	char *steps; /* as they stand in the file, each after its line's number */
	char *only;
} scenes[SCENES_MAX];

static size_t scene_count;
static char whole[1 << 16]; /* the file, of which the scenes have the lines */
static const char *path;

static void add_words(struct scene *s, char *words)
{
	for (char *word; (word = strsep(&words, " "));) {
		for (char *p = word; (p = strchr(p, '_'));)
			*p = ' ';
		s->rows[s->row_count++] = word;
	}
}

static void add_step(struct scene *s, int number, const char *step)
{
	char *steps = s->steps;

	if (asprintf(&s->steps, "%s%d\t%s\n", steps ? steps : "", number, step) < 0)
		abort();
	free(steps);
}

/* The line stays where it is. */
static void read_line(char *line, int number)
{
	struct scene *s = &scenes[scene_count - (line[0] == '\t')];

	if (line[0] != '\t') {
		s->test = (TTest){line, NULL, path, number};
		scene_count++;
	} else if (strncmp(line, "\tfor ", 5) == 0) {
		add_words(s, line + 5);
	} else if (strncmp(line, "\trow ", 5) == 0) {
		s->rows[s->row_count++] = line + 5;
	} else if (strncmp(line, "\tonly ", 6) == 0) {
		s->only = line + 6;
	} else {
		add_step(s, number, line + 1);
	}
}

/* Append column n of a row, from 1, or the row. */
static size_t add_column(char *text, size_t size, const char *row, int n)
{
	const char *end;

	while (--n > 0 && (end = strstr(row, " | ")))
		row = end + 3;
	end = n == 0 ? strstr(row, " | ") : NULL;
	return (size_t)snprintf(text, size, "%.*s", end ? (int)(end - row) : (int)strlen(row), row);
}

static void do_step(const char *step, const char *row)
{
	char done[2 * LINE_BYTES];
	size_t len = 0;
	int line = (int)strtol(step, NULL, 10);

	for (const char *p = strchr(step, '\t') + 1; *p && len < LINE_BYTES; p++) {
		if (!row || *p != '$') {
			done[len++] = *p;
			continue;
		}
		bool numbered = isdigit((unsigned char)p[1]);
		len += add_column(done + len, sizeof done - len, row, numbered ? p[1] - '0' : 0);
		p += numbered;
	}
	done[len] = '\0';
	/* The last of them before a failure is the one that failed. */
	fprintf(stderr, "%s:%d: %s\n", path, line, done);
	steps_do(done);
}

static void play(int index)
{
	const struct scene *s = &scenes[index / ROWS_MAX];
	char *copy = strdup(s->steps);
	char *rest = copy;

	for (char *step; !fixture.skipped && (step = strsep(&rest, "\n")) && *step;)
		do_step(step, s->rows[index % ROWS_MAX]);
	free(copy);
	if (fixture.skipped)
		suite_tell_skipped(s->test.name, fixture.skipped);
}

static enum suite_kind kind_of(const struct scene *s)
{
	if (s->only && strcmp(s->only, "timing") == 0)
		return SUITE_TIMING;
	if (strstr(s->steps, "\tserve-right "))
		return SUITE_ANY_SERVER;
	return strstr(s->steps, "\twithin ") ? SUITE_TIMED : SUITE_PLAIN;
}

SUITE_FIXTURE(fixture_set_up, fixture_tear_down)

int main(int argc, char **argv)
{
	path = argc > 1 ? argv[1] : "";
	FILE *file = fopen(path, "re");
	char *rest = whole;
	char *line;

	if (!file) {
		perror(path);
		return EXIT_FAILURE;
	}
	size_t len = fread(whole, 1, sizeof whole - 1, file);
	if (len == sizeof whole - 1)
		abort();
	fclose(file);
	for (int number = 1; (line = strsep(&rest, "\n")); number++) {
		if (line[0] && line[0] != '#')
			read_line(line, number);
	}
	for (size_t i = 0; i < scene_count; i++) {
		struct scene *s = &scenes[i];
		if (s->only && strcmp(s->only, "bobbind") == 0 && !getenv("BOBBIND"))
			continue;
		s->test.fn = play;
		suite_add(&(struct suite_test){.test = &s->test,
			.kind = kind_of(s),
			.first = (int)i * ROWS_MAX,
			.rows = s->row_count > 0 ? s->row_count : 1});
	}
	return suite_run(basename(path));
}
