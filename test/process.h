/* SPDX-License-Identifier: ISC */
/*
 * process - runs a program and keeps what it prints.  Whatever fails here fails the test.
 *
 * Several may run at once.  A thread for each keeps reading, so that a program never blocks on a
 * full pipe while the test does something else.
 *
 * Threads:  a test calls from its main thread only: the child dies with the thread that started it.
 * Lifetime: a child dies with the test that started it, however the test ends.
 */
#ifndef BOBBIN_TEST_PROCESS_H
#define BOBBIN_TEST_PROCESS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* How long anything may take before the test gives up. */
#define PROCESS_PATIENCE_NS (INT64_C(60) * 1000000000)

struct process_stream { /* fields belong to process.c, but for text */
	int fd;
	size_t len; /* [lock] */
	bool ended; /* [lock] */
	char *text; /* all that was printed, '\0' at its end.  It only grows, and never moves */
};

struct process {
	pid_t pid; /* 0 once its end has been waited for */
	struct process_stream out;
	struct process_stream err;
	pthread_t reader;
	pthread_mutex_t lock;
	pthread_cond_t grown; /* broadcast, under lock, when a stream grows or ends */
};

struct process_setting {                       /* zeroed: none of it */
	int columns;                           /* standard error is a terminal so wide, */
	int err;                               /* or this descriptor, which is not read here */
	void (*prepare)(const void *argument); /* called in the child just before exec */
	const void *argument;
};

/*
 * Start argv (NULL at its end; the program is looked for in PATH) with a setting, or NULL for none.
 * The child has no other descriptor of the test's, unless prepare() clears its FD_CLOEXEC.
 */
struct process *process_start(const char *const argv[], const struct process_setting *setting);

/*
 * Wait until the stream has this text and the end of that line; return what follows the text.  The
 * other two look from a place in the stream's text on, and the last does not wait for the line's
 * end.  What is returned stays where it is until process_free().
 */
const char *process_await(struct process *p, struct process_stream *from, const char *text);
const char *process_await_next(
	struct process *p, struct process_stream *from, const char *after, const char *text);
const char *process_await_part(
	struct process *p, struct process_stream *from, const char *after, const char *text);

/* Where the stream's text ends now: what comes next begins there. */
const char *process_end_of(struct process *p, struct process_stream *from);

/* How often the text stands in the stream so far. */
size_t process_count(struct process *p, struct process_stream *from, const char *text);

/* Wait until none of its threads has anything to do. */
void process_await_rest(const struct process *p);

/* Wait until both streams have ended, but not past the moment.  True if they have. */
bool process_ends_by(struct process *p, int64_t moment_ns);

/*
 * Wait until both streams have ended, and for the end of p->pid.  Return its exit status; 128 and
 * the signal if one killed it.  The second one waits for bound_ns at most.
 */
int process_end(struct process *p);
int process_end_within(struct process *p, int64_t bound_ns);

/* The same for any child, whose streams may go on: those of a server are its successor's, too. */
int process_status(pid_t pid);

void process_kill(struct process *p, int signal);

/* Kill it if its end has not been waited for.  Takes NULL. */
void process_free(struct process *p);

#endif
