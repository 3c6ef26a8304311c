/* SPDX-License-Identifier: ISC */
/* pattern_test - which patterns are right, and what fits them. */
#include "test/load/wire/pattern.h"
#include "test/suite.h"

#include <string.h>

static bool fits(const char *pattern, const char *text)
{
	ck_assert_ptr_null(pattern_check(pattern));
	return pattern_matches(pattern, text, strlen(text));
}

TEST(text_is_itself)
{
	ck_assert(fits("", ""));
	ck_assert(!fits("", "x"));
	ck_assert(fits("220 ready", "220 ready"));
	ck_assert(!fits("220 ready", "220 read"));
	ck_assert(!fits("220 ready", "220 ready "));
	ck_assert(fits("{{x}", "{x}"));
}

TEST(a_placeholder_is_any_text_but_none)
{
	char longest[300];

	ck_assert(fits("{instance} {id}", "blue-1 17"));
	ck_assert(!fits("{instance} {id}", "blue-1 "));
	ck_assert(!fits("{instance} {id}", " 17"));
	ck_assert(fits("<{id}>", "<a>b>"));
	ck_assert(!fits("<{id}>", "<>"));
	memset(longest, 'x', sizeof longest);
	longest[255] = '\0';
	ck_assert(fits("{id}", longest));
	longest[255] = 'x';
	longest[256] = '\0';
	ck_assert(!fits("{id}", longest));
}

/* One that tried every place would not end within the test's time. */
TEST(a_pattern_costs_no_more_than_its_text)
{
	char text[1901];

	memset(text, 'a', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	ck_assert(!fits("{a}a{b}a{c}a{d}a{e}a{f}z", text));
}

TEST(what_is_no_pattern_is_refused)
{
	static const char *const wrong[] = {"{", "{}", "{id", "{Id}", "{a}{b}", "a\nb", "{ id}"};

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		ck_assert_msg(pattern_check(wrong[i]) != NULL, "\"%s\"", wrong[i]);
	ck_assert_ptr_null(pattern_check("{a}, {b} and {{c}"));
}
