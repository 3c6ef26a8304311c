/* SPDX-License-Identifier: ISC */
/*
 * main - bobbin-load: the client that loads, checks every byte, and measures honestly.
 *
 * The first argument may name a command of the table; without one it is `run`.
 */
#include "run.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const struct command {
	const char *name;
	int (*main)(int argc, char **argv);
} commands[] = {
	{"run", run_main}, /* the first is the default */
};

static int print_version(void)
{
	puts("bobbin-load " BOBBIN_VERSION);
	return EX_OK;
}

int main(int argc, char **argv)
{
	/* It asks a load for its mark, and is not meant to end one that has not begun or is over. */
	signal(SIGUSR1, SIG_IGN);
	if (argc > 1 && (strcmp(argv[1], "-V") == 0 || strcmp(argv[1], "--version") == 0))
		return print_version();
	for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof *commands; i++) {
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].main(argc - 1, argv + 1);
	}
	return commands[0].main(argc, argv);
}
