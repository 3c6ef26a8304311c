/* SPDX-License-Identifier: ISC */
/*
 * options - the command line of `bobbin-load run`, as rows: from them come parsing, defaults, the
 * help, and the test that the manual page knows each.
 */
#ifndef BOBBIN_LOAD_OPTIONS_H
#define BOBBIN_LOAD_OPTIONS_H

#include "settings.h"

#include <stddef.h>
#include <stdio.h>

enum options_outcome {
	OPTIONS_RUN,   /* *out is filled, but for the addresses of its endpoint */
	OPTIONS_HELP,  /* the help was asked for */
	OPTIONS_WRONG, /* *mistake says what is wrong and what would be right */
};

#define OPTIONS_MISTAKE_MAX 512

/* Read argv, whose first element is a name.  *out borrows from argv. */
enum options_outcome options_parse(
	int argc, char **argv, struct settings *out, char mistake[OPTIONS_MISTAKE_MAX]);

/* Usage and one line for each option. */
void options_print_help(FILE *to);

/* The name of option i as it is written ("--size"), its letter ("-s") or "", or NULL after the
 * last. */
const char *options_name(size_t i);
const char *options_letter(size_t i);

#endif
