/* SPDX-License-Identifier: ISC */
/*
 * fixture - a server and a load against it, as most system tests want them.
 *
 * What the load says of itself is in its report and its JSON; what really happened is in the
 * ledger's record.
 */
#ifndef BOBBIN_LOAD_FIXTURE_H
#define BOBBIN_LOAD_FIXTURE_H

#include "record.h"
#include "test/process.h"

#include <stdint.h>

/* No load that is told to end may hang: what takes longer fails, on a machine however slow. */
#define FIXTURE_HANG_NS (INT64_C(10) * 1000000000)

struct fixture {
	struct process *server;
	struct process *load;
	struct record *record; /* once fixture_read_record() has been called */
	unsigned port;
	char json[64]; /* paths of two files; removed at the end */
	char ledger[64];
	int status;         /* exit status of the load, when it has been run */
	int64_t started_ns; /* just before the load was started, */
	int64_t ended_ns;   /* and when its end was seen */
};

/* Check's setup and teardown for struct fixture fixture. */
extern struct fixture fixture;
void fixture_set_up(void);
void fixture_tear_down(void);

/* Start the ledger with the options (words between single spaces, '~' for a space within one).
 * Messages of echo have 64 bytes. */
void fixture_serve(const char *service, const char *options);

/* Start bobbind if the environment has BOBBIND, else the ledger. */
void fixture_serve_right(const char *service);

/*
 * Start the load with the options (words as above) against fixture.port, or start it and wait for
 * its end.  "--json FILE" is put before them, the address behind them; a word JSON is that file.
 */
void fixture_start_load(const char *service, const char *options);
void fixture_run_load(const char *service, const char *options);

/* The same with a setting. */
void fixture_start_load_with(
	const char *service, const char *options, const struct process_setting *setting);

/* Wait for its end.  The second one for no longer than FIXTURE_HANG_NS: a load that was told to
 * end. */
void fixture_end_load(void);
void fixture_must_end_soon(void);

/* End the ledger, and read its record into fixture.record. */
void fixture_read_record(void);

/* Wait until the ledger has received so many messages: a multiple of its --speak-every. */
void fixture_await_received(unsigned count);

/* Stop a process for a while; returns for how long it was, in ns. */
int64_t fixture_stop_for(struct process *p, int64_t duration_ns);

/* The result has this text, or has it not; where its lines are broken does not matter. */
void fixture_must_print(const char *text);
void fixture_must_not_print(const char *text);

/* What the load printed on standard error has this text. */
void fixture_must_complain(const char *text);

/* A number of the JSON file by its path, "latency.p99_ns"; NAN for null.  It must be there. */
double fixture_json(const char *path);
void fixture_json_must_be(const char *path, double value);
bool fixture_json_bool(const char *path);
const char *fixture_json_text(const char *path); /* until the next call */

/* The "count" of a failure by its name; 0 if it is not listed. */
double fixture_json_failures(const char *name);

/*
 * The load's counts agree with the record: sent with what was received, answered with the replies
 * (unless a reply may have been on its way), opened with the accepted; and every message due ended
 * in exactly one way.
 */
void fixture_must_agree_with_record(void);
void fixture_must_add_up(void);

/* So many were due, and all were sent and answered, except for those at the end of an open loop of
 * which the client says that it was late itself: what this machine stole is no fault of its. */
void fixture_must_send_all(double count);

/*
 * Call body(first) to body(end - 1), each in a process with a fixture of its own, at_once of them
 * at a time.  Calls failed(i) for each that failed, and returns how many did.
 */
size_t fixture_try_each(
	size_t first, size_t end, size_t at_once, void (*body)(size_t i), void (*failed)(size_t i));

/* The same from 0 to count - 1; the test fails if one of them does. */
void fixture_for_each(size_t count, size_t at_once, void (*body)(size_t i));

/* How many durations of a histogram ("latency") are bound_ns or longer; those that never came are
 * not among them. */
double fixture_json_count_from(const char *histogram, double bound_ns);

#endif
