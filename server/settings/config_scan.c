/* SPDX-License-Identifier: ISC */
/* config_scan - a configuration file and what it includes, as one text. */
#include "config_scan.h"

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

/* libconfig takes it for nothing: a syntax error on its line. */
#define GARBAGE "?"

/* From this line of the text on, lines come from this place. */
struct segment {
	unsigned first;
	struct config_place place;
};

/* The text so far, and what is known of it. */
struct config_scan {
	struct mistakes *mistakes; /* borrowed until config_scan_open() returns */
	char *folder;              /* where relative includes lie */
	char *text;
	size_t size;
	size_t capacity;
	unsigned lines; /* ends of line in the text */
	struct segment *segments;
	size_t segment_count;
	char **paths; /* of the files that were read */
	size_t path_count;
	size_t bytes_read;
	bool broken; /* a file is not whole: the text means nothing */
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

/* The text. */

static void *must_grow(void *array, size_t size)
{
	void *grown = realloc(array, size);

	if (!grown)
		abort();
	return grown;
}

static void put(struct config_scan *s, const char *bytes, size_t len)
{
	if (s->size + len >= s->capacity) {
		s->capacity = 2 * (s->size + len) + 1;
		s->text = must_grow(s->text, s->capacity);
	}
	for (size_t i = 0; i < len; i++)
		s->lines += bytes[i] == '\n';
	memcpy(s->text + s->size, bytes, len);
	s->size += len;
	s->text[s->size] = '\0';
}

/* A token that stands in the text as it stands in the file. */
static void put_token(struct config_scan *s, char token, const char *bytes, size_t len)
{
	s->before = s->last;
	s->last = token;
	put(s, bytes, len);
}

static void begin_segment(struct config_scan *s, const char *path, unsigned line)
{
	s->segments = must_grow(s->segments, (s->segment_count + 1) * sizeof *s->segments);
	s->segments[s->segment_count++] = (struct segment){
		.first = s->lines + 1,
		.place = {.path = path, .line = line},
	};
}

/* Takes the path, and keeps it as long as the scan. */
static const char *keep_path(struct config_scan *s, char *path)
{
	if (!path)
		abort();
	s->paths = must_grow(s->paths, (s->path_count + 1) * sizeof *s->paths);
	return s->paths[s->path_count++] = path;
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
	put(s, from->at++, 1);
}

static void skip_rest_of_line(struct source *from)
{
	from->at += strcspn(from->at, "\n");
}

/* A comment between marks, of which the ends of line remain. */
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
	put(s, " ", 1);
	for (; from->at < end; from->at++) {
		if (*from->at == '\n') {
			put(s, "\n", 1);
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

/* The closing quote, or the end of the file.  at is after the opening one. */
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
		put(s, from->at, len);
		from->at += len;
	}
	put(s, from->at++, 1);
}

/* Numbers. */

struct number {
	bool floating;
	bool hex;
	bool wide;     /* ends in L */
	size_t digits; /* bytes, with sign and 0x, without L */
	size_t len;
};

static size_t count(const char *at, int (*is)(int))
{
	size_t n = 0;

	while (is((unsigned char)at[n]))
		n++;
	return n;
}

/* ".5e7", which makes the digits before it a number with a decimal point; 0 if it is none. */
static size_t fraction_len(const char *at)
{
	size_t len = at[0] == '.' ? 1 + count(at + 1, isdigit) : 0;

	if (at[len] == 'e' || at[len] == 'E') {
		size_t sign = at[len + 1] == '-' || at[len + 1] == '+';
		size_t exponent = count(at + len + 1 + sign, isdigit);
		len += exponent > 0 ? 1 + sign + exponent : 0;
	}
	return len;
}

/* As libconfig splits its text. */
static struct number measure(const char *at)
{
	struct number n = {0};
	size_t sign = *at == '-' || *at == '+';
	size_t fraction;

