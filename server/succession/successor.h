/* SPDX-License-Identifier: ISC */
/*
 * successor - another bobbind that this one starts to take its listening sockets over.
 *
 *   successor_start() = 0     the successor starts, and we serve on
 *   successor_hear()          whenever s->pipe can be read
 *       SUCCESSOR_READY       then successor_release(): it serves, and no longer depends on us
 *       SUCCESSOR_FAILED      it has ended; we serve on as before
 *   successor_end()           when it takes too long, or we are asked to stop meanwhile
 *
 * Threads:  one at a time.
 */
#ifndef BOBBIN_SERVER_SUCCESSION_SUCCESSOR_H
#define BOBBIN_SERVER_SUCCESSION_SUCCESSOR_H

#include "pipe.h"
#include "server/log.h"

#include <stddef.h>
#include <sys/types.h>

/* A socket to hand over; fd and name stay the caller's. */
struct successor_socket {
	int fd;
	const char *name;
	enum origin origin;
};

struct successor {    /* the caller reads pid and polls pipe; the fields belong to successor.c */
	pid_t pid;    /* 0: there is no successor */
	int pipe;     /* owned; -1: there is no successor */
	size_t count; /* of the sockets handed over */
	int error;    /* errno of its exec; 0: none */
	int status;   /* as in waitpid(2), after successor_end() or SUCCESSOR_FAILED */
};

enum successor_news {
	SUCCESSOR_NONE,
	SUCCESSOR_UNUSED, /* it does not use a socket; counts only once it is ready */
	SUCCESSOR_READY,
	SUCCESSOR_FAILED,
};

/*
 * Start the program at this path with these arguments.  It gets our environment, the sockets as
 * descriptors 3 and on, the signal mask that signals_block() found, and SIGPIPE by default.  In
 * this process SIGCHLD is by default afterwards.
 *
 * Returns 0, and successor_end() or successor_release() is due.  Or -errno, and there is no
 * successor: of pipe2(2), of fork(2), -ENOMEM, or -E2BIG for more than PIPE_SOCKETS_MAX sockets.
 * That the program cannot be executed is heard later.
 */
int successor_start(struct successor *s, const char *program, char *const argv[],
	const struct successor_socket *sockets, size_t count);

/*
 * The successor's next message, or SUCCESSOR_NONE if it has sent none; this does not wait for one.
 * SUCCESSOR_UNUSED sets *unused to the place of the socket among those handed over.  After
 * SUCCESSOR_FAILED the process has ended and is waited for.
 */
enum successor_news successor_hear(struct successor *s, unsigned *unused);

/*
 * After SUCCESSOR_FAILED: add the reason to a line of the log, as error=, exit_status= or signal=.
 */
void successor_add_reason(const struct successor *s, struct log_line *l);

/* Kill the successor with SIGKILL and wait for its end.  Does nothing if there is none. */
void successor_end(struct successor *s);

/* Close the pipe and let the successor run.  Does nothing if there is none. */
void successor_release(struct successor *s);

#endif
