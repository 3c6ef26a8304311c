/* SPDX-License-Identifier: ISC */
/* Proves pipe: every name arrives as it was, and no colon is left in it. */
#include "server/succession/pipe.h"

#include "test/suite.h"

#include <string.h>

static const struct {
	const char *encoded;
	const char *name;
	bool one_way; /* no name is encoded so */
} names[] = {
	{"", "", false},
	{"a name", "a name", false},
	{"[%3a%3a1]%3a7007", "[::1]:7007", false},
	{"%253a", "%3a", false},
	{"%2525%3a", "%25:", false},
	{"%3a%3a%25%25", "::%%", false},
	/* What is no escape stays as it is. */
	{"%", "%", true},
	{"%2", "%2", true},
	{"%3", "%3", true},
	{"%3A", "%3A", true},
	{"%41", "%41", true},
	{"x%%", "x%%", true},
	{"%2x", "%2x", true},
};

TEST_ROWS(a_name_arrives_as_it_was, SUITE_COUNT(names))
{
	char text[64];

	strcpy(text, names[_i].encoded);
	pipe_decode(text);
	ck_assert_str_eq(text, names[_i].name);
	if (names[_i].one_way)
		return;
	char *end = pipe_encode(text, names[_i].name);
	ck_assert_str_eq(text, names[_i].encoded);
	ck_assert_ptr_eq(end, text + strlen(text));
	ck_assert_uint_le(strlen(text), pipe_encoded_length(names[_i].name));
}
