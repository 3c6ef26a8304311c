/* SPDX-License-Identifier: ISC */
/* run - the default command: load an endpoint, check every byte, and report. */
#ifndef BOBBIN_LOAD_RUN_H
#define BOBBIN_LOAD_RUN_H

/* argv[0] is the command's name.  Returns the exit status of bobbin-load(1). */
int run_main(int argc, char **argv);

#endif
