/* SPDX-License-Identifier: ISC */
/* Proves integers: what does not fit is found, where it stands, and nothing else is. */
#include "server/integers.h"

#include "scratch.h"
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEYOND_32 " does not fit in 32 bits; the largest is 2147483647\n"
#define BEYOND_64 " does not fit in 64 bits\n"

static char *must_read(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	ck_assert_ptr_nonnull(file);
	if (getdelim(&text, &size, '\0', file) < 0) {
		free(text);
		text = strdup("");
	}
	fclose(file);
	ck_assert_ptr_nonnull(text);
	return text;
}

/* What is told of the file a.conf in this folder. */
static void check(const char *path, const char *dir, const char *expected)
{
	struct faults f = {.to = NULL};
	char *text;
	size_t size;
	unsigned lines = 0;

	f.to = open_memstream(&text, &size);
	ck_assert_ptr_nonnull(f.to);
	char *source = must_read(path);
	integers_check(&f, path, dir, source);
	free(source);
	fclose(f.to);
	ck_assert_str_eq(text, expected);
	for (const char *p = expected; *p; p++)
		lines += *p == '\n';
	ck_assert_uint_eq(f.file, lines);
	free(text);
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
	{"a = \"never closed 4294967376", ""},
	{"a = \"ends in a backslash\\", ""},
	{"/* never closed 4294967376", ""},
	{"/*/ 4294967376 */", ""},
	{"/* a *//* b */ a = 4294967376;", "a.conf:1: the number 4294967376" BEYOND_32},
	{"@include", ""},
	{"@include \"never closed", ""},
	{"@include \"not-there\"\n", ""},
};

START_TEST(a_number_that_does_not_fit_is_told_and_nothing_else)
{
	check(scratch_write("a.conf", files[_i].text), ".", files[_i].told);
}
END_TEST

START_TEST(an_included_file_is_looked_at_in_its_place_and_told_by_its_name)
{
	scratch_write("sub/part", "\nb = 4294967377;\n");
	scratch_write("sub/a.conf", "a = 4294967376;\n@include \"part\"\nc = 4294967378;\n");
	check("sub/a.conf", "sub",
		"sub/a.conf:1: the number 4294967376" BEYOND_32
		"sub/part:2: the number 4294967377" BEYOND_32
		"sub/a.conf:3: the number 4294967378" BEYOND_32);
}
END_TEST

START_TEST(a_file_that_includes_itself_comes_to_an_end)
{
	struct faults f = {.to = NULL};
	char *text;
	size_t size;

	scratch_write("a.conf", "@include \"a.conf\"\na = 4294967376;\n");
	f.to = open_memstream(&text, &size);
	char *source = must_read("a.conf");
	integers_check(&f, "a.conf", ".", source);
	free(source);
	fclose(f.to);
	ck_assert_uint_eq(f.file, 11);
	free(text);
}
END_TEST

int main(void)
{
	const struct suite_test tests[] = {
		{a_number_that_does_not_fit_is_told_and_nothing_else, SUITE_COUNT(files)},
		{an_included_file_is_looked_at_in_its_place_and_told_by_its_name, 0},
		{a_file_that_includes_itself_comes_to_an_end, 0},
	};

	return suite_run("integers", tests, SUITE_COUNT(tests));
}
