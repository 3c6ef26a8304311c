/* SPDX-License-Identifier: ISC */
/* mode - what the environment asks of the tests besides that they pass. */
#include "mode.h"

#include "common/deadline.h"

#include <check.h>
#include <stdlib.h>

/* Longer than any machine stands still. */
#define PATIENCE_NS (10 * NS_PER_S)

bool mode_is_timing(void)
{
	return getenv("BOBBIN_TIMING");
}

int mode_times(int few, int many)
{
	return getenv("BOBBIN_SOAK") ? many : few;
}

void mode_check_most(int64_t took_ns, int64_t bound_ns)
{
	ck_assert_int_le(took_ns, mode_is_timing() ? bound_ns : bound_ns + PATIENCE_NS);
}

void mode_check_window(int64_t start_ns, int64_t duration_ns)
{
	int64_t passed = deadline_now() - start_ns;

	ck_assert_int_ge(passed, duration_ns);
	mode_check_most(passed, duration_ns + duration_ns / 8 + 8 * NS_PER_MS);
}
