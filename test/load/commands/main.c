/* SPDX-License-Identifier: ISC */
/*
 * main - bobbin-load: the client that loads, checks every byte, and measures honestly.
 *
 * The first argument may name a command of the table; without one it is `run`.
 */
#include "run.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
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

/* A file that is opened later must not get one of their numbers, and the report with it.  They are
 * opened the wrong way round, so that their use stays an error. */
static void reserve_standard_descriptors(void)
{
	static const int modes[] = {O_WRONLY, O_RDONLY, O_RDONLY};

	for (int fd = 0; fd < 3; fd++) {
		if (fcntl(fd, F_GETFD) < 0)
			(void)open("/dev/null", modes[fd]);
	}
}

static int run_command(int argc, char **argv)
{
	if (argc > 1 && (strcmp(argv[1], "-V") == 0 || strcmp(argv[1], "--version") == 0))
		return print_version();
	for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof *commands; i++) {
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].main(argc - 1, argv + 1);
	}
	return commands[0].main(argc, argv);
}

int main(int argc, char **argv)
{
	reserve_standard_descriptors();
	/* A write to a closed pipe fails instead.  SIGUSR1 asks a load for its mark, and must not
	 * end one that has not begun or is over. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	int status = run_command(argc, argv);
	bool written = fflush(stdout) == 0 && !ferror(stdout);
	return status == EX_OK && !written ? EX_IOERR : status;
}
