/* SPDX-License-Identifier: ISC */
/*
 * process - runs a program and keeps what it prints.  Whatever fails here fails the test.
 *
 * A child dies with the test that started it, however that ends.
 */
#ifndef BOBBIN_TEST_PROCESS_H
#define BOBBIN_TEST_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROCESS_TEXT_MAX ((size_t)1 << 20)

/* No program under test may hang: what takes longer than this fails, on a machine however slow. */
#define PROCESS_HANG_NS (INT64_C(10) * 1000000000)

struct process_stream {
	int fd;
	size_t len;
	char text[PROCESS_TEXT_MAX]; /* all that was printed, '\0' at its end */
};

struct process {
	pid_t pid;
	struct process_stream out;
	struct process_stream err;
};

struct process_setting {  /* zeroed: none of it */
	int descriptors;  /* its limit of them, hard and soft */
	int columns;      /* standard error is a terminal so wide */
	const char *term; /* and TERM says this */
};

/* Start argv (NULL at its end) with a setting, or NULL for none. */
struct process *process_start(const char *const argv[], const struct process_setting *setting);

/* Wait, for 20 s at most, until its standard output or error has this text and the end of that
 * line; returns what stands behind the text. */
const char *process_await(struct process *p, struct process_stream *from, const char *text);

/* Wait, for 20 s at most, until none of its threads has anything to do. */
void process_await_rest(const struct process *p);

/* Wait until the moment has passed, reading meanwhile.  True if the process has ended before. */
bool process_read_until(struct process *p, int64_t moment_ns);

/*
 * Wait for its end, for 60 s at most, and return its exit status; 128 and the signal if one killed
 * it.  The second one waits for bound_ns.
 */
int process_end(struct process *p);
int process_end_within(struct process *p, int64_t bound_ns);

void process_kill(struct process *p, int signal);
void process_free(struct process *p);

#endif
