/* SPDX-License-Identifier: ISC */
/* Proves config_scan: what libconfig would misread is told where it stands, and nothing else is. */
#include "server/settings/config_scan.h"

#include "scratch.h"
#include "test/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEYOND_32 " does not fit in 32 bits; the largest is 2147483647\n"
#define BEYOND_64 " does not fit in 64 bits\n"

/* Scan the file; what is told must be as expected. */
static struct config_scan *scan(const char *path, const char *expected)
{
	struct mistakes f = {.to = NULL};
	char *told;
	size_t size;
	unsigned lines = 0;

	f.to = open_memstream(&told, &size);
	ck_assert_ptr_nonnull(f.to);
	struct config_scan *s = config_scan_open(path, &f);
	fclose(f.to);
	ck_assert_str_eq(told, expected);
	for (const char *p = expected; *p; p++)
		lines += *p == '\n';
	ck_assert_uint_eq(f.file, lines);
	free(told);
	return s;
}

static const struct {
	const char *text;
	const char *told;
} files[] = {
	{"", ""},
	{"a = 2147483647;", ""},
	{"a = -2147483648;", ""},
	{"a = +7;", ""},
	{"a = 2147483648;", "a.conf:1: the number 2147483648" BEYOND_32},
	{"a = -2147483649;", "a.conf:1: the number -2147483649" BEYOND_32},
	{"a = 4294967376;", "a.conf:1: the number 4294967376" BEYOND_32},
	{"a = 99999999999999999999999;", "a.conf:1: the number 99999999999999999999999" BEYOND_32},
	{"a = 4294967376L;", ""},
	{"a = 9223372036854775807L;", ""},
	{"a = -9223372036854775808L;", ""},
	{"a = 4294967376LL;", ""},
	{"a = 9223372036854775808L;", "a.conf:1: the number 9223372036854775808" BEYOND_64},
	{"a = 0x7fffffff;", ""},
	{"a = 0X10;", ""},
	{"a = 0xffffffff;", "a.conf:1: the number 0xffffffff" BEYOND_32},
	{"a = 0x100000000;", "a.conf:1: the number 0x100000000" BEYOND_32},
	{"a = 0x100000000L;", ""},
	{"a = 0x10000000000000000L;", "a.conf:1: the number 0x10000000000000000" BEYOND_64},
	{"a = 0000000000000000000001;", ""},
	{"a = 4294967376.5;", ""},
	{"a = 4294967376e3;", ""},
	{"a = 4294967376e;", "a.conf:1: the number 4294967376" BEYOND_32},
	{"a = 1.5-4294967376;", "a.conf:1: the number -4294967376" BEYOND_32},
	{"a = 1.5e10;", ""},
	{"a = .4294967376;", ""},
	{"a = -.4294967376;", ""},
	{"a = \"4294967376\";", ""},
	{"a = \"\\\"4294967376\";", ""},
	{"a = \"\\\\\"; b = 4294967376;", "a.conf:1: the number 4294967376" BEYOND_32},
	{"a = \"one\n4294967376\ntwo\";\nb = 4294967376;",
		"a.conf:4: the number 4294967376" BEYOND_32},
	{"# 4294967376\n", ""},
	{"// 4294967376\n", ""},
	{"/* 4294967376\n4294967376 */", ""},
	{"/* \n */ a = 4294967376;", "a.conf:2: the number 4294967376" BEYOND_32},
	{"/* \" */ a = 4294967376; /* \" */", "a.conf:1: the number 4294967376" BEYOND_32},
	{"# \"\na = 4294967376;", "a.conf:2: the number 4294967376" BEYOND_32},
	{"a4294967376 = 1;", ""},
	{"a-4294967376 = 1;", ""},
	{"a_4294967376 = 1;", ""},
	{"*4294967376 = 1;", ""},
	{"a = (1,4294967376);\n\nb : { c = 4294967377; };",
		"a.conf:1: the number 4294967376" BEYOND_32
		"a.conf:3: the number 4294967377" BEYOND_32},
	{"a = \"never closed 4294967376", "a.conf:1: the text that begins here is never closed\n"},
	{"a = \"ends in a backslash\\", "a.conf:1: the text that begins here is never closed\n"},
	{"/* never closed 4294967376", "a.conf:1: the comment that begins here is never closed\n"},
	{"/*/ 4294967376 */", ""},
	{"/*/ 4294967376", "a.conf:1: the comment that begins here is never closed\n"},
	{"/* a *//* b */ a = 4294967376;", "a.conf:1: the number 4294967376" BEYOND_32},
	{"@include", ""},
	{"@include \"never closed",
		"a.conf:1: the name of the file to include is not closed on its line\n"},
	{"@include \"not-there\"\n",
		"a.conf:1: ./not-there cannot be included: No such file or directory\n"},
};

