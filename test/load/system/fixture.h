/* SPDX-License-Identifier: ISC */
/*
 * fixture - a server and a load against it.
 *
 * What the load says of itself is in its report and its JSON; what really happened is in the
 * ledger's record.
 */
#ifndef BOBBIN_LOAD_FIXTURE_H
#define BOBBIN_LOAD_FIXTURE_H

#include "record.h"
#include "test/process.h"

#include <stdbool.h>
#include <stdint.h>

struct fixture {
	struct process *server;
	struct process *load;
	struct record *record; /* once fixture_read_record() has been called */
	char service[8];
	char host[64]; /* 127.0.0.1 unless the test says otherwise */
	unsigned port;
	char shell[320];     /* what a shell does before it becomes the load; "": there is none */
	int columns;         /* of the terminal that is its standard error; 0: there is none */
	const char *skipped; /* why the scene cannot be played here, or NULL */
	char options[1024];  /* of the load */
	char json[64];       /* paths of two files; removed at the end.  $JSON is the first */
	char ledger[64];
	int status;          /* exit status of the load, when it has ended */
	int64_t started_ns;  /* just before the load was started, */
	int64_t told_ns;     /* when it was last sent a signal, */
	size_t seen;         /* of its standard error, before the first signal */
	int64_t ended_ns;    /* and when its end was seen */
	int64_t stood_still; /* for how long fixture_stop_for() stopped one of them, in ns */
};

/* Check's setup and teardown for struct fixture fixture. */
extern struct fixture fixture;
void fixture_set_up(void);
void fixture_tear_down(void);

/* Start the ledger: "SERVICE [OPTION VALUE]...", words between single spaces, '~' for a space. */
void fixture_serve(const char *options);

/* Start bobbind if the environment has BOBBIND, else the ledger. */
void fixture_serve_right(const char *service);

/*
 * Start the load with the options (words as above), or start it and wait for its end.  "--json
 * FILE" is put before them unless they have it, the address after them.
 */
void fixture_start(const char *options);
void fixture_run(const char *options);

/* Wait for its end, if that has not been waited for. */
void fixture_end(void);

/* Send it a signal. */
void fixture_tell(int signal);

/* End the ledger, and look at its record. */
const struct record *fixture_read_record(void);

/* Stop a process for a while. */
void fixture_stop_for(struct process *p, int64_t duration_ns);

/* True if the report has this text; where its lines are broken does not matter. */
bool fixture_prints(const char *text);
void fixture_must_print(const char *text);

/* A number of the JSON file by its path, "latency.p99_ns"; true is 1, null is NAN. */
double fixture_json(const char *path);
const char *fixture_json_text(const char *path); /* until the next call */

/* The "count" of a failure by its name; 0 if it is not listed. */
double fixture_json_failures(const char *name);

/* How many durations of a histogram ("latency") are bound_ns or longer; what never came is not
 * among them. */
double fixture_json_count_from(const char *histogram, size_t len, double bound_ns);

/* Every message that was due ended in exactly one way. */
void fixture_must_add_up(void);

/* And the load's counts are the record's: sent and received, answered and replied. */
void fixture_must_agree(void);

#endif
