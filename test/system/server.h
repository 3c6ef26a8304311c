/* SPDX-License-Identifier: ISC */
/*
 * server - a bobbind of the test's own: started on free ports, watched through its log, ended with
 * the test.
 *
 * Every wait has a bound, after which the test fails.  A server that a failed test leaves behind
 * dies with it, and so does a successor: Check kills the test's group of processes.
 *
 * A successor writes on the log of the one that started it, so one struct is for all that follow
 * each other: server_follow() goes on to the next.
 */
#ifndef BOBBIN_TEST_SYSTEM_SERVER_H
#define BOBBIN_TEST_SYSTEM_SERVER_H

#include "common/address.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SERVER_LISTENERS_MAX 8

/* How long anything may take before the test gives up. */
#define SERVER_PATIENCE_NS (INT64_C(60) * 1000000000)

struct server {
	pid_t child; /* to wait for: the server, or what wraps it */
	pid_t pid;   /* to send signals to: the server; known once it is ready */
	int log_fd;
	pthread_t reader;
	pthread_mutex_t lock;
	pthread_cond_t grown; /* broadcast, under lock, when log grows or ends */
	char *log;            /* [lock] all that it has said so far */
	size_t log_len;       /* [lock] */
	bool log_ended;       /* [lock] */
	size_t heard;         /* so much of it server_await_next() has passed over */
	struct address addresses[SERVER_LISTENERS_MAX]; /* where it really listens */
	size_t listeners;
};

/* How to start one.  Zeroed fields mean nothing special. */
struct server_plan {
	const char *program;             /* instead of bobbind */
	const char *const *wrapper;      /* a command before it, ended by NULL */
	const char *const *arguments;    /* ended by NULL */
	void (*prepare)(void *argument); /* called in the child just before exec */
	void *argument;
	bool bare;  /* no arguments but these: the program is not a bobbind */
	int log_to; /* its standard error, instead of the pipe that is read here; 0: the pipe */
};

/* Start bobbind with the arguments (ended by NULL) and wait until it is ready. */
void server_start(struct server *s, const char *const *arguments);

#define SERVER_START(s, ...) server_start(s, (const char *const[]){__VA_ARGS__, NULL})

/*
 * A configuration file with that text, for -c.  Returns its path, in static memory.  It goes with
 * the test.
 */
const char *server_file(const char *text);

/* Start as planned, and wait for nothing. */
void server_launch(struct server *s, const struct server_plan *plan);

/* Wait for the ready line, and learn pid and addresses. */
void server_await_ready(struct server *s);

/* Wait for a line with the text in it, and return a copy of the line, the caller's to free. */
char *server_await_log(struct server *s, const char *text);

/*
 * The same with the next such line: one behind the line that the last such call returned, or behind
 * the ready line.
 */
char *server_await_next(struct server *s, const char *text);

/* How often the text stands in the log so far. */
size_t server_count_log(struct server *s, const char *text);

/* The number behind key= in the line; the test fails if there is none. */
int64_t server_field(const char *line, const char *key);

/* Make it log its counters, and return one of them. */
int64_t server_counter(struct server *s, const char *key);

/* Send it a signal. */
void server_signal(struct server *s, int signal);

/* Wait for its end.  Returns the exit status, or -signal.  Afterwards the log is complete. */
int server_wait(struct server *s);

/* SIGTERM, and then server_wait(). */
int server_stop(struct server *s);

/* What came of SIGUSR2. */

/*
 * Wait until it has handed over, and go on to its successor: pid, child and addresses are that
 * one's.  Returns the process id of the one before, whose end is still to be waited for.
 */
pid_t server_follow(struct server *s);

/* SIGUSR2, and then server_follow(). */
pid_t server_hand_over(struct server *s);

/*
 * Wait for the end of one of them.  Returns its exit status, or -signal.  First for those that came
 * first: a status is the parent's to ask for until the parent has ended.
 */
int server_wait_for(struct server *s, pid_t pid);

/* Wait for the end of any process, and leave its status to whom it belongs. */
void server_await_end(struct server *s, pid_t pid);

/* A child of the server, or 0. */
pid_t server_child(const struct server *s);

/* The first listener's port, in host byte order. */
in_port_t server_port(const struct server *s);

/* As text, for arguments of other programs; in static memory. */
const char *server_port_text(const struct server *s);

/* CPU time that the server has used, in ns: /proc/PID/stat. */
int64_t server_cpu_ns(const struct server *s);

/* A number in kB from /proc/PID/status, as in "VmRSS". */
int64_t server_status_kb(const struct server *s, const char *key);

/* How many entries /proc/PID/WHAT has: "fd", "task". */
size_t server_count_proc(const struct server *s, const char *what);

/* Wait until /proc/PID/WHAT has exactly so many entries. */
void server_await_proc(const struct server *s, const char *what, size_t count);

/* Its end of a client's connection, as a descriptor of ours; or -1 where that is not allowed. */
int server_end_of(const struct server *s, int client);

/* So many connections as wanted, or as the environment allows (BOBBIN_TEST_CONNECTIONS_MAX). */
size_t server_connections(size_t wanted);

/* Built with a sanitizer: memory and system calls are not those of the real thing. */
bool server_is_instrumented(void);

#endif
