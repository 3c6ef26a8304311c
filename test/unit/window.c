/* SPDX-License-Identifier: ISC */
/* window - was a timeout kept? */
#include "window.h"

#include "common/deadline.h"
#include "mode.h"

#include <check.h>

void window_check(int64_t start_ns, int64_t duration_ns)
{
	int64_t passed = deadline_now() - start_ns;

	ck_assert_int_ge(passed, duration_ns);
	mode_check_most(passed, duration_ns + duration_ns / 8 + 8 * NS_PER_MS);
}
