/* SPDX-License-Identifier: ISC */
/*
 * line - each line comes back behind a prefix.  A last line without its '\n' is answered without
 * one too.
 */
#include "services.h"

#include "server/settings.h"

#include <string.h>

static void serve(struct stream *s, const struct endpoint *at)
{
	struct iovec pieces[2] = {{.iov_base = at->prefix, .iov_len = strlen(at->prefix)}};
	struct stream_message line;

	while (stream_read_line(s, &line)) {
		pieces[1] = (struct iovec){(void *)line.data, line.len + line.end};
		if (!stream_write_pieces(s, pieces, 2))
			return;
	}
}

const struct service line_service = {
	.name = "line",
	.framing = STREAM_LINE,
	.serve = serve,
	.try_before = "echo hello | nc -N",
};
