/* SPDX-License-Identifier: ISC */
/*
 * pipe - what a predecessor and its successor say to each other, and its form.
 *
 * The predecessor passes the sockets as a supervisor does (sd_listen_fds(3)), and one variable
 * more:
 *
 *   LISTEN_FDNAMES   the names, with colons between them; in a name "%25" is '%' and "%3a" is ':'
 *   BOBBIN_HANDOVER  "7:oops": the descriptor of a pipe, and the origin of each socket
 *
 * On the pipe the successor tells which sockets it does not use, and then that it is ready.  If the
 * pipe ends without that, the successor has failed.
 *
 * The two may be of different versions: this may be added to, and not changed.
 *
 * Threads:  any.
 */
#ifndef BOBBIN_SERVER_SUCCESSION_PIPE_H
#define BOBBIN_SERVER_SUCCESSION_PIPE_H

#include <stddef.h>
#include <stdint.h>

#define PIPE_VARIABLE "BOBBIN_HANDOVER"

/* The descriptor of the first socket; the pipe follows the last one. */
#define PIPE_FIRST_FD 3

/* At most so many sockets. */
#define PIPE_SOCKETS_MAX 1024

/* Where a socket comes from.  A successor without a listener for it goes by that (assignment.h). */
enum origin {
	ORIGIN_OPENED = 'o', /* a bobbind opened it where a listener says */
	ORIGIN_PASSED = 'p', /* a supervisor passed it, and a listener has it */
	ORIGIN_SPARE = 's',  /* a supervisor passed it, and no listener asked for it */
};

enum pipe_kind {
	PIPE_UNUSED = 'u',      /* value: which socket */
	PIPE_READY = 'r',       /* value: 0 */
	PIPE_EXEC_FAILED = 'e', /* value: errno; from the child that was to become the successor */
};

/* Shorter than PIPE_BUF, so written whole.  The reader ignores a kind that it does not know. */
struct pipe_message {
	uint32_t kind;
	uint32_t value;
};

/* The most bytes that pipe_encode() writes for the name, without the NUL. */
size_t pipe_encoded_length(const char *name);

/* Write the name, encoded, and a NUL.  Returns where the NUL is. */
char *pipe_encode(char *to, const char *name);

/* Decode a name in place.  What is no escape stays as it is. */
void pipe_decode(char *name);

/*
 * Write a message.  If the reader is gone the message is lost.  The caller has blocked or ignored
 * SIGPIPE.  Async-signal-safe.
 */
void pipe_say(int pipe, enum pipe_kind kind, uint32_t value);

#endif
