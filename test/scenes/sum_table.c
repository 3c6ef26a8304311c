/* SPDX-License-Identifier: ISC */
/*
 * sum_table - the services of a server that only the tests have: sum, which is README's recipe to the
 * letter, and once, which ends a conversation by itself.
 */
#include "server/service.h"

#include <stddef.h>

extern const struct service sum_service;

static void serve_once(struct stream *s, const struct connection *c)
{
	struct stream_message line;

	(void)c;
	if (stream_read_line(s, &line))
		stream_write(s, "bye\n", 4);
}

static const struct service once_service = {
	.name = "once",
	.framing = STREAM_LINE,
	.serve = serve_once,
};

const struct service *const service_table[] = {&sum_service, &once_service, NULL};
