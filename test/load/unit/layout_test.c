/* SPDX-License-Identifier: ISC */
/* layout_test - no line is wider than 80 columns, and nothing is lost on the way. */
#include "test/load/text/layout.h"
#include "test/suite.h"

#include <stdlib.h>
#include <string.h>

static char *text;
static size_t size;
static FILE *to;

static void set_up(void)
{
	to = open_memstream(&text, &size);
	ck_assert_ptr_nonnull(to);
}

static void tear_down(void)
{
	free(text);
}

static void must_be(const char *wanted)
{
	fclose(to);
	ck_assert_str_eq(text, wanted);
}

TEST(a_short_row_is_one_line)
{
	layout_row(to, "load", "%d messages", 3);
	must_be("load         3 messages\n");
}

TEST(a_row_breaks_at_its_last_space_and_goes_on_below_its_text)
{
	/* 67 columns are left, and this many characters come before the break. */
	layout_row(to, "load",
		"123456789 123456789 123456789 123456789 123456789 123456789 1234567 next one");
	must_be("load         123456789 123456789 123456789 123456789 123456789 123456789 1234567\n"
		"             next one\n");
}

TEST(a_word_too_long_for_any_line_is_cut)
{
	char word[101];

	memset(word, 'x', 100);
	word[100] = '\0';
	layout_text(to, 6, "%s", word);
	fclose(to);
	ck_assert_uint_eq(strcspn(text, "\n"), LAYOUT_COLUMNS);
	ck_assert_uint_eq(strlen(text), 6 + 74 + 1 + 10 + 26 + 1);
}

TEST(a_label_too_wide_has_a_line_of_its_own)
{
	layout_pair(to, "a long label", 4, "text");
	must_be("a long label\n    text\n");
}

SUITE_FIXTURE(set_up, tear_down)
