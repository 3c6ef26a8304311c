/* SPDX-License-Identifier: ISC */
/* miscount_test - a run whose figures contradict each other says so, and is nothing else. */
#include "fixture.h"
#include "test/suite.h"

#include <string.h>
#include <sysexits.h>

TEST(figures_that_contradict_each_other_are_said_to)
{
	fixture_serve("line");
	fixture_run("-n 10 -c 2 --fail-if answered>100");
	ck_assert_int_eq(fixture.status, EX_SOFTWARE);
	fixture_must_print("sent = answered + mismatched + lost + cut off does not hold");
	ck_assert_ptr_nonnull(strstr(fixture.load->err.text, "the figures contradict each other"));
	ck_assert_double_eq(fixture_json("exit_status"), EX_SOFTWARE);
}

SUITE_FIXTURE(fixture_set_up, fixture_tear_down)
