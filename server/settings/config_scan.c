/* SPDX-License-Identifier: ISC */
/* config_scan - a configuration file and what it includes, as one text. */
#include "config_scan.h"

#include "config_number.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define INCLUDE_DEPTH_MAX 10
#define BYTES_MAX         (16U << 20)

/* What no libconfig accepts: it makes a syntax error on its line. */
#define GARBAGE "?"

struct config_scan {
	struct mistakes *mistakes; /* borrowed until config_scan_open() returns */
	char *folder;              /* where relative includes lie */
	struct config_text text;
	size_t bytes_read;
	bool broken; /* a file is not whole: the text would make no sense */
	bool ended;  /* too much was included: nothing more is read */

	char last;           /* the last token: its character, or 'x' for a longer one */
	char before;         /* the one before it */
	size_t comma_offset; /* of the last comma in the text */
};

/* A file that is being read. */
struct source {
	const char *path;
	const char *at;
	unsigned line;
	unsigned depth; /* 0 for the file that -c names */
	bool indent;    /* only blanks since the line began */
};

static void scan_file(struct config_scan *s, const char *path, const struct source *from);

/* A token that stands in the text as it stands in the file. */
static void put_token(struct config_scan *s, char token, const char *bytes, size_t len)
{
	s->before = s->last;
	s->last = token;
	config_text_put(&s->text, bytes, len);
}

/* Steps. */

static bool starts(const struct source *from, const char *text)
{
	return strncmp(from->at, text, strlen(text)) == 0;
}

static void copy_blank(struct config_scan *s, struct source *from)
{
	if (*from->at == '\n') {
		from->line++;
		from->indent = true;
	} else if (*from->at != ' ' && *from->at != '\t') {
		from->indent = false;
	}
	config_text_put(&s->text, from->at++, 1);
}

static void skip_rest_of_line(struct source *from)
{
	from->at += strcspn(from->at, "\n");
}

/* Only the ends of line of such a comment remain, so that later lines keep their numbers. */
static void skip_comment(struct config_scan *s, struct source *from)
{
	unsigned line = from->line;
	const char *end = strstr(from->at + 2, "*/");

	if (!end) {
		mistakes_in_file(s->mistakes, from->path, line,
			"the comment that begins here is never closed");
		s->broken = true;
		from->at += strlen(from->at);
		return;
	}
	config_text_put(&s->text, " ", 1);
	for (; from->at < end; from->at++) {
		if (*from->at == '\n') {
			config_text_put(&s->text, "\n", 1);
			from->line++;
		}
	}
	from->at = end + 2;
}

/* Is it \x00, which libconfig drops or takes for the end of the text? */
static bool at_escaped_nul(const char *at)
{
	return at[0] == '\\' && (at[1] == 'x' || at[1] == 'X') && at[2] == '0' && at[3] == '0';
}

/* The closing quote, or the end of the file; at is after the opening quote. */
static const char *find_quote(const char *at)
{
	while (*at && *at != '"')
		at += at[0] == '\\' && (at[1] == '"' || at[1] == '\\') ? 2 : 1;
	return at;
}

static void copy_string(struct config_scan *s, struct source *from)
{
	const char *end = find_quote(from->at + 1);

	if (!*end) {
		mistakes_in_file(s->mistakes, from->path, from->line,
			"the text that begins here is never closed");
		s->broken = true;
		from->at = end;
		return;
	}
	put_token(s, 'x', from->at++, 1);
	while (from->at < end) {
		size_t len = from->at[0] == '\\' ? 2 : 1;
		if (at_escaped_nul(from->at)) {
			mistakes_in_file(s->mistakes, from->path, from->line,
				"no text can have \\x00 in it");
			from->at += strlen("\\x00");
			continue;
		}
		from->line += from->at[len - 1] == '\n';
		config_text_put(&s->text, from->at, len);
		from->at += len;
	}
	config_text_put(&s->text, from->at++, 1);
}

/* Numbers. */

