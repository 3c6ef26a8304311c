/* SPDX-License-Identifier: ISC */
/*
 * pipe - what a predecessor and its successor say to each other, and how it is written.
 *
 * The sockets are passed as a supervisor passes them (sd_listen_fds(3)), with a variable besides:
 *
 *   LISTEN_FDNAMES   the names, with colons between them; in them "%25" is '%' and "%3a" is ':'
 *   BOBBIN_HANDOVER  "7:oops": the descriptor of a pipe, and each socket's origin
 *
 * On the pipe the successor tells which sockets it does not use, and then that it is ready.  The end
 * of the pipe without that means that it failed.
 *
 * The two may be of different versions, so what is here can be added to and not changed.
 *
 * Threads:  any.
 */
#ifndef BOBBIN_SERVER_SUCCESSION_PIPE_H
#define BOBBIN_SERVER_SUCCESSION_PIPE_H

#include <stddef.h>
#include <stdint.h>

#define PIPE_VARIABLE "BOBBIN_HANDOVER"

/* The descriptor of the first socket; the pipe lies behind the last. */
#define PIPE_FIRST_FD 3

/* At most so many sockets. */
#define PIPE_SOCKETS_MAX 1024

/* Where a socket comes from: what a successor without a listener for it does depends on that. */
enum origin {
	ORIGIN_OPENED = 'o', /* a bobbind opened it where a listener says */
	ORIGIN_PASSED = 'p', /* a supervisor passed it, for a listener */
	ORIGIN_SPARE = 's',  /* a supervisor passed it, and no listener asked for it */
};

enum pipe_kind {
	PIPE_UNUSED = 'u',      /* value: which socket */
	PIPE_READY = 'r',       /* value: 0 */
	PIPE_EXEC_FAILED = 'e', /* value: errno; from the child that was to become the successor */
};

/* Written whole, being less than PIPE_BUF.  A kind that is not known is passed over. */
struct pipe_message {
	uint32_t kind;
	uint32_t value;
};

/* How long a name may get, its NUL not counted. */
size_t pipe_encoded_length(const char *name);

/* Write a name and a NUL.  Returns where the NUL is. */
char *pipe_encode(char *to, const char *name);

/* The other way round, in place.  What is no escape stays as it is. */
void pipe_decode(char *name);

/* Write a message; a reader that is gone is no matter.  SIGPIPE is the caller's business. */
void pipe_say(int pipe, enum pipe_kind kind, uint32_t value);

#endif
