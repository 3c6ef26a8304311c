/* SPDX-License-Identifier: ISC */
/* main - of each program that consists of tests, if it has none of its own. */
#include "suite.h"

#include <errno.h>

__attribute__((weak)) int main(void)
{
	return suite_run(program_invocation_short_name);
}
