/* SPDX-License-Identifier: ISC */
/* miscount_test - a run whose figures contradict each other says so, and is nothing else. */
#include "fixture.h"
#include "suite.h"

#include <sysexits.h>

TEST(figures_that_contradict_each_other_are_said_to)
{
	fixture_serve("line", "");
	fixture_run_load("line", "-n 10 -c 2 --fail-if answered>100");
	ck_assert_int_eq(fixture.status, EX_SOFTWARE);
	fixture_must_print("sent = answered + mismatched + lost + cut off does not hold");
	fixture_must_complain("sent = answered + mismatched + lost + cut off");
	fixture_json_must_be("exit_status", EX_SOFTWARE);
}