TEST_ROWS(a_number_that_does_not_fit_is_told_and_nothing_else, SUITE_COUNT(files))
{
	config_scan_free(scan(scratch_write("a.conf", files[_i].text), files[_i].told));
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
	struct config_scan *s = scan(scratch_write("a.conf", texts[_i].text), "");

	ck_assert_ptr_nonnull(s);
	ck_assert_str_eq(config_scan_text(s), texts[_i].expected);
	config_scan_free(s);
}

TEST(a_number_that_was_told_is_the_only_one_in_hexadecimal)
{
	struct config_scan *s = scan(scratch_write("a.conf", "a = 0x7; b = 4294967376;\n"),
		"a.conf:1: the number 4294967376" BEYOND_32);

	ck_assert_str_eq(config_scan_text(s), "a = 7 ; b = 0x0 ;\n");
	config_scan_free(s);
}

TEST(an_included_file_is_looked_at_in_its_place_and_told_by_its_name)
{
	scratch_write("sub/part", "\nb = 4294967377;\n");
	scratch_write("sub/a.conf", "a = 4294967376;\n@include \"part\"\nc = 4294967378;\n");
	config_scan_free(scan("sub/a.conf",
		"sub/a.conf:1: the number 4294967376" BEYOND_32
		"sub/part:2: the number 4294967377" BEYOND_32
		"sub/a.conf:3: the number 4294967378" BEYOND_32));
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
	struct config_scan *s = scan("sub/a.conf", "");

	check_place(s, "one", "sub/a.conf", 1);
	check_place(s, "two", "sub/part", 2);
	check_place(s, "deep", "sub/more", 2);
	check_place(s, "five", "sub/part", 5);
	check_place(s, "beside", "sub/a.conf", 2);
	check_place(s, "after", "sub/a.conf", 4);
	config_scan_free(s);
}

TEST(a_name_may_have_quotes_and_backslashes)
{
	scratch_write("a\\\"b", "found\n");
	struct config_scan *s = scan(scratch_write("a.conf", "@include \"a\\\\\\\"b\"\n"), "");

	check_place(s, "found", "./a\\\"b", 1);
	config_scan_free(s);
}

TEST(a_file_that_includes_itself_comes_to_an_end)
{
	scratch_write("a.conf", "@include \"a.conf\"\n@include \"a.conf\"\n@include \"a.conf\"\n");
	ck_assert_ptr_null(scan("a.conf",
		"./a.conf:1: ./a.conf cannot be included: includes go 10 deep at most\n"));
}

static void must_write_nul(const char *path)
{
	FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite("log\n\0\n", 1, 6, file), 6);
	fclose(file);
}

TEST(a_nul_byte_is_told_in_its_file_and_line)
{
	scratch_write("a.conf", "\n@include \"part\"\n");
	must_write_nul("part");
	ck_assert_ptr_null(scan("a.conf", "./part:2: it holds a NUL byte, and so is no text\n"));
}

/* 1 MiB of blanks. */
static void must_write_much(const char *path)
{
	FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	for (unsigned i = 0; i < 1U << 20; i++)
		fputc(i % 64 == 63 ? '\n' : ' ', file);
	ck_assert_int_eq(fclose(file), 0);
}

/* A file that includes the large one so often. */
static void must_write_includes(unsigned times)
{
	FILE *file = fopen("a.conf", "we");

	ck_assert_ptr_nonnull(file);
	for (unsigned i = 0; i < times; i++)
		fputs("@include \"much\"\n", file);
	ck_assert_int_eq(fclose(file), 0);
}

TEST(what_is_read_has_a_bound_in_all)
{
	scratch_enter();
	must_write_much("much");
	must_write_includes(15);
	struct config_scan *s = scan("a.conf", "");
	ck_assert_ptr_nonnull(s);
	config_scan_free(s);
	must_write_includes(20);
	ck_assert_ptr_null(scan("a.conf", "a.conf:16: the configuration is larger than 16 MiB\n"));
}

TEST(an_endless_file_comes_to_an_end)
{
	ck_assert_ptr_null(
		scan("/dev/zero", "/dev/zero:1: the configuration is larger than 16 MiB\n"));
}
