/* SPDX-License-Identifier: ISC */
#include "test/bench/cases.h"

#include "test/suite.h"

#include <string.h>

static bool has_pair(const char *const *argv, const char *first, const char *second)
{
	for (; argv[0] && argv[1]; argv++) {
		if (strcmp(argv[0], first) == 0 && strcmp(argv[1], second) == 0)
			return true;
	}
	return false;
}

static const struct {
	enum contestant who;
	const char *option;
} variants[] = {
	{BOBBIND_QUIET, "log.level=warn"},
	{BOBBIND_BATCH, "threads.schedule=throughput"},
	{BOBBIND_DEFER, "tcp.defer_accept=1s"},
	{BOBBIND_RENO, "tcp.congestion=reno"},
	{BOBBIND_SPIN, "threads.spin=200us"},
};

TEST_ROWS(a_variant_of_bobbind_differs_in_its_option_alone, (sizeof variants / sizeof *variants))
{
	static const struct programs programs = {.bobbind = "bobbind"};
	const char *plain[CONTESTANT_ARGUMENTS];
	const char *argv[CONTESTANT_ARGUMENTS];

	contestant_command(BOBBIND, &programs, LINE, 64, plain);
	ck_assert(!has_pair(plain, "-o", variants[_i].option));
	contestant_command(variants[_i].who, &programs, LINE, 64, argv);
	ck_assert(has_pair(argv, "-o", variants[_i].option));
	for (size_t i = 1; i == 1 || plain[i - 1]; i++) {
		if (plain[i])
			ck_assert_str_eq(argv[i + 2], plain[i]);
		else
			ck_assert_ptr_null(argv[i + 2]);
	}
}

TEST(a_contestant_that_shares_a_process_comes_behind_its_owner)
{
	enum contestant owner = contestant_server(_i);

	ck_assert_int_le(owner, _i);
	ck_assert_int_eq(contestant_server(owner), owner);
	for (size_t c = 0; c < bench_case_count; c++) {
		if (bench_cases[c].contestants & BIT(_i))
			ck_assert(bench_cases[c].contestants & BIT(owner));
	}
}

TEST_ROWS(each_has_a_name_of_its_own, CONTESTANTS)
{
	for (int other = 0; other < _i; other++)
		ck_assert_str_ne(contestant_name(_i), contestant_name(other));
}
