/* SPDX-License-Identifier: ISC */
/*
 * mistakes - what is wrong with a command line or a configuration file: each mistake is told on a
 * line of its own, and counted.
 *
 * Threads:  before threads start, or the one that reloads.
 */
#ifndef BOBBIN_SERVER_SETTINGS_MISTAKES_H
#define BOBBIN_SERVER_SETTINGS_MISTAKES_H

#include <stdio.h>

struct mistakes {
	FILE *to;       /* where they are told; borrowed */
	unsigned usage; /* how many lie in the command line */
	unsigned file;  /* how many lie in the file */
	int unreadable; /* the errno of a file that could not be read, or 0 */
};

/* "FILE:LINE: what is wrong" */
void mistakes_in_file(struct mistakes *m, const char *file, unsigned line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* "bobbind: what is wrong" */
void mistakes_in_usage(struct mistakes *m, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* "bobbind: FILE: what the errno means" */
void mistakes_unreadable(struct mistakes *m, const char *file, int error);

/* The exit status that fits (sysexits.h): EX_OK, EX_USAGE, EX_NOINPUT or EX_CONFIG. */
int mistakes_status(const struct mistakes *m);

#endif
