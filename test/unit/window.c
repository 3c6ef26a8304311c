/* SPDX-License-Identifier: ISC */
/* window - was a timeout kept? */
#include "window.h"

#include "common/deadline.h"

#include <check.h>

/* A busy machine may leave a thread waiting for its turn so long, however short the timeout. */
#define PATIENCE    10
#define PATIENCE_NS NS_PER_S

void window_check(int64_t start_ns, int64_t duration_ns)
{
	int64_t passed = deadline_now() - start_ns;
	int64_t late = PATIENCE * (duration_ns / 8 + 8 * NS_PER_MS);

	ck_assert_int_ge(passed, duration_ns);
	ck_assert_int_le(passed, duration_ns + (late > PATIENCE_NS ? late : PATIENCE_NS));
}
