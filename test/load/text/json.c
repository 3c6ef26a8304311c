/* SPDX-License-Identifier: ISC */
/* json - writes JSON to a stdio stream. */
#include "json.h"

#include <inttypes.h>
#include <math.h>

void json_init(struct json *j, FILE *to)
{
	*j = (struct json){.to = to, .first = true};
}

/* How long the well-formed UTF-8 character at s is (RFC 3629, roughly: its shape, not every
 * overlong form); 0 if none. */
static int utf8_len(const unsigned char *s)
{
	int len = s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : s[0] >= 0xe0 ? 3 : s[0] >= 0xc2 ? 2 : 0;

	if (s[0] >= 0xf5)
		return 0;
	for (int i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	return len;
}

static int write_character(struct json *j, const unsigned char *s)
{
	if (*s == '"' || *s == '\\') {
		fprintf(j->to, "\\%c", *s);
	} else if (*s < ' ' || *s == 127) {
		fprintf(j->to, "\\u%04x", (unsigned)*s);
	} else if (*s < 127) {
		fputc(*s, j->to);
	} else {
		int len = utf8_len(s);
		if (len > 0) {
			fwrite(s, 1, (size_t)len, j->to);
			return len;
		}
		fputs("\\ufffd", j->to);
	}
	return 1;
}

static void write_string(struct json *j, const char *value)
{
	const unsigned char *s = (const unsigned char *)value;

	fputc('"', j->to);
	while (*s)
		s += write_character(j, s);
	fputc('"', j->to);
}

static void new_line(struct json *j)
{
	fputc('\n', j->to);
	for (unsigned i = 0; i < j->depth; i++)
		fputs("  ", j->to);
}

/* What stands before a value. */
static void begin(struct json *j, const char *name)
{
	if (!j->first)
		fputs(j->flat ? ", " : ",", j->to);
	if (j->depth > 0 && !j->flat)
		new_line(j);
	j->first = false;
	if (name) {
		write_string(j, name);
		fputs(": ", j->to);
	}
}

static void open_with(struct json *j, const char *name, char bracket)
{
	begin(j, name);
	fputc(bracket, j->to);
	j->depth++;
	j->first = true;
}

static void close_with(struct json *j, char bracket)
{
	j->depth--;
	if (!j->first && !j->flat)
		new_line(j);
	fputc(bracket, j->to);
	j->first = false;
	j->flat = false;
	if (j->depth == 0)
		fputc('\n', j->to);
}

void json_open_object(struct json *j, const char *name)
{
	open_with(j, name, '{');
}

void json_close_object(struct json *j)
{
	close_with(j, '}');
}

void json_open_array(struct json *j, const char *name, bool flat)
{
	open_with(j, name, '[');
	j->flat = flat;
}

void json_close_array(struct json *j)
{
	close_with(j, ']');
}

void json_string(struct json *j, const char *name, const char *value)
{
	begin(j, name);
	write_string(j, value);
}

void json_integer(struct json *j, const char *name, int64_t value)
{
	begin(j, name);
	fprintf(j->to, "%" PRId64, value);
}

void json_count(struct json *j, const char *name, uint64_t value)
{
	begin(j, name);
	fprintf(j->to, "%" PRIu64, value);
}

void json_real(struct json *j, const char *name, double value)
{
	begin(j, name);
	if (isfinite(value))
		fprintf(j->to, "%.9g", value);
	else
		fputs("null", j->to);
}

void json_bool(struct json *j, const char *name, bool value)
{
	begin(j, name);
	fputs(value ? "true" : "false", j->to);
}
