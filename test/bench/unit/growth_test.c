/* SPDX-License-Identifier: ISC */
#include "test/bench/growth.h"

#include "test/suite.h"

#include <errno.h>
#include <string.h>

TEST(what_the_system_allows_is_read_from_the_log)
{
	unsigned long allowed = 0;
	char binding[32];

	ck_assert_int_eq(
		growth_read_budget("time=1 level=info event=listening allowed=7 binding=x\n"
				   "time=2 level=warn event=budget max_connections=20000 "
				   "allowed=968 binding=descriptors descriptors=968\n",
			&allowed, binding, sizeof binding),
		0);
	ck_assert_uint_eq(allowed, 968);
	ck_assert_str_eq(binding, "descriptors");
	ck_assert_int_eq(growth_read_budget("event=budget allowed=12 binding=mappings\n", &allowed,
				 binding, sizeof binding),
		0);
	ck_assert_uint_eq(allowed, 12);
	ck_assert_str_eq(binding, "mappings");
}

static const char *const without[] = {
	"",
	"event=listening allowed=7 binding=x\n",
	"event=budget max_connections=20000\n",
	"event=budget max_connections=20000\nevent=other allowed=7 binding=x\n",
	"event=budget binding=x\n",
	/* Cut short: the number need not be whole. */
	"event=budget binding=x allowed=9",
};

TEST_ROWS(without_a_whole_line_of_it_nothing_is_made_up, (sizeof without / sizeof *without))
{
	unsigned long allowed = 99;
	char binding[32] = "as it was";

	ck_assert_int_eq(
		growth_read_budget(without[_i], &allowed, binding, sizeof binding), -ENOENT);
	ck_assert_uint_eq(allowed, 99);
	ck_assert_str_eq(binding, "as it was");
}
