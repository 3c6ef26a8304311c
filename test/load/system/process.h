/* SPDX-License-Identifier: ISC */
/*
 * process - runs a program and keeps what it prints.  Whatever fails here fails the test.
 *
 * A child dies with the test that started it, however that ends.
 */
#ifndef BOBBIN_LOAD_PROCESS_H
#define BOBBIN_LOAD_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define PROCESS_TEXT_MAX ((size_t)1 << 20)

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

/* Start argv (NULL at its end).  descriptors: its limit of them, hard and soft; 0 leaves that as it
 * is. */
struct process *process_start(const char *const argv[], int descriptors);

/* Wait, for 20 s at most, until its standard output or error has this text; returns what stands
 * behind it. */
const char *process_await(struct process *p, struct process_stream *from, const char *text);

/* Wait for its end, for 60 s at most, and return its exit status; 128 and the signal if one killed
 * it. */
int process_end(struct process *p);

void process_kill(struct process *p, int signal);
void process_free(struct process *p);

#endif
