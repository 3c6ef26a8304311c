/* SPDX-License-Identifier: ISC */
/*
 * load - one run of bobbin-load on one server: its figures, what both sides have used, and whether
 * it was right in every respect.
 */
#ifndef BOBBIN_BENCH_LOAD_H
#define BOBBIN_BENCH_LOAD_H

#include "cases.h"
#include "contest.h"
#include "process.h"

struct load_order {
	const struct bench_case *of;
	const struct programs *programs;
	in_port_t port;
	pid_t server; /* whose processor time is taken; 0: nobody's */
	int64_t run_ms;
	int64_t ramp_ms;
	uint64_t messages; /* 0: as many as run_ms allows */
	uint64_t rate;     /* 0: closed loop */
	uint64_t seed;
	bool bare; /* with the bare client: rate and processor time only */
};

struct sample {
	double of[METRICS]; /* NaN: not measured */
	bool client_was_limit;
};

/*
 * Load, and fill in the sample.  Returns 0; -EPROTO if the run is worth nothing, with the reason in
 * fault; -EINTR.
 */
int load_run(const struct load_order *order, struct sample *sample, char fault[FAULT_MAX]);

/* The two halves of that, for who looks at the server in between. */
int load_start(const struct load_order *order, struct process *client);
int load_read(struct process *client, int status, const struct load_order *order,
	struct sample *sample, char fault[FAULT_MAX]);

/* No figure at all. */
struct sample sample_empty(void);

/* A run has to be over so long after it should be. */
#define LOAD_PATIENCE_MS 60000

#endif
