/* SPDX-License-Identifier: ISC */
#include "test/bench/scan.h"

#include "test/suite.h"

#include <errno.h>
#include <string.h>

static const char sample[] =
	"{ \"rate\": 12.5e1, \"ok\": true, \"off\": false, \"none\": null,\n"
	"  \"inner\": { \"rate\": -3, \"deep\": { \"x\": 0 } },\n"
	"  \"list\": [ {\"name\": \"a \\\"b\\\"\"}, [1, 2], 7 ], \"empty\": [], \"nothing\": {} }\n";

static const struct {
	const char *path;
	double value;
} numbers[] = {
	{"rate", 125},
	{"inner.rate", -3},
	{"inner.deep.x", 0},
	{"list.2", 7},
	{"list.1.1", 2},
};

TEST(a_number_is_found_by_its_path)
{
	double value = 99;

	ck_assert_int_eq(scan_number(sample, numbers[_i].path, &value), 0);
	ck_assert_double_eq(value, numbers[_i].value);
}

static const char *const missing[] = {"rat", "ratee", "inner", "inner.rat", "inner.deep.x.y",
	"list.3", "list.x", "list.0.nam", "empty.0", "nothing.x", "", "x", "deep.x"};

TEST(what_is_not_there_is_not_found)
{
	double value = 99;
	int rc = scan_number(sample, missing[_i], &value);

	/* "inner" is there, and no number. */
	ck_assert_int_eq(rc, _i == 2 ? -EINVAL : -ENOENT);
	ck_assert_double_eq(value, 99);
}

TEST(each_kind_is_told_from_the_others)
{
	double number;
	bool yes = false;
	size_t count;
	char text[16];

	ck_assert_int_eq(scan_bool(sample, "ok", &yes), 0);
	ck_assert(yes);
	ck_assert_int_eq(scan_bool(sample, "off", &yes), 0);
	ck_assert(!yes);
	ck_assert_int_eq(scan_bool(sample, "rate", &yes), -EINVAL);
	ck_assert_int_eq(scan_number(sample, "ok", &number), -EINVAL);
	ck_assert_int_eq(scan_number(sample, "none", &number), -EINVAL);
	ck_assert_int_eq(scan_count(sample, "list", &count), 0);
	ck_assert_uint_eq(count, 3);
	ck_assert_int_eq(scan_count(sample, "empty", &count), 0);
	ck_assert_uint_eq(count, 0);
	ck_assert_int_eq(scan_count(sample, "inner", &count), -EINVAL);
	ck_assert_int_eq(scan_text(sample, "rate", text, sizeof text), -EINVAL);
}

TEST(a_text_is_cut_to_fit)
{
	char text[16];

	ck_assert_int_eq(scan_text(sample, "list.0.name", text, sizeof text), 0);
	ck_assert_str_eq(text, "a \\\"b\\\"");
	ck_assert_int_eq(scan_text(sample, "list.0.name", text, 4), 0);
	ck_assert_str_eq(text, "a \\");
}

/* None of them is a result. */
static const char *const broken[] = {
	"",
	"{",
	"{\"a\": 1",
	"{\"a\": 1,}",
	"{\"a\": 1 \"b\": 2}",
	"{\"a\" 1}",
	"{a: 1}",
	"{\"a\": 01}",
	"{\"a\": 1.}",
	"{\"a\": .5}",
	"{\"a\": 1e}",
	"{\"a\": +1}",
	"{\"a\": -}",
	"{\"a\": nan}",
	"{\"a\": inf}",
	"{\"a\": 0x10}",
	"{\"a\": 1} x",
	"{\"a\": 1}{",
	"{\"a\": 1, \"b\": tru}",
	"{\"a\": 1, \"b\": \"\\x\"}",
	"{\"a\": 1, \"b\": \"\\u12g4\"}",
	"{\"a\": 1, \"b\": \"x}",
	"{\"a\": 1, \"b\": \"\n\"}",
	"{\"a\": 1, \"b\": [1,]}",
	"{\"a\": 1, \"b\": [1}",
	"warning: no result\n{\"a\": 1}",
};

TEST(what_is_not_json_is_never_half_read)
{
	double value = 99;

	ck_assert_int_eq(scan_number(broken[_i], "a", &value), -EINVAL);
	ck_assert_double_eq(value, 99);
}

TEST(a_result_that_was_cut_short_anywhere_is_none)
{
	char cut[sizeof sample];
	double value;

	/* Without the newline at its end it is still whole. */
	for (size_t len = 0; len < sizeof sample - 2; len++) {
		memcpy(cut, sample, len);
		cut[len] = '\0';
		ck_assert_int_eq(scan_number(cut, "rate", &value), -EINVAL);
	}
}

TEST(a_name_that_stands_twice_is_not_chosen_from)
{
	double value;

	ck_assert_int_eq(scan_number("{\"a\": 1, \"a\": 2}", "a", &value), -EEXIST);
	ck_assert_int_eq(scan_number("{\"a\": 1, \"b\": {\"a\": 2}}", "a", &value), 0);
	ck_assert_double_eq(value, 1);
}

TEST(a_number_too_large_for_a_double_is_refused)
{
	double value;

	ck_assert_int_eq(scan_number("{\"a\": 1e999}", "a", &value), -EINVAL);
}

TEST(nesting_has_a_bound)
{
	char deep[4096] = "";
	double value;

	memset(deep, '[', 2000);
	ck_assert_int_eq(scan_number(deep, "0", &value), -EINVAL);
}
