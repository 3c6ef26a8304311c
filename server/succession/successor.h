/* SPDX-License-Identifier: ISC */
/*
 * successor - another bobbind, started by this one, that takes its listening sockets over: the
 * program that is now where this one was started from, with the same arguments.
 *
 *   successor_start() = 0     it is on its way, and we serve on
 *   successor_hear()          again and again, when s->pipe can be read
 *       SUCCESSOR_READY       successor_release(): it serves, and lives on without us
 *       SUCCESSOR_FAILED      it is gone; we serve on as if nothing had been
 *   successor_end()           it takes too long, or we are asked to stop meanwhile
 *
 * Threads:  one at a time.
 */
#ifndef BOBBIN_SERVER_SUCCESSION_SUCCESSOR_H
#define BOBBIN_SERVER_SUCCESSION_SUCCESSOR_H

#include "pipe.h"
#include "server/log.h"

#include <stddef.h>
#include <sys/types.h>

/* What is handed over.  Both stay the caller's. */
struct successor_socket {
	int fd;
	const char *name;
	enum origin origin;
};

struct successor { /* fields belong to successor.c but for those that are told of */
	pid_t pid; /* to read: the process; 0: there is none */
	int pipe;  /* to read, or rather to poll(2) */
	size_t count;
	int error;  /* of its exec */
	int status; /* as waitpid(2) has it */
};

enum successor_news {
	SUCCESSOR_NONE,
	SUCCESSOR_UNUSED, /* it does not use a socket; to be acted on once it is ready, if ever */
	SUCCESSOR_READY,
	SUCCESSOR_FAILED,
};

/*
 * Start it.  It gets the environment and the arguments, the sockets at 3 and on, the signal mask
 * that signals_block() found and SIGPIPE as by default.  Here SIGCHLD is as by default from now on.
 *
 * Returns 0; or -errno (of pipe, fork or memory; -E2BIG: more than PIPE_SOCKETS_MAX sockets),
 * and then there is no successor.  Whether the program can be executed is heard later.
 */
int successor_start(struct successor *s, const char *program, char *const argv[],
	const struct successor_socket *sockets, size_t count);

/*
 * What it has said since, one piece of news at a time; SUCCESSOR_NONE if nothing.  *unused is set
 * for SUCCESSOR_UNUSED: the place of a socket among those handed over.  Never waits for the
 * successor to say something.
 */
enum successor_news successor_hear(struct successor *s, unsigned *unused);

/* After SUCCESSOR_FAILED: add to a line of the log why.  error=, exit_status= or signal=. */
void successor_add_reason(const struct successor *s, struct log_line *l);

/* End it by SIGKILL, and wait for that.  Nothing if there is none. */
void successor_end(struct successor *s);

/* Let it live, and forget it. */
void successor_release(struct successor *s);

#endif
