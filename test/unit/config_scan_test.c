/* SPDX-License-Identifier: ISC */
/*
 * Proves config_scan where no program shows it: the text that libconfig gets, whatever its version, and
 * the place of each line.  test/documents/settings.txt proves the rest.
 */
#include "server/settings/config_scan.h"

#include "scratch.h"
#include "test/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

/* Scan the file; what is told must be as expected. */
static struct config_scan *scan(const char *path, const char *expected, int status)
{
	struct mistakes m = {.to = NULL};
	char *told;
	size_t size;

	m.to = open_memstream(&told, &size);
	ck_assert_ptr_nonnull(m.to);
	struct config_scan *s = config_scan_open(path, &m);
	fclose(m.to);
	ck_assert_str_eq(told, expected);
	ck_assert_int_eq(mistakes_status(&m), status);
	free(told);
	return s;
}

static const struct {
	const char *text;
	const char *expected;
} texts[] = {
	{"", "\n"},
	{"a", "a\n"},
	{"a = 010;\n", "a = 10 ;\n"},
	{"a = 0x10.5\n", "a = 16 .5\n"},
	{"a = 0xFFLL\n", "a = 255L \n"},
	{"a = -007L\n", "a = -7L \n"},
	{"a = 010.5\n", "a = 010.5\n"},
	{"a = 010e1\n", "a = 010e1\n"},
	{"a = 010e\n", "a = 10 e\n"},
	{"a-010\n", "a-010\n"},
	{"a = \"010, )\"\n", "a = \"010, )\"\n"},
	{"( \"a\" ,\n )\n", "( \"a\"  \n )\n"},
	{"[ 1,]\n", "[ 1  ]\n"},
	{"( , )\n", "( , )\n"},
	{"( a,,)\n", "( a,?)\n"},
	{"{ a = 1, }\n", "{ a = 1 , }\n"},
	{"a # b\n/* c\nd */ e // f\n", "a \n \n e \n"},
	{"a @include \"b\"\n", "a ?include \"b\"\n"},
	{"/* */ @include \"b\"\n", "  ?include \"b\"\n"},
	{"@include\"b\"\n", "?include\"b\"\n"},
};

TEST_ROWS(the_text_has_one_meaning, SUITE_COUNT(texts))
{
	struct config_scan *s = scan(scratch_write("a.conf", texts[_i].text), "", EX_OK);

	ck_assert_ptr_nonnull(s);
	ck_assert_str_eq(config_scan_text(s), texts[_i].expected);
	config_scan_free(s);
}

TEST(a_number_that_was_told_is_the_only_one_in_hexadecimal)
{
	struct config_scan *s = scan(scratch_write("a.conf", "a = 0x7; b = 4294967376;\n"),
		"a.conf:1: the number 4294967376 does not fit in 32 bits; the largest is 2147483647\n",
		EX_CONFIG);

	ck_assert_str_eq(config_scan_text(s), "a = 7 ; b = 0x0 ;\n");
	config_scan_free(s);
}

/* The place of the line of the text on which the word stands. */
static void check_place(
	const struct config_scan *s, const char *word, const char *path, unsigned line)
{
	const char *text = config_scan_text(s);
	const char *found = strstr(text, word);
	unsigned at = 1;

	ck_assert_ptr_nonnull(found);
	for (const char *p = text; p < found; p++)
		at += *p == '\n';
	struct config_place place = config_scan_place(s, at);
	ck_assert_str_eq(place.path, path);
	ck_assert_uint_eq(place.line, line);
}

TEST(each_line_has_its_place)
{
	scratch_write("sub/part", "\ntwo\n@include \"more\"\n@include \"more\"\nfive");
	scratch_write("sub/more", "/*\n*/ deep\n");
	scratch_write("sub/a.conf", "one\n  @include \"part\" beside\n\"\n\" after\n");
	struct config_scan *s = scan("sub/a.conf", "", EX_OK);

	check_place(s, "one", "sub/a.conf", 1);
	check_place(s, "two", "sub/part", 2);
	check_place(s, "deep", "sub/more", 2);
	check_place(s, "five", "sub/part", 5);
	check_place(s, "beside", "sub/a.conf", 2);
	check_place(s, "after", "sub/a.conf", 4);
	config_scan_free(s);
}

TEST(a_file_that_may_not_be_read_is_told_as_such)
{
	scratch_write("a.conf", "");
	ck_assert_int_eq(chmod("a.conf", 0), 0);
	if (geteuid() == 0)
		ck_assert(chmod(".", 0755) == 0 && seteuid(65534) == 0);
	ck_assert_ptr_null(scan("a.conf", "bobbind: a.conf: Permission denied\n", EX_NOINPUT));
	ck_assert_int_eq(seteuid(getuid()), 0);
}