	n.hex = at[0] == '0' && (at[1] == 'x' || at[1] == 'X') && isxdigit((unsigned char)at[2]);
	n.digits = n.hex ? 2 + count(at + 2, isxdigit) : sign + count(at + sign, isdigit);
	fraction = n.hex ? 0 : fraction_len(at + n.digits);
	n.floating = fraction > 0;
	n.wide = !n.floating && at[n.digits] == 'L';
	n.len = n.digits + fraction + (n.wide ? 1 + (at[n.digits + 1] == 'L') : 0);
	return n;
}

static bool at_number(const char *at)
{
	size_t sign = *at == '-' || *at == '+';

	return isdigit((unsigned char)at[sign + (at[sign] == '.')]);
}

static bool fits(const char *at, const struct number *n, intmax_t *value)
{
	char digits[32];

	/* Zeros in front are no digits. */
	size_t sign = *at == '-' || *at == '+';
	size_t skip = n->hex ? 2 : sign;
	while (skip + 1 < n->digits && at[skip] == '0')
		skip++;
	if (n->digits - skip > 20)
		return false;
	snprintf(digits, sizeof digits, "%s%.*s", *at == '-' ? "-" : "", (int)(n->digits - skip),
		at + skip);
	errno = 0;
	*value = strtoimax(digits, NULL, n->hex ? 16 : 10);
	return errno == 0 && (n->wide || (*value >= INT32_MIN && *value <= INT32_MAX));
}

/* An integer in decimal; one that does not fit is told, and 0x0. */
static void copy_number(struct config_scan *s, struct source *from)
{
	struct number n = measure(from->at);
	char text[32];
	intmax_t value;

	if (n.floating) {
		put_token(s, 'x', from->at, n.len);
	} else {
		if (fits(from->at, &n, &value)) {
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

/* The second of two commas is a mistake everywhere. */
static void copy_comma(struct config_scan *s, struct source *from)
{
	bool twice = s->last == ',';

	s->comma_offset = s->size;
	put_token(s, twice ? 'x' : ',', twice ? GARBAGE : ",", 1);
	from->at++;
}

/* One comma may stand before it, as libconfig 1.7 has it. */
static void copy_closing(struct config_scan *s, struct source *from)
{
	if (s->last == ',' && s->before != '(' && s->before != '[')
		s->text[s->comma_offset] = ' ';
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
	const char *path = keep_path(s, path_of(s, name));

	put(s, "\n", 1);
	scan_file(s, path, from);
	begin_segment(s, from->path, from->line);
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
	} else if (at_number(from->at)) {
		copy_number(s, from);
	} else if (*from->at == ',') {
		copy_comma(s, from);
	} else if (*from->at == ')' || *from->at == ']') {
		copy_closing(s, from);
	} else if (len > 0) {
		put_token(s, 'x', from->at, len);
		from->at += len;
	} else {
		/* No include but ours: libconfig opens no file. */
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
 * All that the file holds, read once, so that a pipe will do.  An end of line is added where there
 * is none.  NULL, with the errno, if it cannot be read: EFBIG above the bound.  The caller frees it.
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

/* Append the file to the text.  from is NULL for the first one. */
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
	begin_segment(s, path, source.line);
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

struct config_scan *config_scan_open(const char *path, struct mistakes *f)
{
	struct config_scan *s = calloc(1, sizeof *s);

	if (!s)
		abort();
	s->mistakes = f;
	s->folder = folder_of(path);
	scan_file(s, keep_path(s, strdup(path)), NULL);
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
	for (size_t i = 0; i < s->path_count; i++)
		free(s->paths[i]);
	free(s->paths);
	free(s->segments);
	free(s->text);
	free(s->folder);
	free(s);
}

const char *config_scan_text(const struct config_scan *s)
{
	return s->text;
}

struct config_place config_scan_place(const struct config_scan *s, unsigned line)
{
	size_t from = 0;
	size_t below = s->segment_count;

	/* The last one that begins at or before the line; the first one begins at 1. */
	while (below - from > 1) {
		size_t middle = from + (below - from) / 2;
		if (s->segments[middle].first <= line)
			from = middle;
		else
			below = middle;
	}
	const struct segment *segment = &s->segments[from];
	return (struct config_place){
		.path = segment->place.path,
		.line = segment->place.line + (line - segment->first),
	};
}
