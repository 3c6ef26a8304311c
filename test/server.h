/* SPDX-License-Identifier: ISC */
/*
 * server - a bobbind of the test's own: started on free ports, watched through its log, ended with
 * the test.
 *
 * A successor writes on the log of the one that started it, so one struct is for all copies that
 * follow each other: server_follow() goes on to the next.
 *
 * A line of the log is asked for by its fields: "key=PATTERN" (in which "*" stands for anything),
 * "key!=PATTERN", "key>NUMBER", "key<NUMBER", or "~TEXT" for a text anywhere in the line.  The log
 * may be logfmt or JSON.
 */
#ifndef BOBBIN_TEST_SERVER_H
#define BOBBIN_TEST_SERVER_H

#include "process.h"

#include "common/address.h"

#define SERVER_LISTENERS_MAX 8
#define SERVER_COPIES_MAX    256

struct server {
	struct process *process;
	pid_t child;       /* to wait for: the server, or what wraps it */
	pid_t pid;         /* to send signals to: the server; known once it is ready */
	const char *heard; /* so much of its log server_next() has passed over */
	struct address addresses[SERVER_LISTENERS_MAX]; /* where it listens */
	size_t listeners;
	pid_t olds[SERVER_COPIES_MAX]; /* the copies before it, that have not been waited for */
	size_t old_count;
};

/* How to start one.  Zeroed fields mean nothing special. */
struct server_plan {
	const char *program;                   /* instead of bobbind */
	const char *const *wrapper;            /* a command before it, ended by NULL */
	const char *const *arguments;          /* ended by NULL */
	void (*prepare)(const void *argument); /* called in the child just before exec */
	const void *argument;
	int log_to; /* its standard error, instead of what is read here; 0: that */
};

/* Start as planned, and wait for nothing. */
void server_launch(struct server *s, const struct server_plan *plan);

/* Wait for the ready line, and learn pid and addresses.  False: it did not come. */
bool server_await_ready(struct server *s);

/* Start bobbind, and wait until it is ready. */
void server_start(struct server *s, const char *const *arguments);

#define SERVER_START(s, ...) server_start(s, (const char *const[]){__VA_ARGS__, NULL})

/* The log. */

/*
 * Wait for the next line with that field: one after the line that the last such call returned, or
 * after the ready line.  Returns a copy, the caller's to free, or NULL if none comes.
 */
char *server_next(struct server *s, const char *field);

/* How many lines have all of these fields (ended by NULL) so far. */
size_t server_count(struct server *s, const char *const *fields);

bool server_line_has(const char *line, const char *field);

/* The value of the field, in static memory, or NULL; as a number, which the test fails without. */
const char *server_value(const char *line, const char *key);
int64_t server_number(const char *line, const char *key);

/*
 * Make it log its counters, and return that line, the caller's to free.  The test fails if accepted
 * is not active, ended and refused together.
 */
char *server_counters(struct server *s);
int64_t server_counter(struct server *s, const char *key);

/* Ending. */

void server_signal(struct server *s, int signal);

/* Wait for its end.  Returns the exit status, or 128 and the signal.  Then the log is complete. */
int server_wait(struct server *s);

/* SIGTERM, and then server_wait(). */
int server_stop(struct server *s);

/* Succession. */

/* Wait until it has handed over, and go on to its successor.  False: it has not. */
bool server_follow(struct server *s);

/* Wait for the end of the first of the copies before it.  Returns its exit status. */
int server_wait_old(struct server *s);

/* Looking. */

/* CPU time that it has used, in ns. */
int64_t server_cpu_ns(const struct server *s);

/* A number of /proc/PID/status as in "VmRSS"; or how many entries /proc/PID/fd or task has. */
int64_t server_look(const struct server *s, const char *what);

/* Wait until it is so much.  False: it is not. */
bool server_await(const struct server *s, const char *what, int64_t value);

/* Its end of a client's connection, as a descriptor of ours; or -1 if that is not allowed. */
int server_end_of(const struct server *s, int client);

/* For tests in C. */

/* Fails the test with what came instead, if anything did (client.h). */
void must(const char *wrong);

/* A client of its first listener, from that local address unless it is NULL. */
int must_dial(const struct server *s, const char *from);

/* A line each way. */
void must_talk(int fd);

/* Built with a sanitizer: memory and system calls are not those of the real thing. */
bool server_is_instrumented(void);

#endif
