/* SPDX-License-Identifier: ISC */
/*
 * service - the contract of a service, and the table of the program's services.
 *
 * A service is one function in one file: a plain loop that reads a message and answers it until the
 * read says that the conversation is over (common/stream.h).  The caller adds framing, deadlines,
 * limits, drain, the record and the close.
 *
 *	static void serve(struct stream *s, const struct connection *c)
 *	{
 *		struct stream_message line;
 *
 *		while (stream_read_line(s, &line))
 *			stream_write(s, line.data, line.len + line.end);
 *	}
 *
 * Threads:  many worker threads run serve() at once; it guards what it shares.  The stack is small
 *           (threads.stack).  During a stop a signal may interrupt it once or twice: a blocking call
 *           that the service makes itself can return EINTR.
 */
#ifndef BOBBIN_SERVER_SERVICE_H
#define BOBBIN_SERVER_SERVICE_H

#include "common/stream.h"

struct endpoint;

/* The two ends.  All of it lives as long as serve() runs. */
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
	 * Converse until a read or a write returns false, or the service has said all it has to say.
	 * Both arguments are borrowed: the caller finishes and closes the stream.
	 */
	void (*serve)(struct stream *s, const struct connection *c);

	/*
	 * A shell command that shows the service at work: what stands before and after " HOST PORT".
	 * Either may be NULL.
	 */
	const char *try_before;
	const char *try_after;
};

/* The services of this program, ended by NULL.  server/services/table.c has bobbind's. */
extern const struct service *const service_table[];

/* The service of that name, or NULL. */
const struct service *service_find(const char *name);

#endif