/* Write an integer in decimal, or as 0x0, with a mistake told, if it does not fit. */
static void copy_number(struct config_scan *s, struct source *from)
{
	struct config_number n = config_number_measure(from->at);
	char text[32];
	intmax_t value;

	if (n.floating) {
		put_token(s, 'x', from->at, n.len);
	} else {
		if (config_number_fits(from->at, &n, &value)) {
			snprintf(text, sizeof text, "%jd%s ", value, n.wide ? "L" : "");
		} else {
			snprintf(text, sizeof text, "0x0%s ", n.wide ? "L" : "");
			mistakes_in_file(s->mistakes, from->path, from->line,
				"the number %.*s does not fit in %d bits%s", (int)n.digits,
				from->at, n.wide ? 64 : 32,
				n.wide ? "" : "; the largest is 2147483647");
		}
		put_token(s, 'x', text, strlen(text));
	}
	from->at += n.len;
}

/* Commas and brackets. */

/* A second comma is refused by some libconfig only: make it a mistake for each. */
static void copy_comma(struct config_scan *s, struct source *from)
{
	bool twice = s->last == ',';

	s->comma_offset = s->text.size;
	put_token(s, twice ? 'x' : ',', twice ? GARBAGE : ",", 1);
	from->at++;
}

/* Take out one comma before it, which libconfig 1.7 allows and 1.5 does not. */
static void copy_closing(struct config_scan *s, struct source *from)
{
	if (s->last == ',' && s->before != '(' && s->before != '[')
		s->text.bytes[s->comma_offset] = ' ';
	put_token(s, *from->at, from->at, 1);
	from->at++;
}

/* Includes. */

/* "^[ \t]*@include[ \t]+\"" */
static bool at_include(const struct source *from)
{
	if (!from->indent || !starts(from, "@include"))
		return false;
	const char *at = from->at + strlen("@include");
	size_t blanks = strspn(at, " \t");
	return blanks > 0 && at[blanks] == '"';
}

/* The name without its quotes and escapes.  The caller frees it. */
static char *included_name(const char *at, const char *end)
{
	char *name = calloc(1, (size_t)(end - at) + 1);

	if (!name)
		abort();
	for (size_t len = 0; at < end; at++) {
		if (*at == '\\' && (at[1] == '"' || at[1] == '\\'))
			at++;
		name[len++] = *at;
	}
	return name;
}

static char *path_of(const struct config_scan *s, const char *name)
{
	char *path = NULL;

	if (name[0] == '/')
		path = strdup(name);
	else if (asprintf(&path, "%s/%s", s->folder, name) < 0)
		abort();
	return path;
}

static void include(struct config_scan *s, struct source *from, const char *name)
{
	const char *path = config_text_keep_path(&s->text, path_of(s, name));

	config_text_put(&s->text, "\n", 1);
	scan_file(s, path, from);
	config_text_begin(&s->text, from->path, from->line);
}

static void follow_include(struct config_scan *s, struct source *from)
{
	const char *at = strchr(from->at, '"') + 1;
	const char *end = find_quote(at);

	if (!*end || memchr(at, '\n', (size_t)(end - at))) {
		mistakes_in_file(s->mistakes, from->path, from->line,
			"the name of the file to include is not closed on its line");
		s->broken = true;
		skip_rest_of_line(from);
		return;
	}
	char *name = included_name(at, end);
	include(s, from, name);
	free(name);
	from->at = end + 1;
}

/* Tokens. */

static size_t name_len(const char *at)
{
	size_t len = 0;

	if (isalpha((unsigned char)at[0]) || at[0] == '*')
		while (isalnum((unsigned char)at[len]) || (at[len] && strchr("-_*", at[len])))
			len++;
	return len;
}

static void copy_token(struct config_scan *s, struct source *from)
{
	size_t len = name_len(from->at);

	if (*from->at == '"') {
		copy_string(s, from);
	} else if (config_number_begins(from->at)) {
		copy_number(s, from);
	} else if (*from->at == ',') {
		copy_comma(s, from);
	} else if (*from->at == ')' || *from->at == ']') {
		copy_closing(s, from);
	} else if (len > 0) {
		put_token(s, 'x', from->at, len);
		from->at += len;
	} else {
		/* libconfig is to see no include of its own, or it would open files. */
		put_token(s, *from->at, *from->at == '@' ? GARBAGE : from->at, 1);
		from->at++;
	}
}

