/* SPDX-License-Identifier: ISC */
/*
 * handover - what a predecessor and its successor say to each other, and how it is written.
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
#ifndef BOBBIN_SERVER_HANDOVER_H
#define BOBBIN_SERVER_HANDOVER_H

#include <stddef.h>
#include <stdint.h>

#define HANDOVER_VARIABLE "BOBBIN_HANDOVER"

/* The descriptor of the first socket; the pipe lies behind the last. */
#define HANDOVER_FIRST_FD 3

/* At most so many sockets. */
#define HANDOVER_SOCKETS_MAX 1024

/* Where a socket comes from: what a successor without a listener for it does depends on that. */
enum handover_origin {
	HANDOVER_OPENED = 'o', /* a bobbind opened it where a listener says */
	HANDOVER_PASSED = 'p', /* a supervisor passed it, for a listener */
	HANDOVER_SPARE = 's',  /* a supervisor passed it, and no listener asked for it */
};

enum handover_kind {
	HANDOVER_UNUSED = 'u', /* value: which socket */
	HANDOVER_READY = 'r',  /* value: 0 */
	HANDOVER_EXEC_FAILED =
		'e', /* value: errno; from the child that was to become the successor */
};

/* Written whole, being less than PIPE_BUF.  A kind that is not known is passed over. */
struct handover_message {
	uint32_t kind;
	uint32_t value;
};

/* How long a name may get, its NUL not counted. */
size_t handover_encoded_length(const char *name);

/* Write a name and a NUL.  Returns where the NUL is. */
char *handover_encode(char *to, const char *name);

/* The other way round, in place.  What is no escape stays as it is. */
void handover_decode(char *name);

/* Write a message; a reader that is gone is no matter.  SIGPIPE is the caller's business. */
void handover_say(int pipe, enum handover_kind kind, uint32_t value);

#endif
