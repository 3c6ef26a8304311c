/* SPDX-License-Identifier: ISC */
/* echo - the bytes come back, as RFC 862 has it. */
#include "services.h"

static void serve(struct stream *s, const struct connection *c)
{
	struct stream_message bytes;

	(void)c;
	while (stream_read_some(s, &bytes) && stream_write(s, bytes.data, bytes.len))
		continue;
}

const struct service echo_service = {
	.name = "echo",
	.framing = STREAM_RAW,
	.serve = serve,
	.try_before = "echo hello | nc -N",
};
