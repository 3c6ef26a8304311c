/* SPDX-License-Identifier: ISC */
/* program - where the program that runs was started from. */
#ifndef BOBBIN_SERVER_SUCCESSION_PROGRAM_H
#define BOBBIN_SERVER_SUCCESSION_PROGRAM_H

/*
 * The absolute path by which the program was started, as execvp(3) found it: argv0 with a slash in
 * it counts from the working directory, any other is looked for in PATH; where that leads nowhere,
 * /proc/self/exe tells.  Symbolic links stay in it, so that what is installed there later is what
 * the path leads to then.  To be called before the working directory or PATH can have changed.
 *
 * Returns a string, the caller's to free.  Without memory the process ends.
 */
char *program_path(const char *argv0);

#endif
