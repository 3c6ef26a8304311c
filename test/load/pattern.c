/* SPDX-License-Identifier: ISC */
/* pattern - text with placeholders. */
#include "pattern.h"

#include <ctype.h>
#include <string.h>

#define PLACEHOLDER_MAX 255

static bool is_placeholder(const char *pattern)
{
	return pattern[0] == '{' && pattern[1] != '{';
}

/* How long a placeholder is, braces included; 0 if it is none. */
static size_t placeholder_len(const char *pattern)
{
	size_t len = 1;

	while (islower((unsigned char)pattern[len]) || pattern[len] == '_')
		len++;
	return len > 1 && pattern[len] == '}' ? len + 1 : 0;
}

const char *pattern_check(const char *pattern)
{
	bool after_placeholder = false;

	while (*pattern) {
		size_t len = pattern[0] == '{' ? 2 : 1;
		bool placeholder = is_placeholder(pattern);
		if (*pattern == '\n')
			return "it is one line";
		if (placeholder)
			len = placeholder_len(pattern);
		if (len == 0)
			return "a placeholder is a name in braces, as in {id}; {{ is a brace";
		if (placeholder && after_placeholder)
			return "between two placeholders there is text";
		after_placeholder = placeholder;
		pattern += len;
	}
	return NULL;
}

/* Take the literal text at the front of the pattern off both.  False if it differs. */
static bool take_literal(const char **pattern, const char **text, size_t *len)
{
	while (**pattern && !is_placeholder(*pattern)) {
		if (*len == 0 || **text != **pattern)
			return false;
		*pattern += **pattern == '{' ? 2 : 1;
		(*text)++;
		(*len)--;
	}
	return true;
}

bool pattern_matches(const char *pattern, const char *text, size_t len)
{
	if (!take_literal(&pattern, &text, &len))
		return false;
	if (!*pattern)
		return len == 0;
	/* A placeholder: as short as the rest allows. */
	pattern += placeholder_len(pattern);
	for (size_t n = 1; n <= len && n <= PLACEHOLDER_MAX; n++) {
		if (pattern_matches(pattern, text + n, len - n))
			return true;
	}
	return false;
}
