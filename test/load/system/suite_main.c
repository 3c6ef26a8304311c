/* SPDX-License-Identifier: ISC */
/* suite_main - the main() of a program that consists of tests. */
#include "suite.h"

#include <errno.h>

int main(void)
{
	return suite_run(program_invocation_short_name);
}
