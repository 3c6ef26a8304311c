/* SPDX-License-Identifier: ISC */
/* integers - finds what libconfig would misread in a configuration file. */
#include "integers.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* As deep as libconfig goes. */
#define INCLUDE_DEPTH 10

struct scan {
	struct faults *faults;
	const char *path;
	const char *dir;
	const char *at;
	unsigned line;
	unsigned depth;
	bool includes_only;
};

static void check_file(const struct scan *from, const char *path);

static void skip_until(struct scan *s, const char *end)
{
	while (*s->at && strncmp(s->at, end, strlen(end)) != 0) {
		s->line += *s->at == '\n';
		s->at++;
	}
}

/* From behind the opening to behind the closing; at the end of the text for one that is never closed. */
static void skip_comment(struct scan *s)
{
	s->at += 2;
	skip_until(s, "*/");
	s->at += *s->at ? 2 : 0;
}

static bool starts(const struct scan *s, const char *text)
{
	return strncmp(s->at, text, strlen(text)) == 0;
}

/* From the opening quote to behind the closing one. */
static void skip_string(struct scan *s)
{
	for (s->at++; *s->at && *s->at != '"'; s->at++) {
		if (*s->at == '\\' && s->at[1])
			s->at++;
		s->line += *s->at == '\n';
	}
	if (*s->at)
		s->at++;
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void follow_include(struct scan *s)
{
	char path[4096];
	unsigned line = s->line;

	s->at += strlen("@include");
	s->at += strspn(s->at, " \t");
	if (*s->at != '"')
		return;
	const char *name = s->at + 1;
	skip_string(s);
	int len = (int)(s->at - name) - 1;
	if (name[0] == '/' || !s->dir)
		snprintf(path, sizeof path, "%.*s", len, name);
	else
		snprintf(path, sizeof path, "%s/%.*s", s->dir, len, name);
	if (s->includes_only && is_folder(path))
		faults_in_file(s->faults, s->path, line, "%.*s cannot be included: %s", len, name,
			strerrordesc_np(EISDIR));
	else if (s->depth <= INCLUDE_DEPTH)
		check_file(s, path);
}

static bool fits(const char *digits, int base, bool wide)
{
	errno = 0;
	if (base == 16) {
		uintmax_t value = strtoumax(digits, NULL, 16);
		return errno == 0 && value <= (wide ? (uintmax_t)INT64_MAX : INT32_MAX);
	}
	intmax_t value = strtoimax(digits, NULL, 10);
	return errno == 0 && (wide || (value >= INT32_MIN && value <= INT32_MAX));
}

/* A number, or the start of a float, which is not ours to judge. */
static void check_number(struct scan *s)
{
	const char *start = s->at;

	s->at += *s->at == '-' || *s->at == '+';
	bool hex = s->at[0] == '0' && (s->at[1] == 'x' || s->at[1] == 'X');
	s->at += hex ? 2 : 0;
	while (hex ? isxdigit((unsigned char)*s->at) : isdigit((unsigned char)*s->at))
		s->at++;
	if (!hex && (*s->at == '.' || *s->at == 'e' || *s->at == 'E')) {
		s->at += strspn(s->at, "0123456789.eE+-");
		return;
	}
	bool wide = *s->at == 'L';
	if (!s->includes_only && !fits(start, hex ? 16 : 10, wide))
		faults_in_file(s->faults, s->path, s->line,
			"the number %.*s does not fit in %d bits%s", (int)(s->at - start), start,
			wide ? 64 : 32, wide ? "" : "; the largest is 2147483647");
	s->at += strspn(s->at, "L");
}

static bool at_number(const struct scan *s)
{
	bool sign = *s->at == '-' || *s->at == '+';
	bool point = s->at[sign] == '.';

	return isdigit((unsigned char)s->at[sign + point]);
}

static void step(struct scan *s)
{
	if (*s->at == '#' || starts(s, "//")) {
		skip_until(s, "\n");
	} else if (starts(s, "/*")) {
		skip_comment(s);
	} else if (*s->at == '"') {
		skip_string(s);
	} else if (starts(s, "@include")) {
		follow_include(s);
	} else if (isalpha((unsigned char)*s->at) || *s->at == '*') {
		while (isalnum((unsigned char)*s->at) || (*s->at && strchr("-_*", *s->at)))
			s->at++;
	} else if (at_number(s)) {
		check_number(s);
	} else {
		s->line += *s->at == '\n';
		s->at++;
	}
}

/* The whole file as a string that the caller frees, or NULL. */
static char *read_whole(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	if (!file)
		return NULL;
	if (getdelim(&text, &size, '\0', file) < 0) {
		free(text);
		text = NULL;
	}
	fclose(file);
	return text;
}

static void check_text(const struct scan *from, const char *path, const char *text)
{
	struct scan s = *from;

	s.path = path;
	s.at = text;
	s.line = 1;
	s.depth++;
	while (*s.at)
		step(&s);
}

static void check_file(const struct scan *from, const char *path)
{
	char *text = read_whole(path);

	if (text)
		check_text(from, path, text);
	free(text);
}

void integers_check(struct faults *f, const char *path, const char *dir, const char *text)
{
	const struct scan first = {.faults = f, .dir = dir};

	check_text(&first, path, text);
}

bool integers_may_include(struct faults *f, const char *path, const char *dir, const char *text)
{
	const struct scan first = {.faults = f, .dir = dir, .includes_only = true};
	unsigned before = f->file;

	check_text(&first, path, text);
	return f->file == before;
}
