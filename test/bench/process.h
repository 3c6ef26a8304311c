/* SPDX-License-Identifier: ISC */
/*
 * process - a child with what it prints, what it has used, and its end.
 *
 * What a child prints goes to a file in memory, so that nobody has to read it while something is
 * measured.  A child is not of our process group, so that Ctrl-C reaches us alone and we end it; if
 * we die, the kernel ends it.
 *
 * Threads:  one.
 */
#ifndef BOBBIN_BENCH_PROCESS_H
#define BOBBIN_BENCH_PROCESS_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct process {   /* zeroed is none */
	pid_t pid; /* 0: none, or reaped */
	int pidfd;
	int out_fd;
	int err_fd;
};

/*
 * Take SIGINT, SIGTERM and SIGHUP from now on: every wait below then ends with -EINTR, at once and
 * for good.
 */
void process_catch_signals(void);

/* Start a program with its arguments, ended by NULL.  Returns 0 or -errno. */
int process_start(struct process *p, const char *const *argv);

/*
 * Wait until it has printed "address=127.0.0.1:PORT" on either output, or listens.  Returns 0, -EPROTO if it
 * ends before, -ETIMEDOUT, or -EINTR.
 */
int process_await_port(struct process *p, in_port_t *port);

/*
 * Wait for its end, for at most wait_ms.  Returns its exit status, or 128 and the signal's number;
 * -ETIMEDOUT; -EINTR.
 */
int process_wait(struct process *p, int64_t wait_ms);

/* Sleep, or until a signal.  Returns 0 or -EINTR. */
int process_pause(int64_t ms);

/* End it, politely at first, and give back what it held.  Takes a zeroed one. */
void process_end(struct process *p);

/* All that it has printed on standard output or error so far; the caller's to free.  NULL without memory. */
char *process_output(const struct process *p);
char *process_errors(const struct process *p);

/* Forget what it has printed. */
void process_drop_output(const struct process *p);

/* Processor time of all its threads, those that have ended too.  -1 if it cannot be read. */
int64_t process_cpu_ns(pid_t pid);

/* Its resident memory, counted exactly, which takes a while.  -1 if it cannot be read. */
int64_t process_resident_bytes(pid_t pid);

#endif