static void step(struct config_scan *s, struct source *from)
{
	if (strchr(" \t\n\r\f", *from->at)) {
		copy_blank(s, from);
	} else if (at_include(from)) {
		follow_include(s, from);
		from->indent = false;
	} else {
		from->indent = false;
		if (*from->at == '#' || starts(from, "//"))
			skip_rest_of_line(from);
		else if (starts(from, "/*"))
			skip_comment(s, from);
		else
			copy_token(s, from);
	}
}

/* Files. */

/*
 * All that the file holds, with an end of line at its end.  It is read once, so that a pipe will do.
 * NULL, with the errno, if it cannot be read: EFBIG above the bound.  The caller frees it.
 */
static char *read_file(struct config_scan *s, const char *path, size_t *size, int *error)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	char part[4096];
	size_t n;

	*error = errno;
	if (!file)
		return NULL;
	FILE *memory = open_memstream(&text, size);
	if (!memory)
		abort();
	errno = 0;
	while (s->bytes_read <= BYTES_MAX && (n = fread(part, 1, sizeof part, file)) > 0) {
		fwrite(part, 1, n, memory);
		s->bytes_read += n;
	}
	*error = ferror(file) ? errno : s->bytes_read > BYTES_MAX ? EFBIG : 0;
	fflush(memory);
	if (*size == 0 || text[*size - 1] != '\n')
		fputc('\n', memory);
	fclose(memory);
	fclose(file);
	if (*error) {
		free(text);
		return NULL;
	}
	return text;
}

static void tell_unreadable(
	struct config_scan *s, const char *path, const struct source *from, int error)
{
	s->broken = true;
	s->ended = error == EFBIG;
	if (s->ended)
		mistakes_in_file(s->mistakes, from ? from->path : path, from ? from->line : 1,
			"the configuration is larger than 16 MiB");
	else if (from)
		mistakes_in_file(s->mistakes, from->path, from->line, "%s cannot be included: %s",
			path, strerrordesc_np(error));
	else
		mistakes_unreadable(s->mistakes, path, error);
}

static void tell_nul(struct config_scan *s, const char *path, const char *text)
{
	unsigned line = 1;

	for (; *text; text++)
		line += *text == '\n';
	mistakes_in_file(s->mistakes, path, line, "it holds a NUL byte, and so is no text");
	s->broken = true;
}

/* Append the file to the text.  from names it; NULL for the file that -c names. */
static void scan_file(struct config_scan *s, const char *path, const struct source *from)
{
	unsigned depth = from ? from->depth + 1 : 0;
	size_t size;
	int error;

	if (depth > INCLUDE_DEPTH_MAX) {
		mistakes_in_file(s->mistakes, from->path, from->line,
			"%s cannot be included: includes go %d deep at most", path,
			INCLUDE_DEPTH_MAX);
		s->broken = s->ended = true;
		return;
	}
	char *text = read_file(s, path, &size, &error);
	if (!text) {
		tell_unreadable(s, path, from, error);
		return;
	}
	if (strlen(text) != size) {
		tell_nul(s, path, text);
		free(text);
		return;
	}
	struct source source = {
		.path = path, .at = text, .line = 1, .depth = depth, .indent = true};
	config_text_begin(&s->text, path, source.line);
	while (*source.at && !s->ended)
		step(s, &source);
	free(text);
}

static char *folder_of(const char *path)
{
	char *copy = strdup(path);
	char *folder = copy ? strdup(dirname(copy)) : NULL;

	if (!folder)
		abort();
	free(copy);
	return folder;
}

struct config_scan *config_scan_open(const char *path, struct mistakes *m)
{
	struct config_scan *s = calloc(1, sizeof *s);

	if (!s)
		abort();
	s->mistakes = m;
	s->folder = folder_of(path);
	scan_file(s, config_text_keep_path(&s->text, strdup(path)), NULL);
	s->mistakes = NULL;
	if (s->broken) {
		config_scan_free(s);
		return NULL;
	}
	return s;
}

void config_scan_free(struct config_scan *s)
{
	if (!s)
		return;
	config_text_fini(&s->text);
	free(s->folder);
	free(s);
}

const char *config_scan_text(const struct config_scan *s)
{
	return s->text.bytes;
}

struct config_place config_scan_place(const struct config_scan *s, unsigned line)
{
	return config_text_place(&s->text, line);
}
