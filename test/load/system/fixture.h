/* SPDX-License-Identifier: ISC */
/* fixture - a server and a load against it, as most system tests want them. */
#ifndef BOBBIN_LOAD_FIXTURE_H
#define BOBBIN_LOAD_FIXTURE_H

#include "process.h"

#include <stdint.h>

struct fixture {
	struct process *server;
	struct process *load;
	unsigned port;
	char json[64]; /* path of a file that the load may write; removed at the end */
	int status;    /* exit status of the load, when it has been run */
};

/* Check's setup and teardown for struct fixture fixture. */
extern struct fixture fixture;
void fixture_set_up(void);
void fixture_tear_down(void);

/*
 * Start a server in this mode: wrong_server; or for "right", if the environment has BOBBIND, that
 * program. messages of echo have 64 bytes.
 */
void fixture_serve(const char *service, const char *mode);

/*
 * Start the load with the options (words between single spaces) against fixture.port; start and
 * wait for its end. The address is put behind them.
 */
void fixture_start_load(const char *service, const char *options);
void fixture_run_load(const char *service, const char *options);

/* The same with a limit of descriptors. */
void fixture_run_load_with(const char *service, const char *options, int descriptors);

/* Wait until the load is going on. */
void fixture_await_traffic(void);

/* The result has this text. */
void fixture_must_print(const char *text);

/* The number behind the first "name": of the JSON file from the first place of "section" on (NULL:
 * its beginning). */
double fixture_json_number(const char *section, const char *name);

#endif
