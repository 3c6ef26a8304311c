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

	if (strlen(pattern) >= PATTERN_MAX)
		return "it is at most 2,047 bytes";
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

/* The literal text at the front of the pattern, its escapes undone, into literal.  Returns its
 * length, and moves *pattern past it. */
static size_t take_literal(const char **pattern, char *literal)
{
	size_t len = 0;

	while (**pattern && !is_placeholder(*pattern)) {
		literal[len++] = **pattern;
		*pattern += **pattern == '{' ? 2 : 1;
	}
	return len;
}

/* Where a placeholder's text ends: where the literal that follows begins, after one byte at least;
 * the last literal is at the end of the text.  NULL if there is no such place. */
static const char *find_end(
	const char *text, size_t len, const char *literal, size_t literal_len, bool last)
{
	const char *end = NULL;

	if (len < literal_len + 1)
		return NULL;
	if (last)
		end = text + len - literal_len;
	else
		end = memmem(text + 1, len - 1, literal, literal_len);
	if (!end || end - text > PLACEHOLDER_MAX || memcmp(end, literal, literal_len) != 0)
		return NULL;
	return end;
}

bool pattern_matches(const char *pattern, const char *text, size_t len)
{
	char literal[PATTERN_MAX];
	size_t literal_len = take_literal(&pattern, literal);

	if (len < literal_len || memcmp(text, literal, literal_len) != 0)
		return false;
	text += literal_len;
	len -= literal_len;
	while (*pattern) {
		pattern += placeholder_len(pattern);
		literal_len = take_literal(&pattern, literal);
		const char *end = find_end(text, len, literal, literal_len, *pattern == '\0');
		if (!end)
			return false;
		len -= (size_t)(end - text) + literal_len;
		text = end + literal_len;
	}
	return len == 0;
}
