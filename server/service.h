/* SPDX-License-Identifier: ISC */
/*
 * service - the contract of a service, and the table of those that this program has.
 *
 * A service is one function in one file: a plain loop that reads a message and answers it until the
 * read says that the conversation is over (common/stream.h).  Framing, deadlines, limits, drain,
 * the record and the close come with it.
 *
 *	static void serve(struct stream *s, const struct connection *c)
 *	{
 *		struct stream_message line;
 *
 *		while (stream_read_line(s, &line))
 *			stream_write(s, line.data, line.len + line.end);
 *	}
 *
 * Threads:  serve() runs in a worker thread of its own, many at once; what it shares it must guard
 *           itself.  The stack is small (threads.stack).  During a stop a signal may interrupt it,
 *           once or twice: a call of its own that blocks can return EINTR.
 */
#ifndef BOBBIN_SERVER_SERVICE_H
#define BOBBIN_SERVER_SERVICE_H

#include "common/stream.h"

struct endpoint;

/* Who talks to whom.  All of it lives as long as serve() runs. */
struct connection {
	const struct endpoint *endpoint; /* what was configured for the listener */
	const struct address *peer;      /* the other side, as seen from here */
	const char *instance;            /* what this server calls itself */
	const char *id;                  /* of the connection, as in its record */
};

struct service {
	const char *name; /* as in the configuration file */
	enum stream_framing framing;

	/*
	 * Converse until a read or a write returns false, or until the service has said all that it
	 * has to say.  Both are borrowed: the stream is finished and closed by the caller.
	 */
	void (*serve)(struct stream *s, const struct connection *c);

	/*
	 * A shell command that shows the service at work, before and behind " HOST PORT"; each may
	 * be NULL.
	 */
	const char *try_before;
	const char *try_after;
};

/* The services of this program, ended by NULL.  server/services/table.c has bobbind's. */
extern const struct service *const service_table[];

/* The service of that name, or NULL. */
const struct service *service_find(const char *name);

#endif
