/* SPDX-License-Identifier: ISC */
/* json - a strict walk over one line of the log. */
#include "json.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

/* Each takes the start of what it is named after, and returns its end; NULL if it is not there. */

static const char *character(const char *p, char c)
{
	return p && *p == c ? p + 1 : NULL;
}

static const char *hex4(const char *p)
{
	for (int i = 0; i < 4; i++, p++) {
		if (!isxdigit((unsigned char)*p))
			return NULL;
	}
	return p;
}

static const char *escape(const char *p)
{
	if (*p == 'u')
		return hex4(p + 1);
	return *p && strchr("\"\\/bfnrt", *p) ? p + 1 : NULL;
}

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
static const char *utf8(const char *p)
{
	const unsigned char *u = (const unsigned char *)p;
	size_t more = u[0] >= 0xf0 ? 3 : u[0] >= 0xe0 ? 2 : 1;

	if (u[0] < 0xc2 || u[0] > 0xf4 || (u[0] == 0xe0 && u[1] < 0xa0) ||
		(u[0] == 0xed && u[1] > 0x9f) || (u[0] == 0xf0 && u[1] < 0x90) ||
		(u[0] == 0xf4 && u[1] > 0x8f))
		return NULL;
	for (size_t i = 1; i <= more; i++) {
		if (u[i] < 0x80 || u[i] > 0xbf)
			return NULL;
	}
	return p + 1 + more;
}

static const char *string(const char *p)
{
	p = character(p, '"');
	while (p && *p != '"') {
		unsigned char c = (unsigned char)*p;
		if (c < ' ')
			return NULL;
		p = c == '\\' ? escape(p + 1) : c >= 0x80 ? utf8(p) : p + 1;
	}
	return character(p, '"');
}

static const char *digits(const char *p)
{
	if (!isdigit((unsigned char)*p))
		return NULL;
	while (isdigit((unsigned char)*p))
		p++;
	return p;
}

static const char *number(const char *p)
{
	p += *p == '-';
	if (p[0] == '0' && isdigit((unsigned char)p[1]))
		return NULL;
	p = digits(p);
	return p && *p == '.' ? digits(p + 1) : p;
}

static const char *member(const char *p)
{
	p = character(string(p), ':');
	if (!p)
		return NULL;
	return *p == '"' ? string(p) : number(p);
}

bool json_is_line(const char *text)
{
	const char *p = member(character(text, '{'));

	while (p && *p == ',')
		p = member(p + 1);
	p = character(character(p, '}'), '\n');
	return p && *p == '\0';
}
