/* SPDX-License-Identifier: ISC */
/*
 * program - the path from which the running program was started.
 *
 * Threads:  before threads start: it reads the environment.
 */
#ifndef BOBBIN_SERVER_SUCCESSION_PROGRAM_H
#define BOBBIN_SERVER_SUCCESSION_PROGRAM_H

/*
 * The absolute path by which execvp(3) found the program: argv0 with a slash in it counts from the
 * working directory, any other is looked up in PATH.  If that leads nowhere, /proc/self/exe tells.
 * Symbolic links stay in the path, so that it leads to what is installed there later.  To be called
 * before the working directory or PATH can have changed.
 *
 * Returns a string that the caller frees.  Without memory the process ends.
 */
char *program_path(const char *argv0);

#endif
