/* SPDX-License-Identifier: ISC */
/*
 * json_scan - finds a value in a JSON text by its path.
 *
 * Each skip_ function takes where something begins and returns where it ends, or NULL if it is not
 * there as the grammar has it.
 */
#include "json_scan.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Deeper than any result, and shallow enough for a stack. */
#define DEPTH_MAX 32

static const char *skip_value(const char *p, int depth);

static const char *skip_space(const char *p)
{
	return p + strspn(p, " \t\r\n");
}

static const char *skip_word(const char *p, const char *word)
{
	size_t len = strlen(word);

	return strncmp(p, word, len) == 0 ? p + len : NULL;
}

static const char *skip_digits(const char *p)
{
	size_t len = strspn(p, "0123456789");

	return len > 0 ? p + len : NULL;
}

static const char *skip_number(const char *p)
{
	p += *p == '-';
	p = *p == '0' ? p + 1 : skip_digits(p);
	if (p && *p == '.')
		p = skip_digits(p + 1);
	if (p && (*p == 'e' || *p == 'E')) {
		p++;
		p = skip_digits(p + (*p == '+' || *p == '-'));
	}
	return p;
}

static const char *skip_escape(const char *p)
{
	if (*p != 'u')
		return *p && strchr("\"\\/bfnrt", *p) ? p + 1 : NULL;
	for (int i = 1; i <= 4; i++) {
		if (!isxdigit((unsigned char)p[i]))
			return NULL;
	}
	return p + 5;
}

static const char *skip_string(const char *p)
{
	if (*p++ != '"')
		return NULL;
	while (p && *p != '"') {
		if ((unsigned char)*p < ' ')
			return NULL;
		p = *p == '\\' ? skip_escape(p + 1) : p + 1;
	}
	return p ? p + 1 : NULL;
}

/* "name": and the space after it. */
static const char *skip_name(const char *p)
{
	p = skip_string(p);
	if (!p)
		return NULL;
	p = skip_space(p);
	return *p == ':' ? skip_space(p + 1) : NULL;
}

/* An object or array from its bracket on. */
static const char *skip_list(const char *p, char close, int depth)
{
	p = skip_space(p + 1);
	if (*p == close)
		return p + 1;
	for (;;) {
		if (close == '}')
			p = skip_name(p);
		p = p ? skip_value(p, depth) : NULL;
		if (!p)
			return NULL;
		p = skip_space(p);
		if (*p == close)
			return p + 1;
		if (*p != ',')
			return NULL;
		p = skip_space(p + 1);
	}
}

static const char *skip_value(const char *p, int depth)
{
	if (depth == DEPTH_MAX)
		return NULL;
	switch (*p) {
	case '{':
		return skip_list(p, '}', depth + 1);
	case '[':
		return skip_list(p, ']', depth + 1);
	case '"':
		return skip_string(p);
	case 't':
		return skip_word(p, "true");
	case 'f':
		return skip_word(p, "false");
	case 'n':
		return skip_word(p, "null");
	default:
		return skip_number(p);
	}
}

/* From here on the text is known to be JSON. */

static bool is_named(const char *member, const char *name, size_t len)
{
	return strncmp(member + 1, name, len) == 0 && member[len + 1] == '"';
}

/* The value of the member of that name, of the object that begins at p. */
static int find_member(const char *p, const char *name, size_t len, const char **value)
{
	const char *found = NULL;

	for (p = skip_space(p + 1); *p == '"'; p = skip_space(p)) {
		const char *of = skip_name(p);
		if (is_named(p, name, len)) {
			if (found)
				return -EEXIST;
			found = of;
		}
		p = skip_space(skip_value(of, 0));
		p += *p == ',';
	}
	*value = found;
	return found ? 0 : -ENOENT;
}

static int find_element(const char *p, size_t index, const char **value)
{
	for (p = skip_space(p + 1); *p != ']'; p = skip_space(p)) {
		if (index-- == 0) {
			*value = p;
			return 0;
		}
		p = skip_space(skip_value(p, 0));
		p += *p == ',';
	}
	return -ENOENT;
}

static int step(const char **value, const char *name, size_t len)
{
	if (**value == '{')
		return find_member(*value, name, len, value);
	if (**value == '[' && skip_digits(name) == name + len)
		return find_element(*value, strtoull(name, NULL, 10), value);
	return -ENOENT;
}

static int find(const char *json, const char *path, const char **value)
{
	const char *p = skip_space(json);
	const char *end = skip_value(p, 0);

	if (!end || *skip_space(end) != '\0')
		return -EINVAL;
	for (;;) {
		size_t len = strcspn(path, ".");
		int rc = step(&p, path, len);
		if (rc < 0)
			return rc;
		if (path[len] == '\0')
			break;
		path += len + 1;
	}
	*value = p;
	return 0;
}

int json_scan_number(const char *json, const char *path, double *value)
{
	const char *p;
	int rc = find(json, path, &p);

	if (rc < 0)
		return rc;
	if (*p == '{' || *p == '[' || *p == '"')
		return -EINVAL;
	*value = *p == 'n' ? NAN : *p == 't' ? 1 : *p == 'f' ? 0 : strtod(p, NULL);
	return 0;
}

int json_scan_count(const char *json, const char *path, size_t *count)
{
	const char *p;
	const char *element;
	int rc = find(json, path, &p);

	if (rc < 0)
		return rc;
	if (*p != '[')
		return -EINVAL;
	size_t n = 0;
	while (find_element(p, n, &element) == 0)
		n++;
	*count = n;
	return 0;
}

int json_scan_text(const char *json, const char *path, char *text, size_t size)
{
	const char *p;
	int rc = find(json, path, &p);

	if (rc < 0)
		return rc;
	if (*p != '"')
		return -EINVAL;
	size_t len = (size_t)(skip_string(p) - p) - 2;
	if (len > size - 1)
		len = size - 1;
	memcpy(text, p + 1, len);
	text[len] = '\0';
	return 0;
}
